"""Power: start, stop, restart, freeze, unfreeze, and what happens when an instance ends by itself."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Protocol

from holdfast.db import instances as instances_table
from holdfast.model.errors import BadRequestError, ConflictError, HoldfastError, NotStartedAgainError
from holdfast.model.instance import Instance
from holdfast.model.instance_changes import POWER_KEY
from holdfast.model.kinds import DEFAULT_PROJECT, StatusCode
from holdfast.model.operation import Operation
from holdfast.model.protection import as_started
from holdfast.service.caller import INTERNAL, Caller
from holdfast.service.holds import held_names
from holdfast.service.instance_requests import PowerAction
from holdfast.service.locks import instance_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import instance_url
from holdfast.service.start import Starter
from holdfast.service.stateful import refuse_stateful
from holdfast.service.surroundings import Surroundings, key_of
from holdfast.service.waiting_starts import WaitingStarts

RUNNING: Final = "RUNNING"
STOPPED: Final = "STOPPED"
_WATCHERS: Final = 4

_DESCRIPTIONS: Final = {
    PowerAction.START: "Starting instance",
    PowerAction.STOP: "Stopping instance",
    PowerAction.RESTART: "Restarting instance",
    PowerAction.FREEZE: "Freezing instance",
    PowerAction.UNFREEZE: "Unfreezing instance",
}

_log = logging.getLogger(__name__)


class Remover(Protocol):
    """What power needs of deletion: ephemeral instances go when they stop."""

    def remove(self, caller: Caller | None, instance: Instance) -> None: ...


class BeforeStart(Protocol):
    """What power needs of schedules: snapshots of an instance before it runs."""

    def wants(self, instance: Instance) -> bool: ...
    def take(self, instance: Instance) -> None: ...


class PowerService:
    """Changes power; thread-safe.

    A clean stop may take for ever, so it waits without holding the instance: a forced stop can overtake it.
    """

    def __init__(
        self,
        surroundings: Surroundings,
        starter: Starter,
        remover: Remover,
        before_start: BeforeStart,
        waiting: WaitingStarts,
    ) -> None:
        self._around, self._starter, self._remover = surroundings, starter, remover
        self._before_start, self._waiting = before_start, waiting
        self._watchers = ThreadPoolExecutor(_WATCHERS, thread_name_prefix="instance end")
        self._is_closed = False
        self._expected = _Expected()

    def change(
        self, caller: Caller, name: str, action: str, timeout_s: int, *, force: bool = False, stateful: bool = False
    ) -> Operation:
        """Start a change; `timeout_s` -1 waits for ever for a clean stop, 0 and `force` end it at once."""
        wanted = _action(action)
        self._around.instance(caller.project, name)
        refuse_stateful(stateful=stateful)

        def work(handle: OperationHandle) -> None:
            self._carry_out(caller, name, wanted, timeout_s, force=force)

        resources = {"instances": [instance_url(caller.project, name)]}
        return self._around.operations.start(caller, _DESCRIPTIONS[wanted], work, resources=resources)

    def change_all(
        self, caller: Caller, action: str, timeout_s: int, *, force: bool = False, stateful: bool = False
    ) -> Operation:
        """Do the same to every instance of the project that isn't so already; the others go on when one fails."""
        wanted = _action(action)
        refuse_stateful(stateful=stateful)
        with self._around.database.read() as connection:
            names = [each.name for each in instances_table.list_all(connection, caller.project)]

        def work(handle: OperationHandle) -> None:
            failures = []
            for name in names:
                try:
                    if _applies(wanted, self._around.status(self._around.instance(caller.project, name))):
                        self._carry_out(caller, name, wanted, timeout_s, force=force)
                except HoldfastError as error:
                    failures.append(f"{name}: {error}")
            if failures:
                raise BadRequestError("; ".join(failures))

        resources = {"instances": [instance_url(caller.project, name) for name in names]}
        return self._around.operations.start(caller, "Updating instance state", work, resources=resources)

    # --- for other services, which hold the instance -------------------------------------------------------------

    @contextmanager
    def staying(self, instance: Instance) -> Iterator[None]:
        """Let the instance stop and start in the body without that being taken for its end."""
        with self._expected.end_of(key_of(instance)):
            yield

    def start_now(self, caller: Caller | None, instance: Instance) -> Instance:
        """Start it; return the record as it is then."""
        started = self._starter.start(instance)
        self._waiting.take(key_of(instance))
        self._around.tell(caller, started, "started")
        return started

    def start_recorded(self, caller: Caller, instance: Instance) -> None:
        """Start one that is recorded as running, as what it had was replaced; record it as stopped where that fails."""
        try:
            self.start_now(caller, instance)
        except HoldfastError as error:
            self._around.save(replace(instance, config={**instance.config, POWER_KEY: STOPPED}))
            raise NotStartedAgainError(instance.name, error) from error

    def start_again(self, instance: Instance) -> None:
        """Bring an instance back that was stopped for a change which failed."""
        current = self._around.instance(instance.project, instance.name)
        if self._around.status(current) is StatusCode.STOPPED:
            self.start_now(None, current)

    # --- the server's own life -----------------------------------------------------------------------------------

    def start_stopped(self, project: str, name: str) -> None:
        """Start one in the server's name, unless it runs."""
        with self._held_for_start(project, name, "start") as current:
            if self._around.status(current) is StatusCode.STOPPED:
                self._before_start.take(current)
                self.start_now(INTERNAL, current)

    def note_running(self, instance: Instance) -> None:
        """Take note that an instance runs, if the record says otherwise."""
        if instance.config.get(POWER_KEY) != RUNNING:
            with self._around.powered(instance.project, instance.name, "start") as current:
                self._save_power(replace(current, config=as_started(current.config)), RUNNING)

    def on_stopped(self, key: str) -> None:
        """Take note that an instance has ended: the runtime calls this from its own thread, so it only passes it on."""
        if not self._is_closed and not self._expected.is_expected(key):
            self._watchers.submit(self._ended, key)

    def close(self) -> None:
        """Take no more notes; the next start sees what ended meanwhile."""
        self._is_closed = True
        self._watchers.shutdown(wait=False, cancel_futures=True)

    def _ended(self, key: str) -> None:
        project, _, name = key.rpartition("_")
        try:
            with self._held_for_end(project or DEFAULT_PROJECT, name, "stop") as instance:
                if self._around.status(instance) is StatusCode.STOPPED and instance.config.get(POWER_KEY) == RUNNING:
                    self._note_end(None, instance, "shutdown")
        except HoldfastError as error:
            _log.info("The end of instance %s was not recorded: %s", key, error)

    # --- the work ------------------------------------------------------------------------------------------------

    def _carry_out(self, caller: Caller, name: str, action: PowerAction, timeout_s: int, *, force: bool) -> None:
        match action:
            case PowerAction.START:
                with self._held_for_start(caller.project, name, "start") as instance:
                    if self._around.status(instance) is StatusCode.STOPPED:
                        self._before_start.take(instance)
                    self.start_now(caller, instance)
            case PowerAction.STOP:
                self._stop(caller, name, timeout_s, force=force)
            case PowerAction.RESTART:
                self._restart(caller, name, timeout_s, force=force)
            case PowerAction.FREEZE:
                self._freeze(caller, name)
            case PowerAction.UNFREEZE:
                self._unfreeze(caller, name)

    @contextmanager
    def _held_for_start(self, project: str, name: str, what: str) -> Iterator[Instance]:
        """Hold it alone only to shift owners, for a snapshot, to end former work, or if it is ephemeral and goes."""
        instance = self._around.instance(project, name)
        is_left = self._around.locks.is_unsettled(instance_lock(project, name))
        is_changed = self._starter.needs_shift(instance) or self._before_start.wants(instance)
        is_alone = is_left or instance.ephemeral or is_changed
        with (self._around.alone if is_alone else self._around.powered)(project, name, what) as current:
            yield current

    @contextmanager
    def _held_for_end(self, project: str, name: str, what: str) -> Iterator[Instance]:
        """Hold it alone only if it goes with its end."""
        is_alone = self._around.instance(project, name).ephemeral
        with (self._around.alone if is_alone else self._around.powered)(project, name, what) as current:
            yield current

    def _stop(self, caller: Caller, name: str, timeout_s: int, *, force: bool) -> None:
        instance = self._around.instance(caller.project, name)
        is_waiting = self._waiting.take(key_of(instance))
        if is_waiting and self._around.status(instance) is StatusCode.STOPPED:
            raise BadRequestError("The instance is already stopped: it is no longer to be started with the server")
        with self._expected.end_of(key_of(instance)):
            verb = self._end(instance, timeout_s, force=force)
            with self._held_for_end(caller.project, name, "stop") as current:
                if self._around.status(current) is StatusCode.STOPPED:
                    self._note_end(caller, current, verb)

    def _restart(self, caller: Caller, name: str, timeout_s: int, *, force: bool) -> None:
        instance = self._around.instance(caller.project, name)
        with self._expected.end_of(key_of(instance)):
            self._end(instance, timeout_s, force=force)
            with self._held_for_start(caller.project, name, "restart") as current:
                if self._around.status(current) is not StatusCode.STOPPED:
                    raise ConflictError("The instance was started again by someone else")
                try:
                    self._before_start.take(current)
                    started = self._starter.start(current)
                except BaseException:
                    self._note_end(caller, current, "shutdown")
                    raise
        self._around.tell(caller, started, "restarted")

    def _end(self, instance: Instance, timeout_s: int, *, force: bool) -> str:
        """End it; return the verb for the event."""
        key, status = key_of(instance), self._around.status(instance)
        if status is StatusCode.STOPPED:
            raise BadRequestError("The instance is already stopped")
        if force or timeout_s == 0:
            self._around.runtime.kill(key)
            return "stopped"
        if status is StatusCode.FROZEN:
            self._around.runtime.unfreeze(key)
        if not self._around.runtime.shutdown(key, None if timeout_s < 0 else float(timeout_s)):
            raise BadRequestError(
                f'Failed shutting down instance, status is "Running": it did not end within {timeout_s} s; '
                "wait longer or use force"
            )
        return "shutdown"

    def _freeze(self, caller: Caller, name: str) -> None:
        with self._around.powered(caller.project, name, "freeze") as instance:
            status = self._around.status(instance)
            if status is StatusCode.STOPPED:
                raise BadRequestError("The instance isn't running")
            if status is StatusCode.FROZEN:
                raise BadRequestError("The instance is already frozen")
            self._around.runtime.freeze(key_of(instance))
            self._around.tell(caller, instance, "paused")

    def _unfreeze(self, caller: Caller, name: str) -> None:
        with self._around.powered(caller.project, name, "unfreeze") as instance:
            status = self._around.status(instance)
            if status is not StatusCode.FROZEN:
                text = "isn't running" if status is StatusCode.STOPPED else "is already running"
                raise BadRequestError(f"The instance {text}")
            self._around.runtime.unfreeze(key_of(instance))
            self._around.tell(caller, instance, "resumed")

    def _note_end(self, caller: Caller | None, instance: Instance, verb: str) -> None:
        """Record the stop of an instance that is held, and remove an ephemeral one unless a snapshot of it is held."""
        self._save_power(instance, STOPPED)
        self._around.tell(caller, instance, verb)
        if not instance.ephemeral:
            return
        if held := held_names(self._around.snapshot_list(instance)):
            _log.warning("Ephemeral instance %s stays: its snapshots %s are held", instance.name, ", ".join(held))
            return
        self._remover.remove(caller, instance)

    def _save_power(self, instance: Instance, power: str) -> None:
        self._around.save(replace(instance, config={**instance.config, POWER_KEY: power}))


class _Expected:
    """Keys of instances whose end somebody waits for, who will record it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    @contextmanager
    def end_of(self, key: str) -> Iterator[None]:
        with self._lock:
            self._counts[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._counts[key] -= 1

    def is_expected(self, key: str) -> bool:
        with self._lock:
            return self._counts[key] > 0


def _action(text: str) -> PowerAction:
    try:
        return PowerAction(text)
    except ValueError:
        raise BadRequestError(f"Unknown action: '{text}'") from None


def _applies(action: PowerAction, status: StatusCode) -> bool:
    if action is PowerAction.START:
        return status is StatusCode.STOPPED
    if action is PowerAction.UNFREEZE:
        return status is StatusCode.FROZEN
    if action is PowerAction.FREEZE:
        return status is StatusCode.RUNNING
    return status is not StatusCode.STOPPED
