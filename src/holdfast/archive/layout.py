"""Names inside an export file, and the caps on what is read from one."""

from __future__ import annotations

from typing import Final

INDEX: Final = "backup/index.yaml"
MAIN: Final = "backup/container"
SNAPSHOTS: Final = "backup/snapshots"
FOLDERS: Final = ("backup", SNAPSHOTS)
"""Directories above the trees: some writers put them in, they say nothing."""
BACKUP_YAML: Final = "backup.yaml"

INDEX_CAP_BYTES: Final = 1024 * 1024
"""What we read, and so the most that we write, of a document: a larger one is an attack or a mistake."""


def tree_prefix(snapshot: str | None) -> str:
    """Return where a tree is: the main one for None."""
    return MAIN if snapshot is None else f"{SNAPSHOTS}/{snapshot}"
