"""Scheduling: specialists, their opening hours, appointments."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_OCCUPIES_ITS_SLOT = sa.text("status <> 'cancelled'")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "specialists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("speciality", sa.String(length=200), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("slot_minutes", sa.Integer(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("slot_minutes BETWEEN 5 AND 480", name="ck_specialists_slot_minutes"),
        sa.PrimaryKeyConstraint("id", name="pk_specialists"),
    )
    op.create_table(
        "opening_hours",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("specialist_id", sa.Uuid(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("opens_minute", sa.Integer(), nullable=False),
        sa.Column("closes_minute", sa.Integer(), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name="ck_opening_hours_weekday"),
        sa.CheckConstraint(
            "opens_minute >= 0 AND opens_minute < closes_minute AND closes_minute <= 1440",
            name="ck_opening_hours_minutes",
        ),
        sa.ForeignKeyConstraint(
            ["specialist_id"], ["specialists.id"], name="fk_opening_hours_specialist_id_specialists"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_opening_hours"),
        sa.UniqueConstraint(
            "specialist_id", "weekday", "opens_minute", name="uq_opening_hours_specialist_id_weekday_opens_minute"
        ),
    )
    op.create_table(
        "appointments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("specialist_id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("analysis_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booked_by", sa.String(length=200), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_by", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["analysis_id"], ["analyses.id"], name="fk_appointments_analysis_id_analyses"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_appointments_patient_id_patients"),
        sa.ForeignKeyConstraint(
            ["specialist_id"], ["specialists.id"], name="fk_appointments_specialist_id_specialists"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_appointments"),
        sa.UniqueConstraint("code", name="uq_appointments_code"),
    )
    op.create_index(
        "uq_appointments_occupied_slot",
        "appointments",
        ["specialist_id", "starts_at"],
        unique=True,
        sqlite_where=_OCCUPIES_ITS_SLOT,
        postgresql_where=_OCCUPIES_ITS_SLOT,
        mssql_where=_OCCUPIES_ITS_SLOT,
    )
    op.create_index("ix_appointments_patient_id_starts_at_id", "appointments", ["patient_id", "starts_at", "id"])
    op.create_index("ix_appointments_starts_at_id", "appointments", ["starts_at", "id"])


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_appointments_starts_at_id", table_name="appointments")
    op.drop_index("ix_appointments_patient_id_starts_at_id", table_name="appointments")
    op.drop_index("uq_appointments_occupied_slot", table_name="appointments")
    op.drop_table("appointments")
    op.drop_table("opening_hours")
    op.drop_table("specialists")
