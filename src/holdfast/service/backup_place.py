"""Where export files are kept: below the server's directory, or in the custom volume of `storage.backups_volume`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.db import server_config
from holdfast.db.database import Database
from holdfast.model.errors import ConflictError
from holdfast.model.kinds import DEFAULT_PROJECT, VolumeType
from holdfast.model.storage import Volume
from holdfast.service.paths import Paths
from holdfast.service.pools import PoolService


class BackupPlace:
    """The place, and who works there: it is changed only while nobody does. Thread-safe."""

    def __init__(self, *, database: Database, paths: Paths, pools: PoolService) -> None:
        self._database, self._paths, self._pools = database, paths, pools
        self._users = 0
        self._changer: int | None = None
        self._changed = threading.Condition()

    def volume(self) -> str:
        """Return the value of the key; "" is the server's own directory."""
        with self._database.read() as connection:
            return server_config.backups_volume(connection)

    def root(self, volume: str | None = None) -> Path:
        """Return the directory, of another value of the key if that is given. Raises if its pool isn't there."""
        value = self.volume() if volume is None else volume
        if not value:
            return self._paths.backups
        pool, _, name = value.partition("/")
        address = Volume(type=VolumeType.CUSTOM, project=DEFAULT_PROJECT, name=name)
        return self._pools.driver(pool).path(address)

    @contextmanager
    def using(self) -> Iterator[None]:
        """Keep the place as it is while the body runs; wait for a change that is under way in another thread.

        Whoever takes the lock of a volume inside takes it after this: a change takes locks of volumes, too.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._changer in (None, threading.get_ident()))
            self._users += 1
        try:
            yield
        finally:
            with self._changed:
                self._users -= 1

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Keep others from using it while the body runs; `ConflictError` if somebody does."""
        with self._changed:
            if self._users or self._changer is not None:
                raise ConflictError("Exports are being made or moved: change their place when that is done")
            self._changer = threading.get_ident()
        try:
            yield
        finally:
            with self._changed:
                self._changer = None
                self._changed.notify_all()
