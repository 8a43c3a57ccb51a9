"""Records that kiosks report: kiosks, inbox, quarantine, patients, lesions, visits, analyses, refusals, images."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counters"),
    )
    op.create_table(
        "images",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=32), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_images"),
    )
    op.create_table(
        "kiosks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("boot_id", sa.Uuid(), nullable=True),
        sa.Column("session", sa.BigInteger(), nullable=True),
        sa.Column("software_version", sa.String(length=200), nullable=True),
        sa.Column("model_sha256", sa.String(length=64), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=True),
        sa.Column("pending_events", sa.BigInteger(), nullable=True),
        sa.Column("pending_images", sa.BigInteger(), nullable=True),
        sa.Column("free_disk_bytes", sa.BigInteger(), nullable=True),
        sa.Column("oldest_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("complete_through", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_kiosks"),
        sa.UniqueConstraint("site", "name", name="uq_kiosks_site_name"),
    )
    op.create_table(
        "inbox",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("kiosk_id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["kiosk_id"], ["kiosks.id"], name="fk_inbox_kiosk_id_kiosks"),
        sa.PrimaryKeyConstraint("message_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_kiosk_id_sequence", "inbox", ["kiosk_id", "sequence"])
    op.create_table(
        "quarantine",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("topic", sa.String(length=250), nullable=False),
        sa.Column("kiosk_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["kiosk_id"], ["kiosks.id"], name="fk_quarantine_kiosk_id_kiosks"),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
        sa.UniqueConstraint("body_sha256", "topic", "code", name="uq_quarantine_body_sha256_topic_code"),
    )
    op.create_index("ix_quarantine_kiosk_id_sequence", "quarantine", ["kiosk_id", "sequence"])
    op.create_index("ix_quarantine_received_at_id", "quarantine", ["received_at", "id"])
    op.create_table(
        "patients",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("provisional_code", sa.String(length=200), nullable=True),
        sa.Column("username", sa.String(length=200), nullable=True),
        sa.Column("full_name", sa.String(length=200), nullable=True),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("sex", sa.String(length=32), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("consent_care", sa.Boolean(), nullable=True),
        sa.Column("consent_face", sa.Boolean(), nullable=True),
        sa.Column("face_enrolled", sa.Boolean(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["inbox.message_id"], name="fk_patients_message_id_inbox"),
        sa.PrimaryKeyConstraint("id", name="pk_patients"),
        sa.UniqueConstraint("code", name="uq_patients_code"),
    )
    op.create_index("ix_patients_stored_at_id", "patients", ["stored_at", "id"])
    op.create_table(
        "lesions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("body_site", sa.String(length=32), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_lesions_patient_id_patients"),
        sa.PrimaryKeyConstraint("id", name="pk_lesions"),
        sa.UniqueConstraint("id", "patient_id", name="uq_lesions_id_patient_id"),
    )
    op.create_index("ix_lesions_patient_id_stored_at_id", "lesions", ["patient_id", "stored_at", "id"])
    op.create_table(
        "visits",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("kiosk_id", sa.Integer(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_in_by", sa.String(length=32), nullable=True),
        sa.Column("ended_by", sa.String(length=32), nullable=True),
        sa.Column("analyses", sa.BigInteger(), nullable=True),
        sa.Column("refusals", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["kiosk_id"], ["kiosks.id"], name="fk_visits_kiosk_id_kiosks"),
        sa.ForeignKeyConstraint(["message_id"], ["inbox.message_id"], name="fk_visits_message_id_inbox"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_visits_patient_id_patients"),
        sa.PrimaryKeyConstraint("id", name="pk_visits"),
        sa.UniqueConstraint("id", "patient_id", name="uq_visits_id_patient_id"),
    )
    op.create_index("ix_visits_patient_id_stored_at_id", "visits", ["patient_id", "stored_at", "id"])
    op.create_table(
        "analyses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("lesion_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("image_sha256", sa.String(length=64), nullable=False),
        sa.Column("heat_map_sha256", sa.String(length=64), nullable=False),
        sa.Column("image", sa.JSON(), nullable=False),
        sa.Column("heat_map", sa.JSON(), nullable=False),
        sa.Column("device", sa.JSON(), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("model", sa.JSON(), nullable=False),
        sa.Column("probabilities", sa.JSON(), nullable=False),
        sa.Column("malignant", sa.Double(), nullable=False),
        sa.Column("out_of_distribution", sa.Double(), nullable=False),
        sa.Column("tier", sa.String(length=32), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("advice", sa.String(length=32), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("stage_ms", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["lesion_id", "patient_id"],
            ["lesions.id", "lesions.patient_id"],
            name="fk_analyses_lesion_id_patient_id_lesions",
        ),
        sa.ForeignKeyConstraint(["message_id"], ["inbox.message_id"], name="fk_analyses_message_id_inbox"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_analyses_patient_id_patients"),
        sa.ForeignKeyConstraint(
            ["visit_id", "patient_id"],
            ["visits.id", "visits.patient_id"],
            name="fk_analyses_visit_id_patient_id_visits",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_analyses"),
    )
    op.create_index("ix_analyses_patient_id_stored_at_id", "analyses", ["patient_id", "stored_at", "id"])
    op.create_index("ix_analyses_stored_at_id", "analyses", ["stored_at", "id"])
    op.create_index("ix_analyses_tier_stored_at_id", "analyses", ["tier", "stored_at", "id"])
    op.create_index("ix_analyses_visit_id_stored_at_id", "analyses", ["visit_id", "stored_at", "id"])
    op.create_table(
        "refusals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("captured_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("faults", sa.JSON(), nullable=False),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.Column("device", sa.JSON(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["inbox.message_id"], name="fk_refusals_message_id_inbox"),
        sa.ForeignKeyConstraint(["patient_id"], ["patients.id"], name="fk_refusals_patient_id_patients"),
        sa.ForeignKeyConstraint(
            ["visit_id", "patient_id"],
            ["visits.id", "visits.patient_id"],
            name="fk_refusals_visit_id_patient_id_visits",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_refusals"),
    )
    op.create_index("ix_refusals_patient_id_stored_at_id", "refusals", ["patient_id", "stored_at", "id"])
    op.create_index("ix_refusals_stored_at_id", "refusals", ["stored_at", "id"])


def downgrade() -> None:
    """Undo."""
    op.drop_index("ix_refusals_stored_at_id", table_name="refusals")
    op.drop_index("ix_refusals_patient_id_stored_at_id", table_name="refusals")
    op.drop_table("refusals")
    op.drop_index("ix_analyses_visit_id_stored_at_id", table_name="analyses")
    op.drop_index("ix_analyses_tier_stored_at_id", table_name="analyses")
    op.drop_index("ix_analyses_stored_at_id", table_name="analyses")
    op.drop_index("ix_analyses_patient_id_stored_at_id", table_name="analyses")
    op.drop_table("analyses")
    op.drop_index("ix_visits_patient_id_stored_at_id", table_name="visits")
    op.drop_table("visits")
    op.drop_index("ix_lesions_patient_id_stored_at_id", table_name="lesions")
    op.drop_table("lesions")
    op.drop_index("ix_patients_stored_at_id", table_name="patients")
    op.drop_table("patients")
    op.drop_index("ix_quarantine_received_at_id", table_name="quarantine")
    op.drop_index("ix_quarantine_kiosk_id_sequence", table_name="quarantine")
    op.drop_table("quarantine")
    op.drop_index("ix_inbox_kiosk_id_sequence", table_name="inbox")
    op.drop_table("inbox")
    op.drop_table("kiosks")
    op.drop_table("images")
    op.drop_table("counters")
