"""Volumes as streams of `btrfs send`, out and in: what goes out holds still, what comes in is kept apart.

| staged to send            | an area to receive in                                        |
|---------------------------|--------------------------------------------------------------|
| `.staging/<token>/<name>` | `.staging/<area>/<number>/<name>`, the area being a subvolume |

The name of a subvolume stands in its stream. `btrfs receive` looks for the parent of a difference in its own file
system; confined to the area it finds those that came before, and nothing of other instances.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from holdfast.host import qgroups, subvolumes
from holdfast.host.beneath import directory
from holdfast.host.confine import confined
from holdfast.host.early_writing import EarlyWriting
from holdfast.host.processes import PIPE, pipe
from holdfast.host.set_ids import set_id_files
from holdfast.host.writing_out import WritingOut
from holdfast.model.errors import ArchiveError
from holdfast.storage.driver import RECEIVED, SendPlace, SentStream, Subvolume
from holdfast.storage.stream_pipes import PipeSink, PipeStream, refusing
from holdfast.streams.btrfs_stream import SendStreamCheck, full_size
from holdfast.streams.copy import BUFFER_BYTES, Sink, Source, write_all

_SEND: Final = ("btrfs", "-q", "send")


def stage_copy(source: Path, target: Path, documents: Mapping[str, bytes]) -> list[Subvolume]:
    """Copy a volume with all that is nested in it, add documents, and make everything read-only.

    The copy of a snapshot is sent under the snapshot's own identity, so that what was received is known to be the same.
    """
    subvolumes.snapshot_all(source, target)
    qgroups.set_limit(target, None)  # a snapshot has that of its source, which may be used up
    for name, document in documents.items():
        _replace(target / name, document)
    if not documents and is_base(source):
        subvolumes.set_received_identity(target, subvolumes.sent_identity(source))
    parts = [Subvolume("", subvolumes.is_read_only(source), sender_identity(target))]
    for below in subvolumes.nested(target):
        is_read_only = subvolumes.is_read_only(source / below)
        parts.append(Subvolume(str(below), is_read_only, str(subvolumes.identity(target / below))))
    for part in reversed(parts):
        subvolumes.set_read_only(target / part.path, is_read_only=True)
    return parts


@contextmanager
def sending(part: Path, parent: Path | None) -> Iterator[SentStream]:
    """Make the stream of a read-only subvolume; the kernel first tells, without data, how long it will be."""
    difference = _to(parent, part)
    with pipe((*_SEND, "--no-data", *difference, part), stdout=PIPE) as bare:
        size_bytes = full_size(bare.stdout)
    with pipe((*_SEND, *difference, part), stdout=PIPE) as process:
        yield PipeStream(process.stdout, size_bytes)


def hold(source: Path, target: Path) -> SendPlace | None:
    """Return the place of a snapshot that is read-only as a whole, and so can be sent as it is."""
    if not is_base(source) or source.name != target.name:
        return None
    return SendPlace(source, (Subvolume("", True, sender_identity(source)),), is_kept=True)


def is_base(path: Path) -> bool:
    """Tell whether differences can build on this subvolume: nothing in it changes, and it is one alone."""
    return subvolumes.is_read_only(path) and not subvolumes.nested(path)


def sender_identity(path: Path) -> str:
    """Return the UUID that stands in a stream of this subvolume: the one it was received with, or its own."""
    return str(subvolumes.sent_identity(path)[0])


@contextmanager
def sending_difference(part: Path, base: Path | None) -> Iterator[Source]:
    """Make the stream of a read-only subvolume, without asking first how long it will be."""
    with pipe((*_SEND, *_to(base, part), part), stdout=PIPE) as process:
        yield PipeStream(process.stdout, 0)


def _to(base: Path | None, part: Path) -> tuple[str | Path, ...]:
    """Return what asks for a difference, where there can be one: else all of the part is sent."""
    if base is None or not subvolumes.is_subvolume(base) or not subvolumes.can_differ(base, part):
        return ()
    return ("-p", base)


def _stage_bases(area: Path, sources: Sequence[Path]) -> dict[Path, Path]:
    """Show snapshots in the area, where `btrfs receive` finds them; return where."""
    found = {}
    for number, source in enumerate(sources):
        copy = area / f"base-{number}"
        if not subvolumes.is_subvolume(copy):
            subvolumes.snapshot(source, copy, is_read_only=True)
        found[source] = copy
    return found


def _received(area: Path) -> dict[uuid.UUID, Path]:
    """Return which subvolumes of the area stand for which of the sender's.

    The stream then names ours: by the sender's `btrfs receive` could find what an earlier transfer left elsewhere, too.
    """
    found = {}
    for path in area.glob("*/*"):
        sent = subvolumes.received_identity(path) if subvolumes.is_subvolume(path) else None
        if sent is not None:
            found[sent[0]] = path
    return found


def _as_listed(listed: Mapping[str, Path]) -> dict[uuid.UUID, Path]:
    """Return what is there by its UUIDs in the sender's list, which needn't be those of the streams.

    LXD makes a snapshot that it received in a refresh read-only to send it, and writable again. That takes away the
    UUID that it was received with, which its stream still had; the next one's base is called by the snapshot's own.
    """
    found = {}
    for identity, path in listed.items():
        with contextlib.suppress(ValueError):
            if subvolumes.is_subvolume(path):
                found[uuid.UUID(identity)] = path
    return found


@contextmanager
def receiving(
    area: Path, number: int, name: str | None, known: Sequence[Path], listed: Mapping[str, Path]
) -> Iterator[Sink]:
    """Receive a stream in a process that can reach the area alone, then look at what it made."""
    place = area / str(number)
    place.mkdir(mode=0o700)
    shown = _stage_bases(area, known)
    trees = _as_listed({identity: shown.get(path, path) for identity, path in listed.items()})
    trees |= _received(area) | {subvolumes.sent_identity(source)[0]: copy for source, copy in shown.items()}
    bases = {sent: subvolumes.identity(path) for sent, path in trees.items()}
    paths = {bases[sent]: path for sent, path in trees.items()}
    arguments = ("-q", "receive", "-m", "/target", f"/target/{number}")
    with (
        refusing("btrfs"),
        directory(place) as root,
        WritingOut() as out,
        confined("btrfs", arguments, area, stdin=PIPE) as process,
    ):
        early = EarlyWriting(root, fcntl.fcntl(process.stdin, fcntl.F_GETPIPE_SZ) + BUFFER_BYTES, out)
        try:
            check = SendStreamCheck(
                PipeSink(process.stdin),
                name,
                bases,
                files=lambda base: set_id_files(paths[base]),
                wrote=early.goes_on,
            )
            yield check
            check.finish()
        except BrokenPipeError:
            process.finish_badly()
            raise
    made = check.name
    if os.listdir(place) != [made] or not subvolumes.is_subvolume(place / made):
        raise ArchiveError("A btrfs stream in the backup made something else than one subvolume")
    if name is None:
        (place / made).rename(place / RECEIVED)


def _replace(path: Path, document: bytes) -> None:
    """Write a file at the top of a copy: whatever has its name there is in the way."""
    if os.path.lexists(path):
        path.unlink()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o400)
    with os.fdopen(descriptor, "wb", 0) as file:
        write_all(file, document)
