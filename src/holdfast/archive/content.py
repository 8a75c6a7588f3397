"""What an export file holds, part by part, and how it becomes a tar stream: for a file, for a client, for any sink.

| order | member                                    | from                         |
|-------|-------------------------------------------|------------------------------|
| 1     | `backup/index.yaml`                       | the definition               |
| 2…    | `backup/snapshots/<name>/…`, oldest first | each snapshot's tree         |
| then  | `backup/container/…`                      | the instance's tree          |
| last  | `backup/manifest.yaml`                    | check sums of all before it  |

Files of custom volumes have their trees elsewhere (`layout.py`). In the optimized form streams of the storage driver
take the place of trees (`optimized.py`). Volumes that are attached to an instance come after it, before the manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from holdfast.archive.exclusion import Exclusion
from holdfast.archive.layout import BACKUP_YAML, IMAGE_SUFFIX, INDEX, Layout, attached_name
from holdfast.archive.manifest import HashingSink, manifest_member
from holdfast.archive.members import END, Kind, Member, padding
from holdfast.archive.optimized import HEADER
from holdfast.archive.packing import pack_entries
from holdfast.model.errors import StorageError
from holdfast.model.volume import DISK_FILE
from holdfast.streams.copy import Cancelled, Progress, Sink, never, pump, write_all

_ROOTFS: Final = "rootfs"
_HERE: Final = "."


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportTree:
    """One tree to export, of the instance or volume itself or of a snapshot; it must not change its place meanwhile.

    `document` is an instance's `backup.yaml`, None for no such file; one on disk is left out. `exclusion` leaves out
    paths of the root file system, or of the volume.
    """

    layout: Layout
    snapshot: str | None
    path: Path
    document: bytes | None = None
    exclusion: Exclusion | None = None

    @property
    def prefix(self) -> str:
        return self.layout.prefix(self.snapshot)


class SizedStream(Protocol):
    """A stream that is being made, whose size was found out before."""

    @property
    def size_bytes(self) -> int: ...
    def readinto(self, buffer: memoryview, /) -> int | None: ...


@dataclass(frozen=True, slots=True)
class ExportStream:
    """One stream of the storage driver, to be the member `name`; `open` begins to make it."""

    name: str
    open: Callable[[], AbstractContextManager[SizedStream]]


@dataclass(frozen=True, slots=True)
class ExportContent:
    """All of an export file, in its order; `header` describes the streams, if there are some.

    `attached` are volumes that come after an instance; its index tells what theirs tell. `on_read` is called once, when
    all trees and streams have been read, and nothing of them is needed any more.
    """

    index: bytes
    trees: Sequence[ExportTree] = ()
    header: bytes = b""
    streams: Sequence[ExportStream] = ()
    attached: Sequence[ExportContent] = ()
    on_read: Callable[[], None] = lambda: None


def write_content(
    sink: Sink,
    content: ExportContent,
    *,
    now: datetime,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> None:
    """Write the whole tar stream, its end mark too; `progress` gets the bytes of trees so far."""
    hashed = HashingSink(sink)
    sizes = _write_trees(hashed, content, int(now.timestamp()), progress, cancelled)
    content.on_read()
    write_all(sink, manifest_member(hashed.hasher, content.index, sizes, now))
    write_all(sink, END)


def _write_trees(
    sink: HashingSink, content: ExportContent, mtime_s: int, progress: Progress | None, cancelled: Cancelled
) -> list[tuple[str, int]]:
    """Write the index and all trees; return how many bytes of the stream each tree takes."""
    _document(sink, INDEX, content.index, 0o644, mtime_s)
    writing = _Writing(sink, mtime_s, progress, cancelled)
    writing.part(content, str)
    for number, part in enumerate(content.attached):
        writing.part(part, partial(attached_name, number))
    return writing.sizes


class _Writing:
    """Writes the trees and streams of one part after the other; counts what each takes."""

    def __init__(self, sink: HashingSink, mtime_s: int, progress: Progress | None, cancelled: Cancelled) -> None:
        self._sink, self._mtime_s, self._progress, self._cancelled = sink, mtime_s, progress, cancelled
        self._done = 0
        self.sizes: list[tuple[str, int]] = []

    def part(self, content: ExportContent, named: Callable[[str], str]) -> None:
        """Write a part; `named` tells what a member is called in the file."""
        for tree in content.trees:
            prefix = named(tree.prefix)
            with self._counted(prefix) as progress:
                self._done += _tree(self._sink, tree, prefix, self._mtime_s, progress, self._cancelled)
        if content.header:
            _document(self._sink, named(HEADER), content.header, 0o644, self._mtime_s)
        for stream in content.streams:
            name = named(stream.name)
            with self._counted(name) as progress:
                self._done += _stream(self._sink, stream, name, self._mtime_s, progress, self._cancelled)

    @contextmanager
    def _counted(self, name: str) -> Iterator[Progress | None]:
        begin = self._sink.hasher.position
        yield _shifted(self._progress, self._done)
        self.sizes.append((name, self._sink.hasher.position - begin))


def _tree(
    sink: Sink, tree: ExportTree, name: str, mtime_s: int, progress: Progress | None, cancelled: Cancelled
) -> int:
    """Write a tree under this name; return the bytes that were packed."""
    names, prefix, instead_of = [_HERE], name, _HERE
    if tree.layout is Layout.INSTANCE:
        top = Member(name=name.encode(), kind=Kind.DIRECTORY, mode=0o100, mtime_s=mtime_s)
        write_all(sink, top.encode())
        if tree.document is not None:
            _document(sink, f"{name}/{BACKUP_YAML}", tree.document, 0o400, mtime_s)
        names = sorted(entry.name for entry in tree.path.iterdir() if entry.name != BACKUP_YAML)
        prefix, instead_of = f"{name}/", ""
    elif tree.layout is Layout.DISK:
        names, prefix, instead_of = [DISK_FILE], f"{name}{IMAGE_SUFFIX}", DISK_FILE
    left_out = _left_out(tree)
    return pack_entries(
        tree.path,
        names,
        prefix,
        sink,
        instead_of=instead_of,
        left_out=left_out,
        progress=progress,
        cancelled=cancelled,
    )


def _stream(
    sink: Sink, stream: ExportStream, name: str, mtime_s: int, progress: Progress | None, cancelled: Cancelled
) -> int:
    with stream.open() as source:
        size = source.size_bytes
        member = Member(name=name.encode(), kind=Kind.FILE, mode=0o600, size_bytes=size, mtime_s=mtime_s)
        write_all(sink, member.encode())
        moved = pump(source, sink, progress=progress, cancelled=cancelled)
    if moved != size:
        raise StorageError(f"{name}: the stream has {moved} bytes where {size} were foreseen")
    write_all(sink, padding(size))
    return moved


def _left_out(tree: ExportTree) -> Iterator[str]:
    if tree.exclusion is None:
        return
    if tree.layout is Layout.INSTANCE:
        for path in tree.exclusion.find(tree.path / _ROOTFS):
            yield f"{_ROOTFS}/{path}"
    elif tree.layout is Layout.FILES:
        for path in tree.exclusion.find(tree.path):
            yield f"{_HERE}/{path}"


def _shifted(progress: Progress | None, done: int) -> Progress | None:
    if progress is None:
        return None
    report = progress
    return lambda count: report(done + count)


def _document(sink: Sink, name: str, document: bytes, mode: int, mtime_s: int) -> None:
    member = Member(name=name.encode(), kind=Kind.FILE, mode=mode, size_bytes=len(document), mtime_s=mtime_s)
    write_all(sink, member.encode())
    write_all(sink, document + padding(len(document)))
