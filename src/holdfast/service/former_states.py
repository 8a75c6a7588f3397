"""Former states: what instances were before their last restore, kept for an undo until their time or the space is over.

A tree in the pool without a record is rubbish, as a record is deleted before its tree: the next start removes it.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from holdfast.db import former_states as table
from holdfast.db.database import Connection
from holdfast.model.disk_volumes import attached
from holdfast.model.errors import (
    HoldfastError,
    InstanceNotFoundError,
    NotFoundError,
    StorageError,
    UnavailableError,
)
from holdfast.model.former_state import UNDO_KEY, FormerState, undo_until
from holdfast.model.instance import Instance
from holdfast.service.caller import INTERNAL, Caller
from holdfast.service.locks import pool_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.surroundings import Surroundings
from holdfast.service.taking_back import discard_all
from holdfast.storage.driver import Driver

LEAST_FREE: Final = 0.05
"""The share of a pool that must be free for former states to be kept: nobody has asked for them, and a full pool stops
everything else in it. File systems keep about as much for themselves or for root."""

_log = logging.getLogger(__name__)


def has_room_to_spare(driver: Driver) -> bool:
    """Tell whether a pool has room for what nobody has asked to be kept."""
    space = driver.resources()
    return space.space_available_bytes >= LEAST_FREE * space.space_total_bytes


@dataclass(frozen=True, slots=True)
class FormerView:
    """A former state and what it takes; None where that can't be known."""

    state: FormerState
    size_bytes: int | None


class FormerStates:
    """Keeps at most one for each instance; thread-safe."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def find(self, instance: Instance) -> FormerState | None:
        with self._around.database.read() as connection:
            return table.get(connection, instance.project, instance.name)

    def get(self, instance: Instance) -> FormerState:
        found = self.find(instance)
        if found is None:
            why = f"for how long one is says {UNDO_KEY}; it goes when the pool is nearly full"
            if any(attached(snapshot.config) for snapshot in self._around.snapshot_list(instance)):
                why = f"a restore together with volumes keeps none; of others: {why}"
            raise NotFoundError(f"Nothing to undo: no state of {instance.name} from before a restore is kept ({why})")
        return found

    def view(self, project: str, name: str) -> FormerView:
        state = self.get(self._around.instance(project, name))
        return FormerView(state, self._around.pools.driver(state.pool).former_bytes(state.token))

    def until(self, instance: Instance) -> str | None:
        """Return until when (ISO 8601) what the instance is now is to be kept, if it is restored now; None: not."""
        value = self._around.expanded(instance).config.get(UNDO_KEY, "")
        until = undo_until(value, self._around.clock.now())
        return None if until is None else until.isoformat()

    def forget(self, caller: Caller, name: str) -> None:
        """Remove the former state of an instance, before this returns."""
        with self._around.alone(caller.project, name, "update") as instance:
            self._remove(self.get(instance))

    def keep(
        self, driver: Driver, token: str, instance: Instance, *, until: str, snapshot: str = ""
    ) -> FormerState | None:
        """Take the content that was swapped out from staging; None if that can't be: what replaced it stays.

        Idempotent. `snapshot` is what it was restored to, "" for an import in its place.
        """
        try:
            driver.keep_former(token)
        except StorageError as error:
            _log.error("What %s was before could not be kept for an undo: %s", instance.name, error)
            with suppress(StorageError):
                driver.drop_former(token)
            return None
        return FormerState(
            instance=instance,
            snapshot=snapshot,
            created_at=self._around.clock.now(),
            expires_at=datetime.fromisoformat(until),
            pool=instance.pool,
            token=token,
        )

    def clear_away(self, instance: Instance, driver: Driver, former: FormerState | None, *tokens: str) -> None:
        """Remove what nothing needs any more, as work of its own: on ext4 that can take longer than all the rest.

        What isn't removed, because the server stops, goes at the next start.
        """

        def work(_: OperationHandle) -> None:
            with self._around.locks.hold(pool_lock(instance.pool), shared=True, what="clean-up"):
                discard_all(driver, *tokens)
                self.drop_tree(former)

        with suppress(UnavailableError):
            self._around.operations.start(INTERNAL, "Removing what was replaced", work)

    def put(self, connection: Connection, instance: Instance, state: FormerState | None) -> None:
        """Record another former state of an instance, or none, in the place of the one there is."""
        if state is None:
            table.delete(connection, instance.project, instance.name)
        else:
            table.put(connection, state)

    def drop_tree(self, state: FormerState | None) -> None:
        """Remove the content of one whose record is gone. What can't be removed goes at the next start."""
        if state is None:
            return
        try:
            self._around.pools.driver(state.pool).drop_former(state.token)
        except HoldfastError as error:
            _log.error("A former state of %s stays until the next start: %s", state.instance.name, error)

    def expire(self) -> None:
        """Remove those whose time is over, and those in pools that are nearly full."""
        for state in self._all():
            try:
                self._expire(state)
            except InstanceNotFoundError:
                continue
            except HoldfastError as error:
                _log.warning("The former state of %s could not be removed: %s", state.instance.name, error)

    def discard_leftovers(self) -> None:
        """Remove trees without a record. After recovery only."""
        kept = {(state.pool, state.token) for state in self._all()}
        open_ids = {intent.id for intent in self._around.intents.list_open()}
        for pool in self._around.pools.list():
            if not self._around.pools.is_available(pool.name):
                continue
            driver = self._around.pools.driver(pool.name)
            for token in driver.former_tokens():
                if (pool.name, token) in kept or token.rpartition("-")[0] in open_ids:
                    continue
                try:
                    driver.drop_former(token)
                except HoldfastError as error:
                    _log.error("Former state %s in pool %s could not be removed: %s", token, pool.name, error)

    def _all(self) -> list[FormerState]:
        with self._around.database.read() as connection:
            return table.list_all(connection)

    def _expire(self, state: FormerState) -> None:
        if not self._is_over(state):
            return
        with self._around.alone(state.instance.project, state.instance.name, "update") as instance:
            current = self.find(instance)
            if current is not None and self._is_over(current):
                _log.info("What %s was before its restore goes: its time is over, or the space", instance.name)
                self._remove(current)

    def _is_over(self, state: FormerState) -> bool:
        if state.expires_at <= self._around.clock.now():
            return True
        is_available = self._around.pools.is_available(state.pool)
        return is_available and not has_room_to_spare(self._around.pools.driver(state.pool))

    def _remove(self, state: FormerState) -> None:
        with self._around.database.write() as connection:
            table.delete(connection, state.instance.project, state.instance.name)
        self.drop_tree(state)
