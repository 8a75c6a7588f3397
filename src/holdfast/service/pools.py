"""Storage pools: made, changed, activated at start, deleted."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

from holdfast.db import pools
from holdfast.db.database import Database
from holdfast.model.clock import Clock, SystemClock
from holdfast.model.config_keys import changed_keys
from holdfast.model.errors import (
    BadRequestError,
    ConflictError,
    HoldfastError,
    PoolNotFoundError,
    PoolUnavailableError,
    StorageError,
)
from holdfast.model.names import check_entity_name
from holdfast.model.operation import JsonValue
from holdfast.model.storage import Pool, Resources
from holdfast.model.usable_rules import check_usable
from holdfast.model.volume_keys import POOL_PREFIX, check_pool_defaults
from holdfast.model.warning import POOL_UNAVAILABLE
from holdfast.service import pool_usage, volume_views
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.events import EventBus
from holdfast.service.intents import Intent, IntentLog
from holdfast.service.locks import Locks, pool_lock
from holdfast.service.paths import Paths
from holdfast.service.pool_usage import VolumeView
from holdfast.service.resources import url
from holdfast.service.warnings import WarningService
from holdfast.storage.driver import Driver, Features
from holdfast.storage.registry import driver_class

_log = logging.getLogger(__name__)

CREATE_INTENT = "pool-create"
DELETE_INTENT = "pool-delete"
_SHOWN = 50
_FIXED_KEYS = ("source",)
"""Keys that describe what was made when the pool was: changing the record alone would make it wrong."""


class PoolService:
    """Lists and changes pools, and hands out their drivers."""

    def __init__(
        self,
        *,
        database: Database,
        paths: Paths,
        drivers: Mapping[str, type[Driver]],
        locks: Locks,
        intents: IntentLog,
        events: EventBus,
        clock: Clock | None = None,
    ) -> None:
        self._database, self._paths, self._kinds = database, paths, drivers
        self._locks, self._intents, self._events = locks, intents, events
        self._clock = clock or SystemClock()
        self._warnings = WarningService(database=database, events=events, clock=self._clock)
        self._guard = threading.Lock()
        self._activating = threading.Lock()  # two at once would both find the pool unmounted, and mount it twice
        self._active: dict[str, Driver] = {}
        self._away: dict[str, str] = {}

    # --- looking --------------------------------------------------------------------------------------------------

    def list(self) -> list[Pool]:
        with self._database.read() as connection:
            return pools.list_all(connection)

    def get(self, name: str) -> Pool:
        with self._database.read() as connection:
            pool = pools.get(connection, name)
        if pool is None:
            raise PoolNotFoundError(name)
        return pool

    def driver(self, name: str) -> Driver:
        """Return the driver of an activated pool; a pool that could not be activated at start is tried again."""
        active = self._active_driver(name)
        if active is None:
            with self._activating:
                active = self._active_driver(name) or self._activate(self.get(name))
        return active

    def _active_driver(self, name: str) -> Driver | None:
        with self._guard:
            return self._active.get(name)

    def is_available(self, name: str) -> bool:
        with self._guard:
            return name in self._active

    def status(self, name: str) -> str:
        """Return LXD's word for the pool's state."""
        return "Created" if self.is_available(name) else "Unavailable"

    def features(self, pool: Pool) -> Features:
        """Return what the driver of a pool can, whether the pool is available or not."""
        return self._kind(pool.driver).features

    def resources(self, name: str) -> Resources:
        return self.driver(name).resources()

    def used_by(self, name: str) -> Sequence[str]:
        """Return the URLs of what needs the pool: those that keep it from being deleted, and images kept in it."""
        self.get(name)
        with self._database.read() as connection:
            urls = pool_usage.users(connection, name)
            if self.is_available(name):
                urls += pool_usage.image_urls(connection, self.driver(name))
        return sorted(urls)

    def volumes(self, name: str, project: str | None) -> Sequence[VolumeView]:
        """Return the volumes that a project (any when None) has there, their snapshots, and images kept there."""
        driver = self.driver(name)
        with self._database.read() as connection:
            return [
                *pool_usage.volumes(connection, driver, project),
                *volume_views.custom_views(connection, name, project),
            ]

    # --- changing -------------------------------------------------------------------------------------------------

    def create(self, caller: Caller, name: str, driver: str, description: str, config: Mapping[str, str]) -> Pool:
        """Make the backing store and the record of a pool."""
        check_entity_name("Storage pool", name)
        kind = driver_class(driver)
        given = {key: value for key, value in config.items() if value}
        kind.check_config(given)
        check_pool_defaults(given)
        check_usable({}, given, {}, prefix=POOL_PREFIX)
        wanted = Pool(name=name, driver=driver, description=description, config=given, created_at=self._clock.now())
        with self._locks.hold(pool_lock(name), what="create"):
            with self._database.read() as connection:
                if pools.get(connection, name) is not None:
                    raise ConflictError(f'The storage pool already exists: "{name}"')
            made = self._make(wanted)
        self._events.lifecycle(caller, None, "storage-pool-created", url("storage-pools", name))
        return made

    def update(self, caller: Caller, name: str, description: str, config: Mapping[str, str]) -> Pool:
        """Replace description and config; what was decided when the pool was made can't change."""
        with self._locks.hold(pool_lock(name), what="update"):
            before = self.get(name)
            given = {key: value for key, value in config.items() if value}
            for key in sorted(changed_keys(before.config, given)):
                if key in _FIXED_KEYS or key.startswith("volatile."):
                    raise BadRequestError(f'Pool option "{key}" cannot be changed once the pool is created')
            self._kind(before.driver).check_config(given)
            check_pool_defaults(given)
            check_usable(before.config, given, {}, prefix=POOL_PREFIX)
            if given != before.config:
                self.driver(name).update(given)
            after = replace(before, description=description, config=given)
            with self._database.write() as connection:
                pools.update(connection, after)
            with self._guard:
                if name in self._active:
                    self._active[name] = self._build(after)
        self._events.lifecycle(caller, None, "storage-pool-updated", url("storage-pools", name))
        return after

    def patch(
        self, caller: Caller, name: str, *, description: str | None = None, config: Mapping[str, str] | None = None
    ) -> Pool:
        """Change what is given; config is merged per key."""
        before = self.get(name)
        merged = {**before.config, **(config or {})}
        return self.update(caller, name, before.description if description is None else description, merged)

    def delete(self, caller: Caller, name: str) -> None:
        """Remove a pool that nothing needs; images kept in it go, too: their files are elsewhere."""
        with self._locks.hold(pool_lock(name), what="delete"):
            pool = self.get(name)
            with self._database.read() as connection:
                users = pool_usage.users(connection, name)
            if users:
                try:
                    self.driver(name)
                except PoolUnavailableError as error:
                    raise BadRequestError(f"{error} ({len(users)}): {_named(users)}") from error
                raise BadRequestError("The storage pool is currently in use")
            intent = self._intents.open(DELETE_INTENT, _payload(pool))
            try:
                reach("pool-delete:intent")
                self._remove(intent, pool)
            except Exception:
                with self._guard:
                    self._active.pop(name, None)  # whoever needs it next looks what is there
                self._intents.close(intent)  # it isn't to go later, when something may be in it
                raise
        self._events.lifecycle(caller, None, "storage-pool-deleted", url("storage-pools", name))

    def require_unavailable(self, name: str) -> None:
        """Raise `BadRequestError` for a pool that can be activated: what is in it is deleted one by one."""
        try:
            self.driver(name)
        except PoolUnavailableError:
            return
        raise BadRequestError(
            f'Storage pool "{name}" is available: only of one whose disk is lost can all records be removed at once'
        )

    def forget(self, caller: Caller, name: str) -> None:
        """Remove the record of an unavailable pool in which none is left; what is on its disk or in its file stays."""
        with self._locks.hold(pool_lock(name), what="delete"):
            self.require_unavailable(name)
            pool = self.get(name)
            with self._database.write() as connection:
                if pool_usage.users(connection, name):
                    raise BadRequestError("The storage pool is currently in use")
                pools.delete(connection, name)
            with self._guard:
                self._away.pop(name, None)
            with contextlib.suppress(HoldfastError, OSError):
                self._build(pool).deactivate()
                self._paths.pool(name).rmdir()
        self._events.lifecycle(caller, None, "storage-pool-deleted", url("storage-pools", name))

    # --- start, stop, after a crash -------------------------------------------------------------------------------

    def activate_all(self) -> None:
        """Activate every pool that isn't; called at start, and regularly. One that can't be is shown as unavailable.

        There is a warning of it until it can be.
        """
        for pool in self.list():
            entity = url("storage-pools", pool.name)
            try:
                self.driver(pool.name)
            except PoolNotFoundError:
                continue
            except HoldfastError as error:
                self._tell_away(pool.name, error.why if isinstance(error, PoolUnavailableError) else str(error))
                with contextlib.suppress(PoolNotFoundError):
                    self.get(pool.name)  # its deletion may have overtaken this
                    self._warnings.keep_up(None, POOL_UNAVAILABLE, entity, str(error))
            else:
                self._warnings.resolve(None, POOL_UNAVAILABLE, entity)

    def undo_create(self, intent: Intent) -> None:
        """End a creation that a crash cut: with its record it is whole, without it is taken away."""
        pool = _from_payload(intent)
        with self._database.read() as connection:
            is_recorded = pools.get(connection, pool.name) is not None
        if not is_recorded:
            self._build(pool).destroy()
        self._intents.close(intent)

    def finish_delete(self, intent: Intent) -> None:
        """Go on with a deletion that a crash cut, unless something has come into the pool since."""
        pool = _from_payload(intent)
        with self._database.read() as connection:
            is_used = bool(pool_usage.users(connection, pool.name))
        if is_used:
            self._intents.close(intent)
        else:
            self._remove(intent, pool)

    def _make(self, wanted: Pool) -> Pool:
        driver = self._build(wanted)
        intent = self._intents.open(CREATE_INTENT, _payload(wanted))
        reach("pool-create:intent")
        try:
            made = replace(wanted, config=driver.create())
        except BaseException:
            self._intents.close(intent)
            raise
        reach("pool-create:created")
        try:
            with self._database.write() as connection:
                pools.insert(connection, made)
                self._intents.close(intent, connection)
        except BaseException:
            self.undo_create(intent)
            raise
        reach("pool-create:committed")
        with self._guard:
            self._active[made.name] = self._build(made)
        return made

    def _remove(self, intent: Intent, pool: Pool) -> None:
        self._build(pool).destroy()
        reach("pool-delete:withdrawn")
        with self._database.write() as connection:
            pools.delete(connection, pool.name)
            self._intents.close(intent, connection)
        reach("pool-delete:committed")
        with self._guard:
            self._active.pop(pool.name, None)

    def _activate(self, pool: Pool) -> Driver:
        driver = self._build(pool)
        reason = driver.check_host()
        try:
            if reason is not None:
                raise StorageError(f'Storage driver "{pool.driver}" can\'t be used here: {reason}')
            driver.activate()
        except StorageError as error:
            raise PoolUnavailableError(pool.name, str(error)) from error
        with self._guard:
            self._away.pop(pool.name, None)
            return self._active.setdefault(pool.name, driver)

    def _tell_away(self, name: str, why: str) -> None:
        """Log why a pool is unavailable, once: it is tried again each minute."""
        with self._guard:
            is_known, self._away[name] = self._away.get(name) == why, why
        if not is_known:
            _log.warning("Storage pool %s is unavailable: %s", name, why)

    def _build(self, pool: Pool) -> Driver:
        return self._kind(pool.driver)(pool, self._paths.pool(pool.name), self._paths.disks)

    def _kind(self, name: str) -> type[Driver]:
        if name not in self._kinds:
            raise BadRequestError(f'Unknown storage driver "{name}" (this server has {", ".join(sorted(self._kinds))})')
        return self._kinds[name]


def _named(users: Sequence[str]) -> str:
    """Return the URLs of users as text; not of hundreds."""
    shown = [each.removeprefix("/1.0/") for each in users[:_SHOWN]]
    return ", ".join(shown if len(users) <= _SHOWN else [*shown, "…"])


def _payload(pool: Pool) -> dict[str, JsonValue]:
    config: dict[str, JsonValue] = {**pool.config}
    return {"pool": pool.name, "driver": pool.driver, "config": config}


def _from_payload(intent: Intent) -> Pool:
    config = intent.payload["config"]
    assert isinstance(config, dict)
    return Pool(
        name=intent.text("pool"),
        driver=intent.text("driver"),
        config={key: str(value) for key, value in config.items()},
    )
