"""Tries of backups: a file is imported under a name of its own, started without network, looked at, and removed.

An intent stands for the whole of it, so that a crash at any point leaves no test behind: the next start removes it.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol

from holdfast.archive.export_index import ExportIndex
from holdfast.archive.reader import read_index
from holdfast.model.errors import BadRequestError, HoldfastError, InstanceNotFoundError, VolumeNotFoundError
from holdfast.model.instance import Instance
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import JsonValue, Operation
from holdfast.service.attached_import_plan import Attached
from holdfast.service.backup_test_plan import NAME_PREFIX, for_test, volume_for_test
from holdfast.service.caller import INTERNAL, Caller
from holdfast.service.crashpoints import reach
from holdfast.service.exec import ExecPlan, ExecService
from holdfast.service.import_base import check_way
from holdfast.service.imports import ImportService
from holdfast.service.instance_requests import ExecRequest
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.power import PowerService
from holdfast.service.resources import instance_resources, volume_resources
from holdfast.service.surroundings import Surroundings, key_of
from holdfast.service.volume_trial import VolumeTrial, without_command
from holdfast.streams.growing import ArrivingFile

INTENT_KIND: Final = "backup-test"
STEADY_S: Final = 3.0
"""How long an instance without a command to answer must run: an init that can't work ends at once."""
LONGEST_S: Final = 3600.0
_LOOK_EVERY_S: Final = 0.2
_OUTPUT_CAP_BYTES: Final = 64 * 1024
_CONSOLE_LINES: Final = 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class BackupTestRequest:
    """What is to be seen: that it runs for some seconds (`command` ""), or that a shell command succeeds in time."""

    pool: str | None = None
    command: str = ""
    timeout_s: float = 60.0


class Remover(Protocol):
    """What a test needs of deletion."""

    def remove(self, caller: Caller | None, instance: Instance) -> None: ...


class VolumeRemover(Protocol):
    def delete(self, caller: Caller, pool: str, name: str) -> None: ...


class BackupTestService:
    """Tries export files; thread-safe."""

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        imports: ImportService,
        power: PowerService,
        execs: ExecService,
        remover: Remover,
        volume_remover: VolumeRemover,
        volumes: VolumeTrial,
    ) -> None:
        self._around, self._imports, self._power = surroundings, imports, power
        self._execs, self._remover, self._volume_remover = execs, remover, volume_remover
        self._volumes = volumes

    def test(self, caller: Caller, upload: ArrivingFile, request: BackupTestRequest) -> Operation:
        """Start to test the file, which becomes ours. The operation fails if the instance doesn't come up.

        Its metadata tells under `backup_test` what was imported, how long it took to come up, what the command said.
        """
        try:
            if not 0 < request.timeout_s <= LONGEST_S:
                raise BadRequestError(f"The time limit of a test is more than 0 and at most {LONGEST_S:g} seconds")
            index = read_index(upload)
            if index.volume is not None:
                return self._test_volume(caller, upload, index, request)
            check_way(index, is_onto=False)
            name = f"{NAME_PREFIX}{secrets.token_hex(4)}"
            facts: dict[str, JsonValue] = {
                "type": index.type,
                "name": index.name,
                "snapshots": list(index.snapshots),
                "volumes": [f"{part.pool}/{part.name}" for part in index.attached],
                "tested_as": name,
            }
            planned = self._imports.plan_volumes(caller.project, index, request.pool, f"{name}-")
            volumes = [volume_for_test(each) for each in planned if each is not None]
            return self._around.operations.start(
                caller,
                "Testing backup",
                lambda handle: self._work(caller, upload, name, volumes, request, facts, handle),
                resources=instance_resources(caller.project, name),
                may_cancel=True,
                if_never_begun=upload.remove,
            )
        except BaseException:
            upload.remove()
            raise

    def _test_volume(
        self, caller: Caller, upload: ArrivingFile, index: ExportIndex, request: BackupTestRequest
    ) -> Operation:
        without_command(request.command)
        project, pool = self._volumes.place(caller, index, request.pool)
        name = f"{NAME_PREFIX}{secrets.token_hex(4)}"
        facts: dict[str, JsonValue] = {
            "type": index.type,
            "name": index.name,
            "snapshots": list(index.snapshots),
            "tested_as": name,
        }

        def work(handle: OperationHandle) -> None:
            handle.set_metadata(backup_test={**facts, "healthy": False})
            payload: dict[str, JsonValue] = {"project": project, "name": name, "volumes": [[project, pool, name]]}
            with self._intent(caller, upload, payload):
                reach("volume-test:intent")
                found = self._volumes.run(caller, upload, pool, name, handle)
                handle.set_metadata(backup_test={**facts, **found})

        return self._around.operations.start(
            caller,
            "Testing backup",
            work,
            resources=volume_resources(pool, project, name),
            may_cancel=True,
            if_never_begun=upload.remove,
        )

    def undo(self, intent: Intent) -> None:
        """Remove what a crash left of a test. Idempotent: recovery calls it."""
        self._remove(INTERNAL, intent)
        self._around.intents.close(intent)

    def _work(
        self,
        caller: Caller,
        upload: ArrivingFile,
        name: str,
        volumes: Sequence[Attached],
        request: BackupTestRequest,
        facts: dict[str, JsonValue],
        handle: OperationHandle,
    ) -> None:
        payload = {"project": caller.project, "name": name, **_payload_of(volumes)}
        with self._intent(caller, upload, payload):
            reach("backup-test:intent")
            adapt = partial(for_test, [each.place for each in volumes])
            self._imports.restore_now(caller, upload, name, request.pool, adapt, handle, volumes)
            handle.set_may_cancel(may_cancel=True)
            reach("backup-test:imported")
            trial = _Trial(self._around, self._power, self._execs, caller, name, handle, facts)
            with self._power.staying(self._around.instance(caller.project, name)):
                trial.run(request)

    @contextmanager
    def _intent(self, caller: Caller, upload: ArrivingFile, payload: dict[str, JsonValue]) -> Iterator[None]:
        """Stand for what is made meanwhile: it is removed at the end, or by the next start."""
        try:
            intent = self._around.intents.open(INTENT_KIND, payload)
        except BaseException:
            upload.remove()
            raise
        try:
            yield
        finally:
            try:
                self._remove(caller, intent)
                self._around.intents.close(intent)
            except HoldfastError:
                name = intent.text("name")
                _log.exception("The test %s of a backup could not be removed; the next start tries again", name)
                raise

    def _remove(self, caller: Caller, intent: Intent) -> None:
        self._remove_instance(caller, intent.text("project"), intent.text("name"))
        for project, pool, name in _volumes_of(intent):
            with suppress(VolumeNotFoundError):
                self._volume_remover.delete(replace(caller, project=project), pool, name)

    def _remove_instance(self, caller: Caller, project: str, name: str) -> None:
        try:
            instance = self._around.instance(project, name)
        except InstanceNotFoundError:
            return
        with self._power.staying(instance):
            if self._around.status(instance) is not StatusCode.STOPPED:
                self._around.runtime.kill(key_of(instance))
            with self._around.alone(project, name, "delete") as current:
                self._remover.remove(caller, current)


def _payload_of(volumes: Sequence[Attached]) -> dict[str, JsonValue]:
    """Return what an intent says of the volumes, which are named after the test."""
    made = [each.new.volume for each in volumes]
    return {"volumes": [[volume.project, volume.pool, volume.name] for volume in made]}


def _volumes_of(intent: Intent) -> list[list[str]]:
    """Undo `_payload_of`."""
    listed = intent.payload.get("volumes", [])
    assert isinstance(listed, list)
    return [[str(word) for word in each] for each in listed if isinstance(each, list)]


class _Trial:
    """One instance on trial."""

    def __init__(
        self,
        surroundings: Surroundings,
        power: PowerService,
        execs: ExecService,
        caller: Caller,
        name: str,
        handle: OperationHandle,
        facts: dict[str, JsonValue],
    ) -> None:
        self._around, self._power, self._execs = surroundings, power, execs
        self._caller, self._name, self._handle, self._facts = caller, name, handle, facts
        self._woken = threading.Event()
        handle.on_cancel(self._woken.set)

    def run(self, request: BackupTestRequest) -> None:
        """Start it and look; raise what is wrong with it."""
        clock = self._around.clock
        begin = clock.monotonic()
        self._tell(healthy=False)
        self._handle.progress("test_progress", "Starting")
        try:
            with self._around.alone(self._caller.project, self._name, "backup test") as instance:
                self._power.start_now(self._caller, instance)
            reach("backup-test:started")
            if request.command:
                self._wait_for_success(request, begin)
            else:
                self._watch(begin + STEADY_S, begin)
        except HoldfastError:
            self._tell(console=self._console())
            raise
        self._tell(healthy=True)

    def _watch(self, until: float, begin: float) -> None:
        self._tell(boot_seconds=round(self._around.clock.monotonic() - begin, 3))
        while (left := until - self._around.clock.monotonic()) > 0:
            self._check_alive()
            self._pause(left)
        self._check_alive()

    def _wait_for_success(self, request: BackupTestRequest, begin: float) -> None:
        deadline = begin + request.timeout_s
        code = None
        while self._around.clock.monotonic() < deadline:
            self._check_alive()
            if (latest := self._try(request.command, deadline, is_first=code is None)) is None:
                break
            code = latest
            if code == 0:
                self._tell(boot_seconds=round(self._around.clock.monotonic() - begin, 3))
                return
            self._pause(_LOOK_EVERY_S)
        seen = "did not end" if code is None else f"ended with exit code {code}"
        raise BadRequestError(f"The instance started, but within {request.timeout_s:g} s the command {seen}")

    def _try(self, command: str, deadline: float, *, is_first: bool) -> int | None:
        """Run the command once; return its exit code, None when time is up: then an earlier run tells more."""
        plan = self._execs.prepare(self._caller, self._name, ExecRequest(command=("/bin/sh", "-c", command)))
        running = _Command(self._execs, plan)
        code = None
        try:
            while (code := running.code) is None and self._around.clock.monotonic() < deadline:
                self._check_alive()
                running.ended.wait(_LOOK_EVERY_S)
        finally:
            running.end()
            if code is not None or is_first:
                self._tell(output=running.output(), exit_code=code)
        return code

    def _check_alive(self) -> None:
        self._handle.check()
        if self._around.status(self._around.instance(self._caller.project, self._name)) is StatusCode.STOPPED:
            raise BadRequestError("The instance does not stay up: its init has ended")

    def _pause(self, longest_s: float) -> None:
        self._woken.wait(min(_LOOK_EVERY_S, longest_s))

    def _tell(self, **facts: JsonValue) -> None:
        self._facts.update(facts)
        self._handle.set_metadata(backup_test=dict(self._facts))

    def _console(self) -> str:
        try:
            key = key_of(self._around.instance(self._caller.project, self._name))
            lines = self._around.runtime.console_log(key).decode(errors="replace").splitlines()
        except HoldfastError:
            return ""
        return "\n".join(lines[-_CONSOLE_LINES:])


class _Command:
    """A command in the instance; its output is drained, and the end of it kept."""

    def __init__(self, execs: ExecService, plan: ExecPlan) -> None:
        self.code: int | None = None
        self.ended = threading.Event()
        self._tail = b""
        reading, writing = os.pipe2(os.O_CLOEXEC)
        null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._process = execs.spawn(plan, null, writing, writing, is_terminal=False)
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
            os.close(null)
        self._reader = threading.Thread(target=self._read, args=(reading,), name="output of a test", daemon=True)
        self._waiter = threading.Thread(target=self._wait, name="end of a test's command", daemon=True)
        self._reader.start()
        self._waiter.start()

    def end(self) -> None:
        """Kill it if it still runs."""
        if self.code is None:
            self._process.signal(signal.SIGKILL)

    def output(self) -> str:
        """Return what it said. What it left running may hold the pipe: nobody waits for that."""
        self._reader.join(1.0 if self.code is not None else 0.1)
        return self._tail.decode(errors="replace")

    def _wait(self) -> None:
        self.code = self._process.wait()
        self.ended.set()

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, "rb", 0) as source:
            while data := source.read(16384):
                self._tail = (self._tail + data)[-_OUTPUT_CAP_BYTES:]
