"""The patient's answers, and analyses about which no model was asked."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_FROM_A_MODEL: dict[str, sa.types.TypeEngine[Any]] = {
    "heat_map_sha256": sa.String(length=64),
    "heat_map": sa.JSON(),
    "model": sa.JSON(),
    "malignant": sa.Double(),
    "out_of_distribution": sa.Double(),
}


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("analyses") as table:
        table.add_column(sa.Column("task", sa.String(length=32), nullable=True))
        table.add_column(sa.Column("answers", sa.JSON(), nullable=True))
        table.add_column(sa.Column("exclusions", sa.JSON(), nullable=True))
    op.execute("UPDATE analyses SET task = 'skin-lesion', answers = '{}', exclusions = '[]'")
    with op.batch_alter_table("analyses") as table:
        table.alter_column("task", existing_type=sa.String(length=32), nullable=False)
        table.alter_column("answers", existing_type=sa.JSON(), nullable=False)
        table.alter_column("exclusions", existing_type=sa.JSON(), nullable=False)
        for name, kind in _FROM_A_MODEL.items():
            table.alter_column(name, existing_type=kind, nullable=True)


def downgrade() -> None:
    """Undo; an analysis without a model has no place in the older schema, and stops it."""
    with op.batch_alter_table("analyses") as table:
        for name, kind in _FROM_A_MODEL.items():
            table.alter_column(name, existing_type=kind, nullable=False)
        for name in ("exclusions", "answers", "task"):
            table.drop_column(name)
