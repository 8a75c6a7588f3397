"""Which of the states that differences build on are those of a snapshot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    with op.batch_alter_table("transfer_bases") as batch:
        batch.add_column(sa.Column("snapshot_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("listed", sa.String(), nullable=False, server_default=""))
        batch.create_foreign_key(
            "fk_transfer_bases_snapshot_id_instance_snapshots",
            "instance_snapshots",
            ["snapshot_id"],
            ["id"],
            ondelete="CASCADE",
        )
