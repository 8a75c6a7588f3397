"""A tree that came as a driver's stream: held to the rules that the entries of a tar file are held to.

Inside the root file system, and in a volume, there may be anything, as an instance may make anything there. Around it
nothing leads anywhere else.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from holdfast.archive.idmap import HostMap
from holdfast.archive.layout import BACKUP_YAML, INDEX_CAP_BYTES, Layout
from holdfast.archive.members import Kind
from holdfast.archive.tarfilter import TOP_LEVEL
from holdfast.host.shift import shift_tree
from holdfast.model.errors import ArchiveError
from holdfast.model.volume import DISK_FILE

_ROOTFS: Final = "rootfs"
_FORMATS: Final[Mapping[int, Kind]] = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.DIRECTORY}


def check_received(tree: Path, layout: Layout, where: str) -> None:
    """Raise `ArchiveError` for links and special files outside of the root file system, and wrong types at the top."""
    if layout is Layout.INSTANCE:
        _check_instance(tree, where)
    elif layout is Layout.DISK:
        with os.scandir(tree) as entries:
            found = {entry.name: _kind(entry) for entry in entries}
        if found != {DISK_FILE: Kind.FILE}:
            raise ArchiveError(f"The stream of {where} holds something else than the disk of a volume")


def _check_instance(tree: Path, where: str) -> None:
    with os.scandir(tree) as entries:
        for entry in entries:
            kind = _kind(entry)
            expected = TOP_LEVEL.get(os.fsencode(entry.name))
            if kind is None or (expected is not None and kind is not expected):
                raise ArchiveError(f'Entry "{entry.name}" of {where} is refused: it is not what it must be')
            if kind is Kind.DIRECTORY and entry.name != _ROOTFS:
                _check_plain(Path(entry.path), where)


def take_document(tree: Path) -> bytes | None:
    """Remove the tree's `backup.yaml` and return it; None if it has none."""
    path = tree / BACKUP_YAML
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        document = file.read(INDEX_CAP_BYTES + 1)
    if len(document) > INDEX_CAP_BYTES:
        raise ArchiveError(f"{BACKUP_YAML} is larger than {INDEX_CAP_BYTES} bytes")
    path.unlink()
    return document


def take_back_owners(tree: Path, host_map: HostMap) -> None:
    """Change ids of a host to those that the instance sees."""
    shift_tree(tree, host_map.uid, host_map.gid)


def _check_plain(directory: Path, where: str) -> None:
    with os.scandir(directory) as entries:
        for entry in entries:
            kind = _kind(entry)
            if kind is None:
                rule = "only the root file system may hold links and special files"
                raise ArchiveError(f'Entry "{entry.name}" of {where} is refused: {rule}')
            if kind is Kind.DIRECTORY:
                _check_plain(Path(entry.path), where)


def _kind(entry: os.DirEntry[str]) -> Kind | None:
    return _FORMATS.get(stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode))
