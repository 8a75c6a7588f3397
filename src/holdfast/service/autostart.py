"""Start what should run with the server: at its start, and later what waits for a pool whose disk was away then."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence

from holdfast.db import instances as instances_table
from holdfast.model.config_values import is_false, is_true
from holdfast.model.errors import HoldfastError, PoolUnavailableError
from holdfast.model.instance import Instance
from holdfast.model.instance_changes import POWER_KEY
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import Operation
from holdfast.service.caller import INTERNAL
from holdfast.service.power import RUNNING, PowerService
from holdfast.service.surroundings import Surroundings, key_of
from holdfast.service.waiting_starts import WaitingStarts

_DESCRIPTION = "Starting instances"

_log = logging.getLogger(__name__)


class Autostart:
    """Starts instances one after the other: higher `boot.autostart.priority` first, with `boot.autostart.delay` after.

    One that needs a pool which is away waits for it, keeping none of the others. It is started once: not when somebody
    has started or stopped it meanwhile, or has set `boot.autostart` to false.
    """

    def __init__(self, surroundings: Surroundings, power: PowerService, waiting: WaitingStarts) -> None:
        self._around, self._power, self._waiting = surroundings, power, waiting
        self._starting = threading.Lock()

    def begin(self) -> Operation:
        """Start in an operation what should run with the server: by `boot.autostart`, or without it what ran before."""
        return self._around.operations.start(INTERNAL, _DESCRIPTION, lambda _: self.start_all())

    def start_all(self) -> None:
        """Do it here."""
        with self._starting:
            for instance in self._wanted():
                self._waiting.add(instance)
            self._start(self._ready())
            for instance in self._waiting.all():
                _log.warning("Instance %s is started once its storage pool is available", key_of(instance))

    def start_late(self) -> Operation | None:
        """Start in an operation what waits for a pool that is there by now, if anything; for each minute."""
        if self._starting.locked() or not self._ready():
            return None
        return self._around.operations.start(INTERNAL, _DESCRIPTION, lambda _: self._start_ready())

    def _start_ready(self) -> None:
        with self._starting:
            self._start(self._ready())

    def _wanted(self) -> Iterator[Instance]:
        """Return what is to start, and take note of how the others are."""
        with self._around.database.read() as connection:
            instances = instances_table.list_all(connection, None)
        for instance in instances:
            try:
                config = self._around.expanded(instance).config
                is_stopped = self._around.status(instance) is StatusCode.STOPPED
            except HoldfastError as error:
                _log.error("Instance %s can't be looked at: %s", instance.name, error)
                continue
            if not is_stopped:
                self._power.note_running(instance)
            elif instance.ephemeral and instance.config.get(POWER_KEY) == RUNNING:
                self._power.on_stopped(key_of(instance))
            elif _starts_with_server(config):
                yield instance

    def _ready(self) -> Sequence[Instance]:
        """Return, in order, those that wait and whose pools are all there; those that needn't start any more go."""
        is_away: dict[str, bool] = {}
        ready: list[tuple[int, str, Instance]] = []
        for noted in self._waiting.all():
            key = key_of(noted)
            try:
                instance = self._around.instance(noted.project, noted.name)
                expanded = self._around.expanded(instance)
            except HoldfastError as error:
                _log.info("Instance %s is not started with the server: %s", key, error)
                self._waiting.take(key)
                continue
            is_stopped = self._around.status(instance) is StatusCode.STOPPED
            is_same = instance.created_at == noted.created_at
            if not is_same or not is_stopped or not _starts_with_server(expanded.config):
                self._waiting.take(key)
                continue
            pools = _pools_of(instance, expanded.devices)
            for pool in pools - is_away.keys():
                is_away[pool] = self._is_away(pool)
            if not any(is_away[pool] for pool in pools):
                ready.append((-int(expanded.config.get("boot.autostart.priority") or 0), key, instance))
        return [instance for _, _, instance in sorted(ready, key=lambda row: row[:2])]

    def _is_away(self, pool: str) -> bool:
        try:
            self._around.pools.driver(pool)
        except PoolUnavailableError:
            return True
        except HoldfastError:
            return False  # its start says what is wrong
        return False

    def _start(self, instances: Sequence[Instance]) -> None:
        for instance in instances:
            key = key_of(instance)
            if not self._waiting.take(key):
                continue
            try:
                delay_s = int(self._around.expanded(instance).config.get("boot.autostart.delay") or 0)
                self._power.start_stopped(instance.project, instance.name)
            except PoolUnavailableError:
                self._waiting.add(instance)
            except HoldfastError as error:
                _log.error("Instance %s could not be started with the server: %s", key, error)
            else:
                time.sleep(delay_s)


def _pools_of(instance: Instance, devices: Mapping[str, Mapping[str, str]]) -> set[str]:
    """Return the pools that a start needs: of its root disk and of its volumes."""
    disks = (device for device in devices.values() if device.get("type") == "disk")
    return {instance.pool, *(device["pool"] for device in disks if device.get("pool") and device.get("path") != "/")}


def _starts_with_server(config: Mapping[str, str]) -> bool:
    wish = config.get("boot.autostart")
    return is_true(wish) or (not is_false(wish) and config.get(POWER_KEY) == RUNNING)
