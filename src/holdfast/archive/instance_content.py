"""An instance as the content of an export file: each tree with its own `backup.yaml`, the index before all.

Each tree begins with its directory (mode 0100) and, in version 1 of the metadata, a `backup.yaml` (mode 0400) that we
write. In version 2 the index alone tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from holdfast.archive.content import ExportContent, ExportStream, ExportTree, SizedStream
from holdfast.archive.definition import Definition, as_of_snapshot, to_config, without_expanded
from holdfast.archive.layout import INDEX_CAP_BYTES, Layout
from holdfast.archive.optimized import StreamPlace, header_document
from holdfast.model.errors import BadRequestError
from holdfast.model.storage import Pool
from holdfast.wire.backup_index import BackupConfig, BackupIndex, dump

PlacedStream = tuple[StreamPlace, Callable[[], AbstractContextManager[SizedStream]]]
"""A stream's place in the file, and what begins to make it."""


def instance_content(
    definition: Definition, pool: Pool, trees: Mapping[str | None, Path], *, version: int = 1
) -> ExportContent:
    """Return the content: `trees` has a tree for each snapshot of the definition, and the instance's under None."""
    names = [*(snapshot.name for snapshot in definition.snapshots), None]
    return ExportContent(
        build_index(definition, pool, version),
        [
            ExportTree(
                layout=Layout.INSTANCE,
                snapshot=name,
                path=trees[name],
                document=dump(_tree_config(definition, pool, name)) if version == 1 else None,
            )
            for name in names
        ],
    )


def optimized_content(
    definition: Definition,
    pool: Pool,
    streams: Sequence[PlacedStream],
    *,
    version: int = 1,
    has_header: bool = True,
) -> ExportContent:
    """Return the content in the form of the pool's driver: the streams of each snapshot, then of the instance.

    The instance's own stream holds its `backup.yaml`, which is `main_document`. Without a header there is one stream
    for each.
    """
    index = build_index(definition, pool, version, is_optimized=True, has_header=has_header)
    return content_of_streams(index, streams, has_header=has_header)


def content_of_streams(index: bytes, streams: Sequence[PlacedStream], *, has_header: bool) -> ExportContent:
    """Return the content with this index."""
    return ExportContent(
        index,
        header=header_document([place for place, _ in streams]) if has_header else b"",
        streams=[ExportStream(place.member, start) for place, start in streams],
    )


def main_document(definition: Definition, pool: Pool) -> bytes:
    """Return the `backup.yaml` of the instance's tree."""
    return dump(_tree_config(definition, pool, None))


def build_index(
    definition: Definition, pool: Pool, version: int = 1, *, is_optimized: bool = False, has_header: bool = False
) -> bytes:
    """Return `index.yaml`; raise if it would be larger than any reader takes."""
    index = BackupIndex(
        name=definition.instance.name,
        backend=pool.driver,
        pool=pool.name,
        snapshots=[snapshot.name for snapshot in definition.snapshots] or None,
        optimized=is_optimized,
        optimized_header=has_header,
        type=definition.instance.type.value,
        config=to_config(definition, pool, version),
    )
    if len(dump(index)) > INDEX_CAP_BYTES and index.config is not None:
        index.config = without_expanded(index.config)
    return checked_index(index, "--instance-only")


def checked_index(index: BackupIndex, remedy: str) -> bytes:
    """Return the document; raise, with the option that helps, if it is larger than any reader takes."""
    document = dump(index)
    if len(document) > INDEX_CAP_BYTES:
        raise BadRequestError(
            f"The description of {len(index.snapshots or [])} snapshots is larger than {INDEX_CAP_BYTES} bytes: "
            f"delete some of them, or export with {remedy}"
        )
    return document


def _tree_config(definition: Definition, pool: Pool, snapshot_name: str | None) -> BackupConfig:
    if snapshot_name is None:
        return without_expanded(to_config(definition, pool))
    snapshot = next(each for each in definition.snapshots if each.name == snapshot_name)
    return to_config(as_of_snapshot(definition, snapshot), pool)
