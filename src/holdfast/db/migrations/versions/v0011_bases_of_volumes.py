"""States that differences to and from other servers build on are kept of custom volumes, too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    with op.batch_alter_table("transfer_bases") as batch:
        batch.alter_column("instance_id", existing_type=sa.Integer(), nullable=True)
        batch.add_column(sa.Column("volume_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            "fk_transfer_bases_volume_id_volumes", "volumes", ["volume_id"], ["id"], ondelete="CASCADE"
        )
