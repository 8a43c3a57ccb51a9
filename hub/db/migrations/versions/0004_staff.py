"""The hub's own people: accounts, passkeys, sessions, and an append-only record of what they did."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _staff(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["staff_id"], ["staff_members.id"], name=f"fk_{table}_staff_id_staff_members")


def _session(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["session_id"], ["staff_sessions.id"], name=f"fk_{table}_session_id_staff_sessions")


def upgrade() -> None:
    """Apply."""
    _accounts()
    _sessions()
    op.create_table(
        "staff_attempts",
        sa.Column("name_sha256", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        _moment("first_at"),
        _moment("locked_until", nullable=True),
        sa.PrimaryKeyConstraint("name_sha256", name="pk_staff_attempts"),
    )
    op.create_table(
        "staff_events",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=True),
        _moment("at"),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("by_staff_id", sa.Uuid(), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        _staff("staff_events"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_staff_events_staff_id_id", "staff_events", ["staff_id", "id"])
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER staff_events_no_{act.lower()} BEFORE {act} ON staff_events "
                "BEGIN SELECT RAISE(ABORT, 'staff_events is append-only'); END"
            )


def _accounts() -> None:
    op.create_table(
        "staff_members",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("full_name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        _moment("added_at"),
        _moment("disabled_at", nullable=True),
        sa.CheckConstraint(
            "role IN ('clinician', 'technician', 'attendant', 'administrator')", name="ck_staff_members_role"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_staff_members"),
        sa.UniqueConstraint("username", name="uq_staff_members_username"),
    )
    op.create_table(
        "staff_passkeys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.String(length=1_400), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        _moment("added_at"),
        _moment("last_used_at", nullable=True),
        _staff("staff_passkeys"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_passkeys"),
        sa.UniqueConstraint("credential_id", name="uq_staff_passkeys_credential_id"),
    )
    op.create_index("ix_staff_passkeys_staff_id", "staff_passkeys", ["staff_id"])
    op.create_table(
        "staff_recovery_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        _moment("used_at", nullable=True),
        _staff("staff_recovery_codes"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_recovery_codes"),
        sa.UniqueConstraint("staff_id", "code_sha256", name="uq_staff_recovery_codes_staff_id_code_sha256"),
    )
    op.create_table(
        "staff_invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("code_sha256", sa.String(length=64), nullable=False),
        _moment("expires_at"),
        _staff("staff_invitations"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_invitations"),
        sa.UniqueConstraint("code_sha256", name="uq_staff_invitations_code_sha256"),
        sa.UniqueConstraint("staff_id", name="uq_staff_invitations_staff_id"),
    )


def _sessions() -> None:
    op.create_table(
        "staff_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=True),
        sa.Column("label", sa.String(length=64), nullable=False),
        _moment("started_at"),
        _moment("seen_at"),
        _moment("expires_at"),
        _moment("stepped_up_at", nullable=True),
        _moment("ended_at", nullable=True),
        sa.Column("ended_by", sa.String(length=32), nullable=True),
        sa.CheckConstraint("kind IN ('browser', 'program')", name="ck_staff_sessions_kind"),
        sa.CheckConstraint("stage IN ('password', 'enrol', 'open')", name="ck_staff_sessions_stage"),
        _staff("staff_sessions"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_sessions"),
        sa.UniqueConstraint("token_sha256", name="uq_staff_sessions_token_sha256"),
    )
    op.create_index("ix_staff_sessions_staff_id_ended_at", "staff_sessions", ["staff_id", "ended_at"])
    op.create_table(
        "staff_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        _moment("expires_at"),
        _moment("used_at", nullable=True),
        _session("staff_tokens"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_tokens"),
        sa.UniqueConstraint("token_sha256", name="uq_staff_tokens_token_sha256"),
    )
    op.create_index("ix_staff_tokens_session_id", "staff_tokens", ["session_id"])
    op.create_table(
        "staff_challenges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        _moment("expires_at"),
        _session("staff_challenges"),
        sa.PrimaryKeyConstraint("id", name="pk_staff_challenges"),
        sa.UniqueConstraint("session_id", "purpose", name="uq_staff_challenges_session_id_purpose"),
    )


def downgrade() -> None:
    """Undo; accounts and the record of what they did are lost."""
    for table in (
        "staff_events",
        "staff_attempts",
        "staff_challenges",
        "staff_tokens",
        "staff_sessions",
        "staff_invitations",
        "staff_recovery_codes",
        "staff_passkeys",
        "staff_members",
    ):
        op.drop_table(table)
