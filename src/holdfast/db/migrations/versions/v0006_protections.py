"""Protections: copies that are pulled from other servers, and how each of them stands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "protections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("remote", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("pattern", sa.String(), nullable=False),
        sa.Column("target_project", sa.String(), nullable=False),
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("schedule", sa.String(), nullable=False),
        sa.Column("keep", sa.String(), nullable=False),
        sa.Column("window", sa.String(), nullable=False),
        sa.Column("bytes_per_s", sa.BigInteger(), nullable=True),
        sa.Column("parallel", sa.Integer(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_protections"),
        sa.ForeignKeyConstraint(["target_project"], ["projects.name"], name="fk_protections_target_project_projects"),
        sa.ForeignKeyConstraint(["pool"], ["pools.name"], name="fk_protections_pool_pools"),
        sa.UniqueConstraint("name", name="uq_protections_name"),
    )
    op.create_table(
        "protected_copies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("protection_id", sa.Integer(), nullable=False),
        sa.Column("instance", sa.String(), nullable=False),
        sa.Column("tried_at", sa.BigInteger(), nullable=True),
        sa.Column("succeeded_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("received_bytes", sa.BigInteger(), nullable=False),
        sa.Column("duration_s", sa.Float(), nullable=False),
        sa.Column("missing", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_protected_copies"),
        sa.ForeignKeyConstraint(
            ["protection_id"],
            ["protections.id"],
            name="fk_protected_copies_protection_id_protections",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint("protection_id", "instance", name="uq_protected_copies_protection_id"),
    )
    with op.batch_alter_table("schedule_runs") as batch:
        batch.add_column(sa.Column("protection_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(
            "fk_schedule_runs_protection_id_protections",
            "protections",
            ["protection_id"],
            ["id"],
            ondelete="CASCADE",
        )
        batch.create_unique_constraint("uq_schedule_runs_protection_id", ["protection_id", "schedule"])
