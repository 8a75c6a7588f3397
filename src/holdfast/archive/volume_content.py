"""A custom volume as the content of an export file: the index, then the tree or disk of each snapshot and its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from holdfast.archive.content import ExportContent, ExportTree
from holdfast.archive.instance_content import PlacedStream, checked_index, content_of_streams
from holdfast.archive.volume_definition import VolumeDefinition, layout_of, to_volume_config
from holdfast.model.kinds import VolumeType
from holdfast.model.storage import Pool
from holdfast.wire.backup_index import BackupIndex


def volume_content(
    definition: VolumeDefinition,
    pool: Pool,
    trees: Mapping[str | None, Path],
    *,
    version: int = 1,
    is_attached: bool = False,
) -> ExportContent:
    """Return the content: `trees` has a tree for each snapshot of the definition, and the volume's under None.

    `is_attached`: it becomes a part of an instance's file.
    """
    layout = layout_of(definition.volume)
    names = [*(snapshot.name for snapshot in definition.snapshots), None]
    return ExportContent(
        _index(definition, pool, version, is_attached=is_attached),
        [ExportTree(layout=layout, snapshot=name, path=trees[name]) for name in names],
    )


def optimized_volume_content(
    definition: VolumeDefinition,
    pool: Pool,
    streams: Sequence[PlacedStream],
    *,
    version: int = 1,
    has_header: bool = True,
    is_attached: bool = False,
) -> ExportContent:
    """Return the content in the form of the pool's driver: the streams of each snapshot, then of the volume."""
    index = _index(definition, pool, version, is_optimized=True, has_header=has_header, is_attached=is_attached)
    return content_of_streams(index, streams, has_header=has_header)


def _index(
    definition: VolumeDefinition,
    pool: Pool,
    version: int,
    *,
    is_optimized: bool = False,
    has_header: bool = False,
    is_attached: bool,
) -> bytes:
    index = BackupIndex(
        name=definition.volume.name,
        backend=pool.driver,
        pool=pool.name,
        snapshots=[snapshot.name for snapshot in definition.snapshots] or None,
        optimized=is_optimized,
        optimized_header=has_header,
        type=VolumeType.CUSTOM.value,
        config=to_volume_config(definition, pool, version, is_attached=is_attached),
    )
    return checked_index(index, "--volume-only")
