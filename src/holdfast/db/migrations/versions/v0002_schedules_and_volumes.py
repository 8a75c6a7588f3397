"""Custom volumes with their snapshots, what schedules did, former states of restored instances, held snapshots."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for column in (
        sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("schedule", sa.String(), nullable=False, server_default=""),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
    ):
        op.add_column("instance_snapshots", column)
    op.create_table(
        "former_states",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("instance_id", sa.Integer(), nullable=False),
        sa.Column("snapshot", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_former_states"),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_former_states_instance_id_instances", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("instance_id", name="uq_former_states_instance_id"),
    )
    op.create_table(
        "volumes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.Column("pool", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_volumes"),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_volumes_project_projects"),
        sa.ForeignKeyConstraint(["pool"], ["pools.name"], name="fk_volumes_pool_pools"),
        sa.UniqueConstraint("pool", "project", "name", name="uq_volumes_pool"),
    )
    op.create_table(
        "volume_snapshots",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("volume_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("schedule", sa.String(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_volume_snapshots"),
        sa.ForeignKeyConstraint(
            ["volume_id"], ["volumes.id"], name="fk_volume_snapshots_volume_id_volumes", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("volume_id", "name", name="uq_volume_snapshots_volume_id"),
    )
    op.create_table(
        "schedule_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("instance_id", sa.Integer(), nullable=True),
        sa.Column("volume_id", sa.Integer(), nullable=True),
        sa.Column("schedule", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("checked_until", sa.BigInteger(), nullable=False),
        sa.Column("last_due_at", sa.BigInteger(), nullable=True),
        sa.Column("last_run_at", sa.BigInteger(), nullable=True),
        sa.Column("last_success_at", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schedule_runs"),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["instances.id"], name="fk_schedule_runs_instance_id_instances", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["volume_id"], ["volumes.id"], name="fk_schedule_runs_volume_id_volumes", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("instance_id", "schedule", name="uq_schedule_runs_instance_id"),
        sa.UniqueConstraint("volume_id", "schedule", name="uq_schedule_runs_volume_id"),
    )
