"""Protections: set up, looked at, paused, removed. What they do is in `protection_runs.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import TypeVar

from holdfast.client.errors import ApiError, ClientError
from holdfast.db import protections as protections_table
from holdfast.db import schedule_runs
from holdfast.model.due import latest_due, next_due
from holdfast.model.errors import BadRequestError, ConflictError, ProtectionNotFoundError
from holdfast.model.expand import root_device
from holdfast.model.operation import Operation
from holdfast.model.protection import ProtectedCopy, Protection, check_protection, default_name, is_late
from holdfast.model.schedule_run import ScheduleRun
from holdfast.model.warning import COPY_LATE, PROTECTION_FAILED
from holdfast.service.caller import Caller
from holdfast.service.protection_pull import Puller
from holdfast.service.protection_runs import ProtectionRuns, protection_url
from holdfast.service.resources import instance_url
from holdfast.service.scheduled import Warnings
from holdfast.service.surroundings import Surroundings

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyView:
    """A copy, and whether it is older than it should be."""

    copy: ProtectedCopy
    is_late: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ProtectionView:
    """A protection, how its copies stand, its last run and the moment of the next."""

    protection: Protection
    copies: Sequence[CopyView]
    run: ScheduleRun | None
    next_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProtectionChange:
    """What is to change; None leaves it as it is."""

    schedule: str | None = None
    keep: str | None = None
    window: str | None = None
    bytes_per_s: int | None = None
    """0 takes the limit away."""
    parallel: int | None = None
    is_paused: bool | None = None


class ProtectionService:
    """Keeps protections; thread-safe."""

    def __init__(
        self,
        surroundings: Surroundings,
        runs: ProtectionRuns,
        puller: Puller,
        *,
        zone: Callable[[], tzinfo],
        warnings: Warnings,
    ) -> None:
        self._around, self._runs, self._puller = surroundings, runs, puller
        self._zone, self._warnings = zone, warnings

    def list(self) -> list[ProtectionView]:
        with self._around.database.read() as connection:
            found = protections_table.list_all(connection)
            copies = protections_table.copies(connection)
            runs = schedule_runs.list_all(connection, schedule_runs.PROTECTIONS)
        return [self._view(each, copies.get(each.name, ()), runs.get((each.name,), ())) for each in found]

    def get(self, name: str) -> ProtectionView:
        self._runs.protection(name)
        return next(each for each in self.list() if each.protection.name == name)

    def check(self, wanted: Protection) -> Protection:
        """Raise for what keeps it from being set up here, whatever the other server says; return it with all names."""
        protection = replace(
            wanted,
            name=wanted.name or default_name(wanted.remote, wanted.project, wanted.pattern),
            pool=wanted.pool or self._default_pool(wanted.target_project),
            created_at=self._around.clock.now(),
        )
        check_protection(protection)
        self._around.pools.driver(protection.pool)
        self._check_name(protection.name)
        return protection

    def create(self, caller: Caller, wanted: Protection) -> Protection:
        """Set it up: what it names must be there, and the other server must let us see its instances."""
        protection = self.check(wanted)
        try:
            self._puller.names(protection)
        except ApiError as error:
            raise BadRequestError(
                f"{protection.remote} doesn't let this server see its instances ({error}): let it trust this server's "
                "certificate, as `holdfast backup-server protect` does"
            ) from error
        except ClientError as error:
            raise BadRequestError(f"{protection.remote} can't be asked for its instances: {error}") from error
        with self._around.database.write() as connection:
            protections_table.insert(connection, protection)
        self._tell(caller, protection.name, "created")
        return protection

    def _check_name(self, name: str) -> None:
        with self._around.database.read() as connection:
            if protections_table.get(connection, name) is not None:
                raise ConflictError(
                    f'This "protections" entry already exists: "{name}". `holdfast backup-server change {name}` '
                    "changes it, --name gives the new one a name of its own"
                )

    def change(self, caller: Caller, name: str, change: ProtectionChange) -> None:
        with self._around.database.write() as connection:  # all of it: another change at this time is kept, too
            before = protections_table.get(connection, name)
            if before is None:
                raise ProtectionNotFoundError(name)
            after = _changed(before, change)
            check_protection(after)
            protections_table.update(connection, after)
        self._tell(caller, name, "updated")

    def check_ages(self) -> None:
        """Raise a warning for each copy that is older than its schedule promises."""
        self._runs.check_ages()

    def run_now(self, caller: Caller, name: str) -> Operation:
        return self._runs.run_now(caller, name)

    def remove(self, caller: Caller, name: str) -> None:
        """Forget it; the copies stay, as instances of their own."""
        view = self.get(name)
        with (
            self._around.locks.hold(f"protection:{name}", what="removal"),
            self._around.database.write() as connection,
        ):
            protections_table.delete(connection, name)
        self._tell(caller, name, "deleted")
        project = view.protection.target_project
        self._warnings.resolve(project, PROTECTION_FAILED, protection_url(name))
        for each in view.copies:
            self._warnings.resolve(project, COPY_LATE, instance_url(project, each.copy.instance))

    def _tell(self, caller: Caller, name: str, verb: str) -> None:
        """Publish what became of one; no project's clients see protections."""
        self._around.events.lifecycle(caller, None, f"protection-{verb}", protection_url(name))

    def _default_pool(self, project: str) -> str:
        profile = self._around.profiles.get(project, "default")
        found = root_device(profile.devices)
        if found is None or not found[1].get("pool"):
            raise BadRequestError("The default profile names no pool: say with --pool where copies are to be kept")
        return found[1]["pool"]

    def _view(
        self, protection: Protection, copies: Sequence[ProtectedCopy], runs: Sequence[ScheduleRun]
    ) -> ProtectionView:
        now, zone = self._around.clock.now(), self._zone()
        due_at = latest_due(protection.schedule, protection.name, protection.created_at, now, zone)
        run = runs[0] if runs else None
        retry_at = run.retry_at() if run is not None else None
        next_at = None if protection.is_paused else next_due(protection.schedule, protection.name, now, zone)
        if next_at is not None and retry_at is not None:
            next_at = min(next_at, retry_at)
        return ProtectionView(
            protection=protection,
            copies=[CopyView(copy=each, is_late=is_late(each, due_at, now)) for each in copies],
            run=run,
            next_at=next_at,
        )


def _or(given: _T | None, before: _T) -> _T:
    return before if given is None else given


def _changed(before: Protection, change: ProtectionChange) -> Protection:
    return replace(
        before,
        schedule=_or(change.schedule, before.schedule),
        keep=_or(change.keep, before.keep),
        window=_or(change.window, before.window),
        parallel=_or(change.parallel, before.parallel),
        is_paused=_or(change.is_paused, before.is_paused),
        bytes_per_s=before.bytes_per_s if change.bytes_per_s is None else change.bytes_per_s or None,
    )
