"""Names inside an export file, and the caps on what is read from one.

| of            | main tree           | tree of a snapshot                   |
|---------------|---------------------|--------------------------------------|
| instances     | `backup/container`  | `backup/snapshots/<name>`            |
| files         | `backup/volume`     | `backup/volume-snapshots/<name>`     |
| disks         | `backup/volume.img` | `backup/volume-snapshots/<name>.img` |

The file of an instance may hold the volumes that are attached to it, too: what is `backup/…` in a volume's own file is
`backup/attached/<number>/…` there, counted from 0 as the index lists them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

INDEX: Final = "backup/index.yaml"
BACKUP_YAML: Final = "backup.yaml"
IMAGE_SUFFIX: Final = ".img"
ATTACHED: Final = "backup/attached"
_TOP: Final = "backup"
_MOST_DIGITS: Final = 6

INDEX_CAP_BYTES: Final = 1024 * 1024
"""What we read, and so the most that we write, of a document: a larger one is an attack or a mistake."""


def attached_name(number: int, name: str) -> str:
    """Return what a member of a volume's own file is called in the file of the instance that it is attached to."""
    return f"{ATTACHED}/{number}{name.removeprefix(_TOP)}"


def place_in_attached(name: bytes) -> tuple[int, bytes] | None:
    """Return the number of the attached volume that a member belongs to, and its name in a volume's own file.

    None for what belongs to no such volume.
    """
    above, prefix = ATTACHED.encode() + b"/", _TOP.encode()
    if not name.startswith(above):
        return None
    number, _, inside = name[len(above) :].partition(b"/")
    is_number = number.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS
    if not is_number or str(int(number)).encode() != number:
        return None
    return int(number), prefix + b"/" + inside if inside else prefix


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
