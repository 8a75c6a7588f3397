"""Points in the life of an instance or custom volume, as trees on this host: its snapshots, and now."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.archive.idmap import parse_host_map
from holdfast.db import snapshots as snapshots_table
from holdfast.model.errors import SnapshotNotFoundError
from holdfast.model.instance import Config
from holdfast.model.instance_changes import DISK_MAP_KEY
from holdfast.model.volume import CustomVolume
from holdfast.service.start_spec import ROOTFS
from holdfast.service.surroundings import Surroundings, volume_of
from holdfast.service.volume_store import VolumeStore

NOW: Final = ""
"""The name of the point that is no snapshot."""


@dataclass(frozen=True, slots=True)
class Point:
    """A tree; its ids on disk are those seen inside plus `id_base`."""

    tree: Path
    id_base: int = 0


class Points:
    """Finds them; raises the errors of what isn't there. Nothing is held: a tree may go while it is looked at."""

    def __init__(self, surroundings: Surroundings, volumes: VolumeStore) -> None:
        self._around, self._volumes = surroundings, volumes

    def of_instance(self, project: str, name: str, snapshot: str) -> Point:
        """Return the root file system of an instance, or of one of its snapshots."""
        instance = self._around.instance(project, name)
        tree = self._around.driver(instance).path(volume_of(instance), snapshot or None) / ROOTFS
        if snapshot == NOW:
            return Point(tree, id_base_of(instance.config))
        with self._around.database.read() as connection:
            found = snapshots_table.get(connection, project, name, snapshot)
        if found is None:
            raise SnapshotNotFoundError(project, name, snapshot)
        return Point(tree, id_base_of(found.config))

    def of_volume(self, volume: CustomVolume, snapshot: str) -> Point:
        """Return what is in a custom volume, or in one of its snapshots."""
        tree = self._volumes.driver(volume).path(volume.address, snapshot or None)
        if snapshot != NOW:
            self._volumes.snapshot(volume, snapshot)
        return Point(tree)


def id_base_of(config: Config) -> int:
    """Return what to take from the ids on a disk: they were kept as seen inside, or shifted by one base."""
    host_map = parse_host_map(config.get(DISK_MAP_KEY, ""))
    users = [entry for entry in host_map.ranges if entry.is_uid] if host_map is not None else []
    return users[0].host - users[0].inside if users else 0
