"""Volumes as streams of `zfs send`, out and in, with the snapshots' names that LXD gives them.

| sent                          | the stream is of                                                                     |
|-------------------------------|--------------------------------------------------------------------------------------|
| a snapshot nobody wrote to    | `<volume>@snapshot-<name>`, its origin                                               |
| the volume itself             | `<volume>@backup-<token>`, made with the documents in it, which then go again        |
| anything else                 | a snapshot of a clone                                                                |

The first two are in one dataset, so each can be sent as a difference to the one before, in the form that a receiver
takes on top of it. Below the token there is always a clone, which keeps what is sent from going. Where two have no
common past (after a restore of an older snapshot, or an import from plain files) the later one is sent whole.

What is received becomes a dataset of its own, `.staging/<area>/<number>`, a clone of the one that it differs from. The
kernel itself reads such a stream: it can't be confined as other formats are, so its frame alone is checked before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final

from holdfast.host import zfs
from holdfast.host.processes import Process
from holdfast.model.errors import ArchiveError
from holdfast.storage.driver import SentStream
from holdfast.storage.drivers.zfs_lineage import LINEAGE, NAMED, SENT, is_earlier, origin_of, untouched_origin
from holdfast.storage.stream_pipes import PipeSink, PipeStream, refusing
from holdfast.streams.copy import BUFFER_BYTES, Sink, write_all
from holdfast.streams.zfs_stream import Beginning, ReplayCheck

_OF_ORIGIN: Final = "holdfast:sends"
"""Set on a staged clone whose origin is what is sent."""


def stage_origin(source: str, target: str, name: str) -> bool:
    """Stage a snapshot to be sent by its origin; return False if it isn't as that was, or that has another name."""
    origin = origin_of(source)
    if origin is None or not origin.endswith(f"@{NAMED}{name}"):
        return False
    with LINEAGE:
        zfs.clone(origin, target, {_OF_ORIGIN: "origin"})
        if untouched_origin(source, target):
            return True
        zfs.destroy(target)
    return False


def can_hold(tree: Path, documents: Mapping[str, bytes]) -> bool:
    """Tell whether documents can stand in a volume for a moment: nothing of their names is there."""
    return not any(os.path.lexists(tree / name) for name in documents)


def stage_in_place(tree: Path, source: str, target: str, token: str, documents: Mapping[str, bytes]) -> str:
    """Stage what a volume is at this moment to be sent, with documents in it; return the snapshot."""
    snapshot = f"{source}@{SENT}{token}"
    with LINEAGE:
        with _documents(tree, documents):
            zfs.snapshot(snapshot)
        try:
            zfs.clone(snapshot, target, {_OF_ORIGIN: "origin"})
        except BaseException:
            zfs.destroy(snapshot)
            raise
    return snapshot


def stage_copy(tree: Path, target: str, name: str, token: str, documents: Mapping[str, bytes]) -> str:
    """Add documents to a staged clone, to be sent itself; return the snapshot of it."""
    for document, content in documents.items():
        if os.path.lexists(tree / document):
            (tree / document).unlink()
        _write(tree / document, content)
    snapshot = f"{target}@{SENT}{token}" if documents else f"{target}@{NAMED}{name}"
    zfs.snapshot(snapshot)
    return snapshot


def sent_snapshot(staged: str) -> str:
    """Return the snapshot that is sent for what is staged, wherever it is by now."""
    sends, origin = zfs.properties(staged, _OF_ORIGIN, "origin")
    if sends is not None and origin is not None:
        return origin
    return zfs.snapshots(staged)[-1].name


@contextmanager
def sending(staged: str, before: str | None) -> Iterator[SentStream]:
    """Make the stream of what is staged, of what differs from another if that is possible.

    How long it will be is found by making it once more than is needed: what ZFS foresees is an estimate.
    """
    snapshot = sent_snapshot(staged)
    since = sent_snapshot(before) if before is not None else None
    if since is not None and not is_earlier(since, snapshot):
        since = None
    with zfs.sending(snapshot, since) as process:
        size_bytes = _length(process.stdout)
    with zfs.sending(snapshot, since) as process:
        yield PipeStream(process.stdout, size_bytes)


@contextmanager
def receiving(area: str, number: int) -> Iterator[Sink]:
    """Receive a stream into an area, on top of the one received before that it is a difference to."""
    with refusing("zfs"), ExitStack() as stack:
        processes: list[Process] = []

        def begun(beginning: Beginning) -> Sink:
            base = _received(area, beginning.base_guid) if beginning.base_guid is not None else None
            name = beginning.snapshot if zfs.is_valid_part(beginning.snapshot) else str(number)
            processes.append(stack.enter_context(zfs.receiving(f"{area}/{number}@{name}", base)))
            return PipeSink(processes[0].stdin)

        try:
            check = ReplayCheck(begun)
            yield check
            check.finish()
        except BrokenPipeError:
            for process in processes:
                process.finish_badly()
            raise


def assemble(area: str, number: int, target: str) -> None:
    """Stage a volume of what was received; the area may go before it."""
    with LINEAGE:
        (snapshot,) = zfs.snapshots(f"{area}/{number}")
        zfs.clone(snapshot.name, target)


def _received(area: str, guid: str) -> str:
    for snapshot in zfs.snapshots(area, is_recursive=True):
        if zfs.properties(snapshot.name, "guid") == [guid]:
            return snapshot.name
    raise ArchiveError("A zfs stream in the backup is a difference to something that isn't in it")


def _length(source: IO[bytes]) -> int:
    buffer = memoryview(bytearray(BUFFER_BYTES))
    total = 0
    while count := os.readv(source.fileno(), [buffer]):
        total += count
    return total


@contextmanager
def _documents(tree: Path, documents: Mapping[str, bytes]) -> Iterator[None]:
    """Let documents stand at the top of a volume, whose times stay as they are."""
    facts = tree.stat()
    try:
        for name, content in documents.items():
            _write(tree / name, content)
        yield
    finally:
        for name in documents:
            (tree / name).unlink(missing_ok=True)
        if documents:
            os.utime(tree, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o400)
    with os.fdopen(descriptor, "wb", 0) as file:
        write_all(file, content)
