"""Protections as what schedules work on: a run pulls every instance that one is about, several at a time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Final

from holdfast.client.errors import ClientError, UnknownCertificateError
from holdfast.db import protections as protections_table
from holdfast.db import schedule_runs
from holdfast.db.database import Connection
from holdfast.db.schedule_runs import Key
from holdfast.model.due import latest_due
from holdfast.model.errors import (
    CancelledOperationError,
    HoldfastError,
    MigrationError,
    ProtectionNotFoundError,
    UnavailableError,
)
from holdfast.model.operation import Operation
from holdfast.model.protection import ProtectedCopy, Protection, is_late, is_open, one_in_charge
from holdfast.model.retention import Kept
from holdfast.model.schedule_run import ScheduleRun
from holdfast.model.schedules import DEFAULT_LABEL, Schedule
from holdfast.model.warning import COPY_LATE, PROTECTION_FAILED
from holdfast.service.caller import Caller
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.protection_pull import Puller
from holdfast.service.resources import instance_url, url
from holdfast.service.scheduled import Occasion, Subject, Warnings
from holdfast.service.snapshots import SnapshotService
from holdfast.service.surroundings import Surroundings

OWN_PATTERN: Final = "pull-{{ creation_date|date:'20060102-150405' }}"
"""The name of the snapshot that a run leaves where the other server sent none: each run can be gone back to."""
_DESCRIPTION: Final = "Pulling copies"

_log = logging.getLogger(__name__)


class ProtectionRuns:
    """Implements `Scheduled`; thread-safe."""

    owners = schedule_runs.PROTECTIONS
    warning_kind = PROTECTION_FAILED

    def __init__(
        self,
        surroundings: Surroundings,
        puller: Puller,
        snapshots: SnapshotService,
        *,
        zone: Callable[[], tzinfo],
        warnings: Warnings,
    ) -> None:
        self._around, self._puller, self._snapshots = surroundings, puller, snapshots
        self._zone, self._warnings = zone, warnings

    def protection(self, name: str) -> Protection:
        with self._around.database.read() as connection:
            found = protections_table.get(connection, name)
        if found is None:
            raise ProtectionNotFoundError(name)
        return found

    # --- for the scheduler --------------------------------------------------------------------------------------------

    def subjects(self, project: str | None) -> list[Subject]:
        """Return those that may run now: what comes due while one is paused, or outside of its window, runs later."""
        local = self._around.clock.now().astimezone(self._zone()).time()
        with self._around.database.read() as connection:
            found = protections_table.list_all(connection)
        return [
            _subject(each)
            for each in found
            if not each.is_paused and is_open(each.window, local) and project in (None, each.target_project)
        ]

    def exists(self, subject: Subject) -> bool:
        with self._around.database.read() as connection:
            return protections_table.get(connection, subject.name) is not None

    def is_wanted_now(self, subject: Subject) -> bool:
        return True

    def kept(self, project: str | None) -> Mapping[Key, Sequence[Kept]]:
        """Return nothing: the snapshots of copies are looked after with those of all instances."""
        return {}

    def kept_of(self, subject: Subject) -> Sequence[Kept]:
        return ()

    def take(self, subject: Subject, occasion: Occasion) -> None:
        """Pull everything; raise, when all was tried, if something could not be."""
        protection = self.protection(subject.name)
        caller = Caller(project=protection.target_project)

        def work(handle: OperationHandle) -> None:
            self.pull_all(protection, handle)
            with self._around.database.write() as connection:
                occasion.record(connection)

        self._around.operations.carry_out_here(caller, _DESCRIPTION, work, resources=_resources(protection))

    @contextmanager
    def holding(self, subject: Subject) -> Iterator[None]:
        yield

    def remove(self, subject: Subject, name: str) -> None:
        raise NotImplementedError("a protection has no snapshots of its own")

    # --- the work -----------------------------------------------------------------------------------------------------

    def run_now(self, caller: Caller, name: str) -> Operation:
        """Start to pull everything at once, whatever the schedule and the window say."""
        protection = self.protection(name)
        return self._around.operations.start(
            caller,
            _DESCRIPTION,
            lambda handle: self._pull_now(name, handle),
            resources=_resources(protection),
            may_cancel=True,
        )

    def _pull_now(self, name: str, handle: OperationHandle) -> None:
        """Pull everything; what the schedule failed to do is done then. What goes wrong is remembered as its runs'."""
        protection = self.protection(name)
        try:
            self.pull_all(protection, handle)
        except MigrationError as error:
            self._note_failed(protection, str(error))
            raise
        key, now = (name,), self._around.clock.now()
        with self._around.database.write() as connection:
            run = self._run_of(connection, protection)
            is_failing = bool(run.failures or run.error)
            if is_failing:
                run = run.succeeded(run.last_due_at or now, now)
            schedule_runs.save(connection, self.owners, key, replace(run, last_run_at=now, last_success_at=now))
        if is_failing:
            self._warnings.resolve(protection.target_project, self.warning_kind, protection_url(name))

    def _note_failed(self, protection: Protection, text: str) -> None:
        """Remember why a run that was asked for failed: shown until one succeeds, and no reason to try again sooner."""
        key, now = (protection.name,), self._around.clock.now()
        with self._around.database.write() as connection:
            run = self._run_of(connection, protection)
            schedule_runs.save(connection, self.owners, key, replace(run, last_run_at=now, error=text))

    def _run_of(self, connection: Connection, protection: Protection) -> ScheduleRun:
        """Return how its schedule stands; a run that was asked for may be the first of all."""
        found = schedule_runs.get(connection, self.owners, (protection.name,), DEFAULT_LABEL)
        return found or ScheduleRun(
            schedule=DEFAULT_LABEL, rule=protection.schedule, checked_until=protection.created_at
        )

    def pull_all(self, protection: Protection, handle: OperationHandle) -> None:
        """Pull each instance; what fails of one doesn't keep the others, and is raised at the end."""
        with self._around.locks.hold(f"protection:{protection.name}", waiting_ok=False, what="pull"):
            try:
                names = self._puller.names(protection)
            except ClientError as error:
                text = f"{protection.remote} can't be asked for its instances: {error}{_remedy(protection, error)}"
                self._note_unreachable(protection, text)
                raise MigrationError(text) from error
            self._note_missing(protection, names)
            if not names:
                raise MigrationError(
                    f'{protection.remote} has no instance "{protection.pattern}" in project "{protection.project}"'
                )
            names = self._in_charge(protection, names)
            with ThreadPoolExecutor(protection.parallel, thread_name_prefix="pull") as executor:
                told = executor.map(lambda name: self._try(protection, name, handle), names)
                failures = [each for each in told if each]
            handle.check()
        if failures:
            raise MigrationError(f"{len(failures)} of {len(names)} could not be pulled: {'; '.join(failures)}")

    def _try(self, protection: Protection, name: str, handle: OperationHandle) -> str:
        """Pull one and remember how that went; return what went wrong.

        Raises `UnavailableError` where the server stops: the run isn't over, and the next start finds it due.
        """
        if handle.is_cancelled():
            return ""
        began_at, began_s = self._around.clock.now(), time.monotonic()
        before = self._copy(protection, name)
        try:
            pulled = self._puller.pull(protection, name, handle)
            if not pulled.has_new_snapshots:
                self._leave_point(protection, name, began_at, handle)
        except UnavailableError:
            raise
        except (HoldfastError, ClientError) as error:
            if isinstance(error, CancelledOperationError) and handle.is_cancelled():
                return ""  # the run was cancelled, rather than this one transfer
            self._save(protection, replace(before, tried_at=began_at, error=str(error), is_missing=False))
            _log.warning("%s of protection %s could not be pulled: %s", name, protection.name, error)
            return f"{name}: {error}"
        except Exception as error:  # noqa: BLE001 - the border of a run: one that breaks doesn't keep the others
            _log.exception("Pulling %s of protection %s broke", name, protection.name)
            self._save(protection, replace(before, tried_at=began_at, error=f"Internal error: {error}"))
            return f"{name}: Internal error: {type(error).__name__}"
        done = ProtectedCopy(
            instance=name,
            tried_at=began_at,
            succeeded_at=began_at,
            received_bytes=pulled.received_bytes,
            duration_s=time.monotonic() - began_s,
        )
        self._save(protection, done)
        self._warnings.resolve(protection.target_project, COPY_LATE, instance_url(protection.target_project, name))
        return ""

    def _leave_point(self, protection: Protection, name: str, moment: datetime, handle: OperationHandle) -> None:
        """Take a snapshot of the copy, which the rule to keep counts."""
        caller = Caller(project=protection.target_project)
        schedule = Schedule(label=DEFAULT_LABEL, rule=protection.schedule, pattern=OWN_PATTERN)
        occasion = Occasion(schedule=schedule, due_at=moment, record=lambda _: None)
        with self._around.alone(protection.target_project, name, "snapshot") as copy:
            self._snapshots.take(caller, copy, "", None, handle, occasion=occasion)

    # --- how copies stand ---------------------------------------------------------------------------------------------

    def check_ages(self) -> None:
        """Raise a warning for each copy that is older than its schedule promises; resolve those of others."""
        now, zone = self._around.clock.now(), self._zone()
        with self._around.database.read() as connection:
            copies = protections_table.copies(connection)
            found = protections_table.list_all(connection)
        for protection in found:
            due_at = latest_due(protection.schedule, protection.name, protection.created_at, now, zone)
            for copy in copies.get(protection.name, ()):
                entity = instance_url(protection.target_project, copy.instance)
                if is_late(copy, due_at, now):
                    message = f'The newest good copy is of {_text(copy.succeeded_at)}; protection "{protection.name}"'
                    why = " is paused" if protection.is_paused else f": {copy.error}" if copy.error else ""
                    self._warnings.keep_up(protection.target_project, COPY_LATE, entity, message + why)
                else:
                    self._warnings.resolve(protection.target_project, COPY_LATE, entity)

    def _note_unreachable(self, protection: Protection, text: str) -> None:
        with self._around.database.read() as connection:
            known = protections_table.copies(connection).get(protection.name, [])
        for copy in known:
            self._save(protection, replace(copy, tried_at=self._around.clock.now(), error=text))

    def _note_missing(self, protection: Protection, names: Sequence[str]) -> None:
        with self._around.database.read() as connection:
            known = protections_table.copies(connection).get(protection.name, [])
        for copy in known:
            if copy.instance not in names and not copy.is_missing:
                self._save(protection, replace(copy, is_missing=True))

    def _in_charge(self, protection: Protection, names: Sequence[str]) -> list[str]:
        """Return what is pulled by this protection, and not by another of the same place; forget copies that are."""
        with self._around.database.write() as connection:
            others = [each for each in protections_table.list_all(connection) if each.name != protection.name]
            known = [protection, *(each for each in others if each.has_place_of(protection))]
            ours = [name for name in names if one_in_charge(known, name) is protection]
            for name in set(names) - set(ours):
                protections_table.forget_copy(connection, protection.name, name)
        return ours

    def _copy(self, protection: Protection, name: str) -> ProtectedCopy:
        with self._around.database.read() as connection:
            known = protections_table.copies(connection).get(protection.name, [])
        return next((each for each in known if each.instance == name), ProtectedCopy(instance=name))

    def _save(self, protection: Protection, copy: ProtectedCopy) -> None:
        with self._around.database.write() as connection:
            protections_table.save_copy(connection, protection.name, copy)
        verb = "missed" if copy.is_missing else "failed" if copy.error else "copied"
        source = protection_url(protection.name)
        self._around.events.lifecycle(None, None, f"protection-{verb}", source, instance=copy.instance)


def _subject(protection: Protection) -> Subject:
    return Subject(
        noun="protection",
        resource="protections",
        key=(protection.name,),
        project=protection.target_project,
        name=protection.name,
        url=protection_url(protection.name),
        config={"snapshots.schedule": protection.schedule},
        identity=protection.name,
    )


def protection_url(name: str) -> str:
    return url("protections", name)


def _resources(protection: Protection) -> dict[str, tuple[str, ...]]:
    return {"protections": (protection_url(protection.name),)}


def _text(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else "never"


def _remedy(protection: Protection, error: ClientError) -> str:
    """Tell what else is to be done when the other server has a new certificate: a protection has its own note of it."""
    if not isinstance(error, UnknownCertificateError):
        return ""
    name = protection.name
    return f", then this protection (`backup-server remove {name}`, `protect … --name {name}`): the copies stay"
