"""The trees of a volume from an export file: where they are staged, and what makes them those of a volume."""

from __future__ import annotations

import stat
from typing import Final

from holdfast.archive.export_index import ExportIndex
from holdfast.archive.idmap import HostMap, parse_host_map
from holdfast.archive.volume_definition import IDMAP_KEY, VolumeDefinition
from holdfast.model.errors import ArchiveError
from holdfast.model.kinds import ContentType
from holdfast.model.volume_keys import size_bytes
from holdfast.service.import_trees import StagedPart
from holdfast.service.intents import Tokens
from holdfast.service.volume_building import NewVolume, dress, limit
from holdfast.storage.driver import Driver
from holdfast.storage.failures import explained

_UNTOUCHED_MODE: Final = 0o100
"""Of a staged tree whose top isn't in the file: disks have none, and some writers leave it out."""


def definition_of(index: ExportIndex) -> VolumeDefinition:
    """Return what an index of a volume describes."""
    if index.volume is None:
        raise ArchiveError(f'The file holds the instance "{index.name}", not a custom volume: import it as an instance')
    return index.volume


def staged_volume(index: ExportIndex, new: NewVolume, driver: Driver, tokens: Tokens) -> StagedPart:
    """Return where the trees of a volume's part go."""
    is_limited = new.volume.content_type is ContentType.FILESYSTEM
    return StagedPart(
        index=index,
        driver=driver,
        volume=new.volume.address,
        tokens=tokens,
        host_maps=_host_maps(definition_of(index)),
        quota_bytes=size_bytes(new.volume.config) if is_limited else None,
    )


def finish_trees(new: NewVolume, driver: Driver, tokens: Tokens) -> None:
    """Give the staged trees what a volume's have: the mode of the top, a disk of its size, the limit."""
    volume, count = new.volume, len(new.snapshots)
    for number in range(count + 1):
        tree = driver.staged_path(tokens.token(number))
        if stat.S_IMODE(tree.stat().st_mode) == _UNTOUCHED_MODE:
            dress(tree)
    with explained(volume.pool, f'giving volume "{volume.name}" its size'):
        limit(driver, tokens.token(count), volume.content_type, volume.config)


def _host_maps(definition: VolumeDefinition) -> dict[str | None, HostMap | None]:
    """Return the map of each tree's owners, snapshots first."""
    found: dict[str | None, HostMap | None] = {
        each.name: parse_host_map(each.config.get(IDMAP_KEY, "")) for each in definition.snapshots
    }
    return {**found, None: parse_host_map(definition.volume.config.get(IDMAP_KEY, ""))}
