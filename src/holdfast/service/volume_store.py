"""What every service of custom volumes asks: which record, which driver, who uses it, and the locks of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from holdfast.db import volume_snapshots as snapshots_table
from holdfast.db import volumes as volumes_table
from holdfast.model.backup import BackupOwner
from holdfast.model.errors import BadRequestError, VolumeInUseError, VolumeNotFoundError, VolumeSnapshotNotFoundError
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import JsonValue
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.service import project_features
from holdfast.service.caller import Caller
from holdfast.service.intents import Intent
from holdfast.service.locks import custom_volume_lock
from holdfast.service.resources import volume_snapshot_url, volume_url
from holdfast.service.surroundings import Surroundings, key_of
from holdfast.service.volume_users import VolumeUsers, is_of_server, users_of
from holdfast.storage.driver import Driver


class VolumeStore:
    """The records of custom volumes and what is around them; thread-safe."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.around = surroundings

    def home(self, project: str) -> str:
        """Return the project whose custom volumes this one has."""
        with self.around.database.read() as connection:
            return project_features.home(connection, project, project_features.VOLUMES)

    def get(self, project: str, pool: str, name: str) -> CustomVolume:
        """Return a volume as the asking project sees it."""
        self.around.pools.get(pool)
        return self.at(self.home(project), pool, name)

    def at(self, project: str, pool: str, name: str) -> CustomVolume:
        """Return the volume that is in this very project."""
        with self.around.database.read() as connection:
            volume = volumes_table.get(connection, pool, project, name)
        if volume is None:
            raise VolumeNotFoundError(pool, name)
        return volume

    def exists(self, project: str, pool: str, name: str) -> bool:
        with self.around.database.read() as connection:
            return volumes_table.get(connection, pool, project, name) is not None

    def snapshots(self, volume: CustomVolume) -> Sequence[VolumeSnapshot]:
        """Return its snapshots, oldest first."""
        with self.around.database.read() as connection:
            return snapshots_table.list_for(connection, volume)

    def snapshot(self, volume: CustomVolume, name: str) -> VolumeSnapshot:
        with self.around.database.read() as connection:
            found = snapshots_table.get(connection, volume, name)
        if found is None:
            raise VolumeSnapshotNotFoundError(volume.pool, volume.name, name)
        return found

    def driver(self, volume: CustomVolume) -> Driver:
        return self.around.pools.driver(volume.pool)

    def users(self, volume: CustomVolume) -> VolumeUsers:
        with self.around.database.read() as connection:
            return users_of(connection, volume)

    def refuse_of_server(self, volume: CustomVolume, text: str) -> None:
        """Raise with this text if the server keeps its export files in it."""
        with self.around.database.read() as connection:
            if is_of_server(connection, volume):
                raise BadRequestError(text)

    def refuse_running_users(self, users: VolumeUsers, text: str) -> None:
        """Raise with this text, and with those that run, if one of the instances isn't stopped."""
        runtime = self.around.runtime
        running = [each for each in users.instances if runtime.status(key_of(each)) is not StatusCode.STOPPED]
        if running:
            raise VolumeInUseError(f"{text}: {', '.join(each.name for each in running)}")

    @contextmanager
    def alone(self, project: str, pool: str, name: str, what: str) -> Iterator[CustomVolume]:
        """Hold the volume that is in this very project for a change; give its record as it is then."""
        with self.around.locks.hold(custom_volume_lock(pool, project, name), what=what):
            yield self.at(project, pool, name)

    def of_intent(self, intent: Intent) -> CustomVolume:
        """Return the volume that the payload names by `pool`, `project` and `volume`."""
        return self.at(intent.text("project"), intent.text("pool"), intent.text("volume"))

    def tell(self, caller: Caller | None, volume: CustomVolume, verb: str, **context: JsonValue) -> None:
        """Publish "storage-volume-<verb>"."""
        source = volume_url(volume.pool, volume.project, volume.name)
        self.around.events.lifecycle(caller, volume.project, f"storage-volume-{verb}", source, **context)

    def tell_snapshot(
        self, caller: Caller | None, volume: CustomVolume, name: str, verb: str, **context: JsonValue
    ) -> None:
        """Publish "storage-volume-snapshot-<verb>"."""
        source = volume_snapshot_url(volume.pool, volume.project, volume.name, name)
        self.around.events.lifecycle(caller, volume.project, f"storage-volume-snapshot-{verb}", source, **context)


def lock_on(volume: CustomVolume) -> str:
    return custom_volume_lock(volume.pool, volume.project, volume.name)


def owner_of(volume: CustomVolume) -> BackupOwner:
    """Return what the volume's export files are under."""
    return BackupOwner(project=volume.project, pool=volume.pool, name=volume.name)


def payload_of(volume: CustomVolume) -> dict[str, JsonValue]:
    """Return what names the volume in an intent."""
    return {"pool": volume.pool, "project": volume.project, "volume": volume.name}
