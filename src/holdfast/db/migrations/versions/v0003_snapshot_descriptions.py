"""Snapshots with a description of their own, beside the one that their instance had."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("instance_snapshots", sa.Column("instance_description", sa.Text(), nullable=False, server_default=""))
    snapshots = sa.table("instance_snapshots", sa.column("description"), sa.column("instance_description"))
    op.execute(snapshots.update().values(instance_description=snapshots.c.description, description=""))
