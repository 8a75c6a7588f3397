"""Export files of custom volumes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "volume_backups",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("volume_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("volume_only", sa.Boolean(), nullable=False),
        sa.Column("optimized_storage", sa.Boolean(), nullable=False),
        sa.Column("compression", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_volume_backups"),
        sa.ForeignKeyConstraint(
            ["volume_id"], ["volumes.id"], name="fk_volume_backups_volume_id_volumes", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("volume_id", "name", name="uq_volume_backups_volume_id"),
    )
