"""The disk of a volume with block content: a sparse file in the volume's tree."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from holdfast.model.errors import BadRequestError
from holdfast.model.volume import DISK_FILE

_BOUNDARY: Final = 8192
"""Sizes are rounded up to this, as LXD does: no disk has half a sector, and its files are exchanged."""


def make_block_file(tree: Path, size_bytes: int) -> None:
    """Make the disk in an empty tree."""
    descriptor = os.open(tree / DISK_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(descriptor, _rounded(size_bytes))
    finally:
        os.close(descriptor)


def grow_block_file(tree: Path, size_bytes: int) -> None:
    """Make the disk this large; a smaller size would cut off data and is refused."""
    path, wanted = tree / DISK_FILE, _rounded(size_bytes)
    if wanted < path.stat().st_size:
        raise BadRequestError("Block volumes cannot be shrunk: make a new, smaller one and copy what is in it")
    os.truncate(path, wanted)


def make_disk_at_least(tree: Path, size_bytes: int) -> None:
    """Make a disk that came from elsewhere this large, if it is smaller."""
    path = tree / DISK_FILE
    size = path.stat().st_size
    os.truncate(path, _rounded(max(size, size_bytes)))


def _rounded(size_bytes: int) -> int:
    return -(-size_bytes // _BOUNDARY) * _BOUNDARY
