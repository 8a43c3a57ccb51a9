"""Identity: kiosks' keys, sealed credential records, attempts, locks, orders, deletions, messages to patients."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "sign_in_names",
        sa.Column("claim_digest", sa.String(length=64), nullable=False),
        sa.Column("forgiven_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("claim_digest", name="pk_sign_in_names"),
    )
    op.create_table(
        "identity_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kiosk_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("claim_digest", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["kiosk_id"], ["kiosks.id"], name="fk_identity_requests_kiosk_id_kiosks"),
        sa.PrimaryKeyConstraint("id", name="pk_identity_requests"),
    )
    op.create_index(
        "ix_identity_requests_kiosk_id_kind_asked_at", "identity_requests", ["kiosk_id", "kind", "asked_at"]
    )

    op.create_table(
        "kiosk_keys",
        sa.Column("kiosk_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("encryption_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("signing_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("pinned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.String(length=200), nullable=True),
        sa.Column("proposed_encryption_key", sa.LargeBinary(length=32), nullable=True),
        sa.Column("proposed_signing_key", sa.LargeBinary(length=32), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["kiosk_id"], ["kiosks.id"], name="fk_kiosk_keys_kiosk_id_kiosks"),
        sa.PrimaryKeyConstraint("kiosk_id", name="pk_kiosk_keys"),
    )
    op.create_table(
        "kiosk_orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kiosk_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_boot_id", sa.Uuid(), nullable=True),
        sa.Column("sent_session", sa.BigInteger(), nullable=True),
        sa.Column("times_sent", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["kiosk_id"], ["kiosks.id"], name="fk_kiosk_orders_kiosk_id_kiosks"),
        sa.PrimaryKeyConstraint("id", name="pk_kiosk_orders"),
    )
    op.create_index("ix_kiosk_orders_is_open_kiosk_id", "kiosk_orders", ["is_open", "kiosk_id"])
    op.create_index("ix_kiosk_orders_subject_type", "kiosk_orders", ["subject", "type"])

    op.create_table(
        "sign_in_attempts",
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("kiosk_id", sa.Integer(), nullable=False),
        sa.Column("claim_digest", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=True),
        sa.Column("method", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_for_s", sa.Double(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["kiosk_id"], ["kiosks.id"], name="fk_sign_in_attempts_kiosk_id_kiosks"),
        sa.ForeignKeyConstraint(["message_id"], ["inbox.message_id"], name="fk_sign_in_attempts_message_id_inbox"),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_sign_in_attempts"),
    )
    op.create_index(
        "ix_sign_in_attempts_claim_digest_effective_at", "sign_in_attempts", ["claim_digest", "effective_at"]
    )
    op.create_index("ix_sign_in_attempts_merged_received_at", "sign_in_attempts", ["merged", "received_at"])
    op.create_index(
        "ix_sign_in_attempts_patient_id_received_at_attempt_id",
        "sign_in_attempts",
        ["patient_id", "received_at", "attempt_id"],
    )

    op.create_table(
        "credential_digests",
        sa.Column("claim_digest", sa.String(length=64), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_credential_digests_patient_id_patients"),
        sa.PrimaryKeyConstraint("claim_digest", name="pk_credential_digests"),
    )
    op.create_index("ix_credential_digests_patient_id", "credential_digests", ["patient_id"])

    op.create_table(
        "credential_holders",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kiosk_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("held_since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["kiosk_id"], ["kiosks.id"], name="fk_credential_holders_kiosk_id_kiosks"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_credential_holders_patient_id_patients"),
        sa.PrimaryKeyConstraint("patient_id", "kiosk_id", name="pk_credential_holders"),
    )
    op.create_table(
        "credentials",
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_credentials_patient_id_patients"),
        sa.PrimaryKeyConstraint("patient_id", name="pk_credentials"),
    )
    op.create_table(
        "deletions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("requested_by", sa.String(length=200), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at_hub_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_deletions_patient_id_patients"),
        sa.PrimaryKeyConstraint("id", name="pk_deletions"),
    )
    op.create_index("ix_deletions_patient_id", "deletions", ["patient_id"])
    op.create_index("ix_deletions_received_at_id", "deletions", ["received_at", "id"])

    op.create_table(
        "outgoing_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dedupe_key", sa.String(length=200), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_outgoing_messages_patient_id_patients"),
        sa.PrimaryKeyConstraint("id", name="pk_outgoing_messages"),
        sa.UniqueConstraint("dedupe_key", name="uq_outgoing_messages_dedupe_key"),
    )
    op.create_index("ix_outgoing_messages_patient_id", "outgoing_messages", ["patient_id"])
    op.create_index("ix_outgoing_messages_state_next_attempt_at", "outgoing_messages", ["state", "next_attempt_at"])

    op.create_table(
        "reset_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("ordered_by", sa.String(length=200), nullable=False),
        sa.Column("code_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("ordered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_reset_codes_patient_id_patients"),
        sa.PrimaryKeyConstraint("id", name="pk_reset_codes"),
    )
    op.create_index("ix_reset_codes_patient_id_ordered_at", "reset_codes", ["patient_id", "ordered_at"])

    op.create_table(
        "deletion_orders",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("deletion_id", sa.Uuid(), nullable=False),
        sa.Column("kiosk_id", sa.Integer(), nullable=False),
        sa.Column("removed", sa.JSON(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signature", sa.LargeBinary(length=64), nullable=True),
        sa.Column("signing_key", sa.LargeBinary(length=32), nullable=True),
        sa.Column("receipted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["deletion_id"], ["deletions.id"], name="fk_deletion_orders_deletion_id_deletions"),
        sa.ForeignKeyConstraint(["kiosk_id"], ["kiosks.id"], name="fk_deletion_orders_kiosk_id_kiosks"),
        sa.ForeignKeyConstraint(["order_id"], ["kiosk_orders.id"], name="fk_deletion_orders_order_id_kiosk_orders"),
        sa.PrimaryKeyConstraint("order_id", name="pk_deletion_orders"),
    )
    op.create_index("ix_deletion_orders_deletion_id", "deletion_orders", ["deletion_id"])

    with op.batch_alter_table("patients") as table:
        table.add_column(sa.Column("consent_messages", sa.Boolean(), nullable=True))
        table.add_column(sa.Column("consent_research", sa.Boolean(), nullable=True))
        table.add_column(sa.Column("email", sa.String(length=254), nullable=True))
        table.add_column(sa.Column("phone", sa.String(length=20), nullable=True))
        table.add_column(sa.Column("history", sa.JSON(), nullable=True))
        table.add_column(sa.Column("guardian", sa.JSON(), nullable=True))
        table.add_column(sa.Column("attendant", sa.String(length=200), nullable=True))
        table.add_column(sa.Column("credentials_version", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("account_deleted_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Undo; what the tables held is lost."""
    with op.batch_alter_table("patients") as table:
        table.drop_column("account_deleted_at")
        table.drop_column("credentials_version")
        table.drop_column("attendant")
        table.drop_column("guardian")
        table.drop_column("history")
        table.drop_column("phone")
        table.drop_column("email")
        table.drop_column("consent_research")
        table.drop_column("consent_messages")

    op.drop_index("ix_deletion_orders_deletion_id", table_name="deletion_orders")

    op.drop_table("deletion_orders")
    op.drop_index("ix_reset_codes_patient_id_ordered_at", table_name="reset_codes")

    op.drop_table("reset_codes")
    op.drop_index("ix_outgoing_messages_state_next_attempt_at", table_name="outgoing_messages")
    op.drop_index("ix_outgoing_messages_patient_id", table_name="outgoing_messages")

    op.drop_table("outgoing_messages")
    op.drop_index("ix_deletions_received_at_id", table_name="deletions")
    op.drop_index("ix_deletions_patient_id", table_name="deletions")

    op.drop_table("deletions")
    op.drop_table("credentials")
    op.drop_table("credential_holders")
    op.drop_index("ix_credential_digests_patient_id", table_name="credential_digests")

    op.drop_table("credential_digests")
    op.drop_index("ix_sign_in_attempts_patient_id_received_at_attempt_id", table_name="sign_in_attempts")
    op.drop_index("ix_sign_in_attempts_merged_received_at", table_name="sign_in_attempts")
    op.drop_index("ix_sign_in_attempts_claim_digest_effective_at", table_name="sign_in_attempts")

    op.drop_table("sign_in_attempts")
    op.drop_index("ix_kiosk_orders_subject_type", table_name="kiosk_orders")
    op.drop_index("ix_kiosk_orders_is_open_kiosk_id", table_name="kiosk_orders")

    op.drop_table("kiosk_orders")
    op.drop_table("kiosk_keys")
    op.drop_index("ix_identity_requests_kiosk_id_kind_asked_at", table_name="identity_requests")

    op.drop_table("identity_requests")
    op.drop_table("sign_in_names")
