"""Taking a custom volume back to a snapshot: the content is built beside, and swapped in by one rename."""

from __future__ import annotations

from typing import Final

from holdfast.model.errors import InternalError
from holdfast.model.volume import CustomVolume
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.intents import Intent
from holdfast.service.taking_back import put_in_place
from holdfast.service.volume_building import limit
from holdfast.service.volume_store import VolumeStore, payload_of
from holdfast.storage.driver import Origin

INTENT_KIND: Final = "volume-restore"
IN_USE: Final = "Cannot restore custom volume used by running instances"


class VolumeRestorer:
    """Restores volumes; only content goes back, the configuration stays, as in LXD."""

    def __init__(self, store: VolumeStore) -> None:
        self._store, self._around = store, store.around

    def restore(self, caller: Caller, pool: str, name: str, snapshot: str) -> None:
        """Take the volume back; `snapshot` is bare ("snap0") or full ("v1/snap0")."""
        found = self._store.get(caller.project, pool, name)
        bare = snapshot.removeprefix(f"{name}/")
        with self._store.alone(found.project, pool, name, "restore") as volume:
            if all(each.name != bare for each in self._store.snapshots(volume)):
                raise InternalError("Snapshot not found")  # LXD's status for it is 500
            self._store.refuse_running_users(self._store.users(volume), IN_USE)
            self._restore(volume, bare)
        self._store.tell(caller, volume, "restored", snapshot=f"{name}/{bare}")

    def _restore(self, volume: CustomVolume, snapshot: str) -> None:
        driver = self._store.driver(volume)
        intent = self._around.intents.open(INTENT_KIND, {**payload_of(volume), "snapshot": snapshot})
        try:
            reach("volume-restore:intent")
            origin = Origin(volume=volume.address, snapshot=snapshot)
            driver.stage(intent.token(), origin, resembling=volume.address)
            limit(driver, intent.token(), volume.content_type, volume.config)
            reach("volume-restore:staged")
            driver.sync(intent.token())
            reach("volume-restore:synced")
            put_in_place(driver, intent.token(), volume.address)
            reach("volume-restore:swapped")
        finally:
            self.finish(intent)
        reach("volume-restore:committed")

    def finish(self, intent: Intent) -> None:
        """Remove what is not the volume: the former content after the swap, the new one before. Idempotent."""
        volume = self._store.of_intent(intent)
        self._store.driver(volume).discard(intent.token())
        self._around.intents.close(intent)
