"""Names inside an export file, and the caps on what is read from one.

| of            | main tree           | tree of a snapshot                   |
|---------------|---------------------|--------------------------------------|
| instances     | `backup/container`  | `backup/snapshots/<name>`            |
| files         | `backup/volume`     | `backup/volume-snapshots/<name>`     |
| disks         | `backup/volume.img` | `backup/volume-snapshots/<name>.img` |
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

INDEX: Final = "backup/index.yaml"
BACKUP_YAML: Final = "backup.yaml"
IMAGE_SUFFIX: Final = ".img"

INDEX_CAP_BYTES: Final = 1024 * 1024
"""What we read, and so the most that we write, of a document: a larger one is an attack or a mistake."""


class Layout(StrEnum):
    """What the trees of a file are, and where they stand in it."""

    INSTANCE = "instance"
    FILES = "files"
    """A custom volume with a file system: the tree is what is in it, the top directory too."""
    DISK = "disk"
    """A custom volume with block content: its tree holds the disk and nothing else."""

    @property
    def main(self) -> str:
        return "backup/container" if self is Layout.INSTANCE else "backup/volume"

    @property
    def snapshots(self) -> str:
        return "backup/snapshots" if self is Layout.INSTANCE else "backup/volume-snapshots"

    @property
    def folders(self) -> tuple[str, str]:
        """Directories above the trees: some writers put them in, they say nothing."""
        return ("backup", self.snapshots)

    @property
    def noun(self) -> str:
        """What the main tree is, in words."""
        return "instance" if self is Layout.INSTANCE else "volume"

    def prefix(self, snapshot: str | None) -> str:
        """Return where a tree is: the main one for None."""
        return self.main if snapshot is None else f"{self.snapshots}/{snapshot}"

    def name_of(self, snapshot: str | None) -> str:
        """Return what messages call a tree."""
        return f"the {self.noun}" if snapshot is None else f'snapshot "{snapshot}"'
