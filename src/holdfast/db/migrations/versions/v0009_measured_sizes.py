"""What instances, custom volumes and their snapshots took on disk when that was measured last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_OWNERS = ("instance", "instance_snapshot", "volume", "volume_snapshot")


def upgrade() -> None:
    op.create_table(
        "measured_sizes",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(f"{owner}_id", sa.Integer(), nullable=True) for owner in _OWNERS),
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("measured_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_measured_sizes"),
        *(
            sa.ForeignKeyConstraint(
                [f"{owner}_id"],
                [f"{owner}s.id"],
                name=f"fk_measured_sizes_{owner}_id_{owner}s",
                ondelete="CASCADE",
            )
            for owner in _OWNERS
        ),
        *(sa.UniqueConstraint(f"{owner}_id", name=f"uq_measured_sizes_{owner}_id") for owner in _OWNERS),
    )
