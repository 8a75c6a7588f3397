"""Say whether an export file is whole, and what is in it, without a server: every byte of it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from holdfast.archive.export_index import Base, ExportIndex
from holdfast.archive.reader import TreeFacts, VerifiedExport, Visitor, verify_export
from holdfast.model.errors import ArchiveError
from holdfast.model.kinds import Compression
from holdfast.streams.compression import MAGIC_BYTES, detect
from holdfast.streams.copy import Cancelled, Progress, never
from holdfast.streams.headed import Headed, Readable
from holdfast.streams.seal import SealedInput

_LZMA_HEADER_BYTES: Final = 13
_LZMA_HEADERS: Final = {
    b"\x5d" + (2**exponent).to_bytes(4, "little") + b"\xff" * 8 for exponent in (18, 20, 21, 22, 23, 24, 25, 26)
}
"""Those of levels 0 to 9: properties, size of the dictionary, length not known."""

_XZ_LAST_BYTE: Final = b"Z"
"""Of the footer "YZ"; readers pass over zeros behind it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SnapshotFacts:
    name: str
    created_at: datetime | None
    entries: int
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AttachedFacts:
    """A volume that the file of an instance holds beside it; `entries` and `content_bytes` are of its own tree."""

    name: str
    pool: str
    driver: str
    is_optimized: bool
    content_type: str
    entries: int
    content_bytes: int
    snapshots: tuple[SnapshotFacts, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportFacts:
    """What a whole file holds. `tool`, `version` and `created_at` are None where the file has no manifest.

    `size_bytes` are of the file, `entries` and `content_bytes` of the tree of the instance or volume.
    """

    type: str
    name: str
    project: str
    pool: str
    driver: str
    is_optimized: bool
    compression: Compression
    size_bytes: int
    entries: int
    content_bytes: int
    snapshots: tuple[SnapshotFacts, ...]
    volumes: tuple[AttachedFacts, ...]
    base: Base | None
    tool: str | None
    version: str | None
    created_at: str | None


def verify_file(
    file: Readable,
    *,
    visitor: Visitor | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled = never,
) -> ExportFacts:
    """Read the file (or pipe) from where it stands to its end; raise `ArchiveError` for what is wrong with it.

    `visitor` is that of `verify_export`.
    """
    headed = Headed(file, MAGIC_BYTES)
    head, kind = headed.head, detect(headed.head)
    source = SealedInput(headed, kind)
    found = verify_export(source, visitor=visitor, progress=progress, cancelled=cancelled)
    is_sealed = source.is_sealed()
    if found.manifest is not None:
        _check_shell(kind, head, source.last_byte, is_sealed=is_sealed)
    return _facts(found, kind, source.tell())


def _check_shell(kind: Compression, head: bytes, last_byte: bytes, *, is_sealed: bool) -> None:
    """Refuse a change in what wraps the tar stream: no reader minds it, but it isn't what was written."""
    if not is_sealed:
        raise ArchiveError(
            "The compressed data is not what was written: the seal at its end is missing or does not fit. The file was "
            "changed or cut off there, or another program compressed it anew"
        )
    if kind is Compression.LZMA and head[:_LZMA_HEADER_BYTES] not in _LZMA_HEADERS:
        raise ArchiveError("The file's header is damaged: it is none that lzma files of this program have")
    if kind is Compression.XZ and last_byte != _XZ_LAST_BYTE:
        raise ArchiveError("The file goes on after the end of its compressed data")


def _facts(found: VerifiedExport, kind: Compression, size_bytes: int) -> ExportFacts:
    index, manifest = found.index, found.manifest
    main, snapshots = _of_trees(index, found.trees[0])
    return ExportFacts(
        type=index.type,
        name=index.name,
        project=index.project,
        pool=index.pool,
        driver=index.backend,
        is_optimized=index.is_optimized,
        compression=kind,
        size_bytes=size_bytes,
        entries=main.entries,
        content_bytes=main.size_bytes,
        snapshots=snapshots,
        base=index.base,
        volumes=tuple(_attached(each, trees) for each, trees in zip(index.attached, found.trees[1:], strict=True)),
        tool=manifest.tool if manifest else None,
        version=manifest.version if manifest else None,
        created_at=manifest.created_at if manifest else None,
    )


def _attached(index: ExportIndex, trees: Sequence[TreeFacts]) -> AttachedFacts:
    main, snapshots = _of_trees(index, trees)
    return AttachedFacts(
        name=index.name,
        pool=index.pool,
        driver=index.backend,
        is_optimized=index.is_optimized,
        content_type=index.volume.volume.content_type.value if index.volume else "",
        entries=main.entries,
        content_bytes=main.size_bytes,
        snapshots=snapshots,
    )


def _of_trees(index: ExportIndex, found: Sequence[TreeFacts]) -> tuple[TreeFacts, tuple[SnapshotFacts, ...]]:
    trees = {tree.snapshot: tree for tree in found}
    definition = index.definition or index.volume
    dates = {} if definition is None else {each.name: each.created_at for each in definition.snapshots}
    snapshots = tuple(_snapshot(name, dates.get(name), trees.get(name)) for name in index.snapshots)
    return trees.get(None, TreeFacts(None)), snapshots


def _snapshot(name: str, created_at: datetime | None, tree: TreeFacts | None) -> SnapshotFacts:
    facts = tree or TreeFacts(name)
    return SnapshotFacts(name=name, created_at=created_at, entries=facts.entries, size_bytes=facts.size_bytes)
