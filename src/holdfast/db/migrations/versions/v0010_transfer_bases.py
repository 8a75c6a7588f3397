"""Which states of an instance are kept for the differences that cross to and from other servers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "transfer_bases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("instance_id", sa.Integer(), nullable=False),
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("is_received", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transfer_bases"),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_transfer_bases_instance_id_instances", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("pool", "token", name="uq_transfer_bases_pool"),
    )
