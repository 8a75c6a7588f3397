"""Who has had an instance sent to another server, and when last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "sent_copies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("instance_id", sa.Integer(), nullable=False),
        sa.Column("protocol", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sent_copies"),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_sent_copies_instance_id_instances", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("instance_id", "protocol", "username", name="uq_sent_copies_instance_id"),
    )
