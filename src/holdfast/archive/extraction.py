"""Single files and folders out of an export file, for a person at a shell: no server, no import.

Everything is unpacked into a new directory inside the target, by the rules and in the confinement of an import, and
moved to its place when the whole file has proved good. So nothing is written through what stands in the target, and a
damaged file leaves nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Final

from holdfast.archive.export_index import ExportIndex
from holdfast.archive.layout import Layout
from holdfast.archive.members import Kind, Member, printable
from holdfast.archive.reader import Visit, Visitor
from holdfast.archive.tarfilter import VOLUME_TOP, Refused, components
from holdfast.archive.tarstream import TarStream
from holdfast.archive.unpack import TreeUnpacker, unpacking
from holdfast.archive.verification import verify_file
from holdfast.host.placing import place
from holdfast.model.errors import BadRequestError

Opener = Callable[[], AbstractContextManager[BinaryIO]]
ROOTFS: Final = b"rootfs"
_SPECIAL: Final = (Kind.FIFO, Kind.CHARACTER_DEVICE, Kind.BLOCK_DEVICE)
_USER_ATTRIBUTES: Final = b"SCHILY.xattr.user."
_TIMES_AND_MAPS: Final = (b"mtime", b"GNU.sparse.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What to take out, and how: `paths` are as seen inside, none of them means all.

    Owners, setuid bits and attributes of the system are kept only with `same_owner`, pipes and device nodes only with
    `special_files`; both take root.
    """

    paths: Sequence[str] = ()
    snapshot: str | None = None
    volume: str | None = None
    """The attached volume that it is about, not the instance: its name, or `<pool>/<name>`."""
    same_owner: bool = False
    special_files: bool = False
    overwrite: bool = False


@dataclass(slots=True)
class Extracted:
    """What came of it."""

    files: int = 0
    skipped: int = 0
    """Pipes and device nodes that were left out."""


@dataclass(slots=True)
class _Pass:
    """One reading of the file."""

    roots: list[bytes]
    seen: set[bytes] = field(default_factory=set)
    """Of the wanted paths, those that something was found for."""
    links: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Wanted names of files that stand in the archive under a name that isn't wanted."""


def extract(opened: Opener, target: Path, wanted: Wanted) -> Extracted:
    """Take files out of the export into the directory; raise `ArchiveError` if it isn't whole.

    `opened` gives the file at its beginning, and may be called twice. An existing file is an error and nothing is
    changed, unless it may be overwritten.
    """
    done = Extracted()
    first = _Pass([_clean(text) for text in wanted.paths])
    with _staging(target) as staging:
        with opened() as file, _unpacking(staging) as unpacker:
            visitor = _visitor(wanted, lambda member, stream: _add(member, stream, unpacker, first, wanted, done))
            verify_file(file, visitor=visitor)
        if first.links:
            with opened() as file, _unpacking(staging) as unpacker:
                visitor = _visitor(wanted, lambda member, stream: _add_linked(member, stream, unpacker, first, wanted))
                verify_file(file, visitor=visitor)
        missing = [printable(root) for root in first.roots if root not in first.seen]
        if missing:
            raise BadRequestError(f"Not in the backup: {', '.join(missing)}")
        place(staging, target, overwrite=wanted.overwrite)
    return done


def inside_name(index: ExportIndex, name: bytes) -> bytes | None:
    """Return the name as it is seen inside; None for what is beside the root file system, and a volume's top."""
    if index.layout is not Layout.INSTANCE:
        return None if name == VOLUME_TOP else name
    top, _, inside = name.partition(b"/")
    return inside if top == ROOTFS and inside else None


def check_snapshot(index: ExportIndex, snapshot: str | None) -> None:
    """Raise unless the file holds the snapshot."""
    if snapshot is not None and snapshot not in index.snapshots:
        there = ", ".join(index.snapshots) or "none"
        raise BadRequestError(f'The backup holds no snapshot "{snapshot}"; there are: {there}')


def one_part(index: ExportIndex, volume: str | None, begin: Callable[[ExportIndex], Visit]) -> list[Visit | None]:
    """Return what sees one part of the file: an attached volume, or with None the instance or volume itself."""
    number = part_number(index, volume)
    visits: list[Visit | None] = [None] * len(index.parts)
    visits[number] = begin(index.parts[number])
    return visits


def part_number(index: ExportIndex, volume: str | None) -> int:
    """Return which part of the file an attached volume is; raise `BadRequestError` unless there is just one of them."""
    if volume is None:
        return 0
    found = [
        number
        for number, part in enumerate(index.attached, start=1)
        if volume in (part.name, f"{part.pool}/{part.name}")
    ]
    if len(found) == 1:
        return found[0]
    there = ", ".join(f"{part.pool}/{part.name}" for part in index.attached) or "none"
    what = "more than one volume" if found else "no volume"
    raise BadRequestError(f'The backup holds {what} "{volume}"; there are: {there}')


def _visitor(wanted: Wanted, add: Callable[[Member, TarStream], None]) -> Visitor:
    def begin(index: ExportIndex) -> Visit:
        check_snapshot(index, wanted.snapshot)

        def visit(snapshot: str | None, member: Member, stream: TarStream) -> None:
            name = inside_name(index, member.name)
            if snapshot != wanted.snapshot or name is None:
                return
            target = inside_name(index, member.target) if member.kind is Kind.HARD_LINK else member.target
            add(replace(member, name=name, target=target or b""), stream)

        return visit

    return lambda index: one_part(index, wanted.volume, begin)


def _add(
    member: Member, stream: TarStream, unpacker: TreeUnpacker, found: _Pass, wanted: Wanted, done: Extracted
) -> None:
    if not _is_wanted(member.name, found.roots, found.seen):
        return
    if member.kind in _SPECIAL and not wanted.special_files:
        done.skipped += 1
        return
    done.files += member.kind is not Kind.DIRECTORY
    if member.kind is Kind.HARD_LINK and not _is_wanted(member.target, found.roots):
        found.links.setdefault(member.target, []).append(member.name)
        return
    unpacker.add(_tamed(member, wanted), stream)


def _add_linked(member: Member, stream: TarStream, unpacker: TreeUnpacker, found: _Pass, wanted: Wanted) -> None:
    names = found.links.get(member.name)
    if names is None:
        return
    first, *others = names
    tamed = _tamed(replace(member, name=first), wanted)
    unpacker.add(tamed, stream)
    for name in others:
        link = replace(tamed, name=name, kind=Kind.HARD_LINK, target=first, size_bytes=0, records={}, lead=b"")
        unpacker.write(link.encode())


def _is_wanted(name: bytes, roots: Sequence[bytes], seen: set[bytes] | None = None) -> bool:
    if not roots:
        return True
    hits = [root for root in roots if not root or name == root or name.startswith(root + b"/")]
    if seen is not None:
        seen.update(hits)
    return bool(hits)


def _tamed(member: Member, wanted: Wanted) -> Member:
    """Return the entry as it may be on a host: ours, without power over anything, directories open to us."""
    if wanted.same_owner:
        return member
    mode = member.mode & 0o777 | (0o700 if member.kind is Kind.DIRECTORY else 0)
    kept = (_USER_ATTRIBUTES, *_TIMES_AND_MAPS)
    records = {key: value for key, value in member.records.items() if key.startswith(kept)}
    return replace(member, mode=mode, uid=os.geteuid(), gid=os.getegid(), records=records)


def _clean(text: str) -> bytes:
    try:
        return b"/".join(components(os.fsencode(text.lstrip("/"))))
    except Refused as refused:
        raise BadRequestError(f'"{text}" can\'t be a path inside: {refused.reason}') from None


@contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """Give a new directory inside the target, removed at the end with what is still in it."""
    staging = Path(tempfile.mkdtemp(prefix=".holdfast-extract-", dir=target))
    try:
        yield staging
    finally:
        shutil.rmtree(staging)


@contextmanager
def _unpacking(staging: Path) -> Iterator[TreeUnpacker]:
    with unpacking(staging, is_confined=os.geteuid() == 0) as unpacker:
        yield unpacker
