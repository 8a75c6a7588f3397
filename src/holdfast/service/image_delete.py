"""How an image goes: files into staging, volumes out of every pool, record last; the same again after a crash."""

from __future__ import annotations

from holdfast.db import images as images_table
from holdfast.db.database import Database
from holdfast.model.image import Image
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.events import EventBus
from holdfast.service.image_store import ImageStore
from holdfast.service.image_volumes import ImageVolumes
from holdfast.service.intents import Intent, IntentLog
from holdfast.service.locks import Locks, image_lock
from holdfast.service.resources import url

INTENT_KIND = "image-delete"


class ImageDeleter:
    """Deletes images; the files stay as long as another project has the same image."""

    def __init__(
        self,
        *,
        database: Database,
        store: ImageStore,
        volumes: ImageVolumes,
        locks: Locks,
        intents: IntentLog,
        events: EventBus,
    ) -> None:
        self._database, self._store, self._volumes = database, store, volumes
        self._locks, self._intents, self._events = locks, intents, events

    def delete(self, caller: Caller, image: Image) -> None:
        """Delete; waits for work that reads the image. Gone already: nothing."""
        with self._locks.hold(image_lock(image.fingerprint), what="image delete"):
            # First what can be made again, and what can fail: a pool that doesn't answer leaves the image whole.
            if not self._is_shared(image.project, image.fingerprint):
                self._volumes.remove(image.fingerprint)
            intent = self._intents.open(INTENT_KIND, {"project": image.project, "fingerprint": image.fingerprint})
            reach("image-delete:intent")
            self._carry_out(intent)
        source = url("images", image.fingerprint, project=image.project)
        self._events.lifecycle(caller, image.project, "image-deleted", source)

    def finish(self, intent: Intent) -> None:
        """Carry an interrupted deletion to its end; recovery calls it."""
        with self._locks.hold(image_lock(intent.text("fingerprint")), what="image delete"):
            self._carry_out(intent)

    def _carry_out(self, intent: Intent) -> None:
        project, fingerprint = intent.text("project"), intent.text("fingerprint")
        if not self._is_shared(project, fingerprint):
            self._store.withdraw(fingerprint, intent.token())
        reach("image-delete:withdrawn")
        with self._database.write() as connection:
            images_table.delete(connection, project, fingerprint)
            self._intents.close(intent, connection)
        reach("image-delete:committed")
        self._store.discard(intent.token())

    def _is_shared(self, project: str, fingerprint: str) -> bool:
        """Tell whether another project holds the same image."""
        with self._database.read() as connection:
            return any(holder != project for holder in images_table.projects_with(connection, fingerprint))
