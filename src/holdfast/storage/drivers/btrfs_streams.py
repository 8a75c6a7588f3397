"""Volumes as streams of `btrfs send`, out and in: what goes out holds still, what comes in is kept apart.

| staged to send            | an area to receive in                                        |
|---------------------------|--------------------------------------------------------------|
| `.staging/<token>/<name>` | `.staging/<area>/<number>/<name>`, the area being a subvolume |

The name of a subvolume stands in its stream. `btrfs receive` looks for the parent of a difference in its own file
system; confined to the area it finds those that came before, and nothing of other instances.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from holdfast.host import subvolumes
from holdfast.host.confine import confined
from holdfast.host.processes import PIPE, pipe
from holdfast.model.errors import ArchiveError
from holdfast.storage.driver import SentStream, Subvolume
from holdfast.storage.stream_pipes import PipeSink, PipeStream, refusing
from holdfast.streams.btrfs_stream import SendStreamCheck, full_size
from holdfast.streams.copy import Sink, write_all

_SEND: Final = ("btrfs", "-q", "send")


def stage_copy(source: Path, target: Path, documents: Mapping[str, bytes]) -> list[Subvolume]:
    """Copy a volume with all that is nested in it, add documents, and make everything read-only."""
    subvolumes.snapshot_all(source, target)
    for name, document in documents.items():
        _replace(target / name, document)
    parts = [Subvolume("", subvolumes.is_read_only(source), str(subvolumes.identity(target)))]
    for below in subvolumes.nested(target):
        is_read_only = subvolumes.is_read_only(source / below)
        parts.append(Subvolume(str(below), is_read_only, str(subvolumes.identity(target / below))))
    for part in reversed(parts):
        subvolumes.set_read_only(target / part.path, is_read_only=True)
    return parts


@contextmanager
def sending(part: Path, parent: Path | None) -> Iterator[SentStream]:
    """Make the stream of a read-only subvolume; the kernel first tells, without data, how long it will be."""
    difference = ("-p", parent) if parent is not None and subvolumes.is_subvolume(parent) else ()
    with pipe((*_SEND, "--no-data", *difference, part), stdout=PIPE) as bare:
        size_bytes = full_size(bare.stdout)
    with pipe((*_SEND, *difference, part), stdout=PIPE) as process:
        yield PipeStream(process.stdout, size_bytes)


@contextmanager
def receiving(area: Path, number: int, name: str) -> Iterator[Sink]:
    """Receive a stream in a process that can reach the area alone, then look at what it made."""
    place = area / str(number)
    place.mkdir(mode=0o700)
    arguments = ("-q", "receive", "-m", "/target", f"/target/{number}")
    with refusing("btrfs"), confined("btrfs", arguments, area, stdin=PIPE) as process:
        try:
            check = SendStreamCheck(PipeSink(process.stdin), name)
            yield check
            check.finish()
        except BrokenPipeError:
            process.finish_badly()
            raise
    if os.listdir(place) != [name] or not subvolumes.is_subvolume(place / name):
        raise ArchiveError("A btrfs stream in the backup made something else than one subvolume")


def _replace(path: Path, document: bytes) -> None:
    """Write a file at the top of a copy: whatever has its name there is in the way."""
    if os.path.lexists(path):
        path.unlink()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o400)
    with os.fdopen(descriptor, "wb", 0) as file:
        write_all(file, document)
