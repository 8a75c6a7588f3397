"""Browsers that are signed in, and the projects that restricted ones are bound to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "browsers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_browsers"),
        sa.UniqueConstraint("secret_hash", name="uq_browsers_secret_hash"),
    )
    op.create_table(
        "browser_projects",
        sa.Column("browser_id", sa.String(), nullable=False),
        sa.Column("project", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("browser_id", "project", name="pk_browser_projects"),
        sa.ForeignKeyConstraint(
            ["browser_id"],
            ["browsers.id"],
            name="fk_browser_projects_browser_id_browsers",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_browser_projects_project_projects"),
    )
