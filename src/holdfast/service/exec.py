"""Commands inside running instances: what they get as environment, how they are run, where recorded output goes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.model.errors import BadRequestError
from holdfast.model.kinds import OperationClass, StatusCode
from holdfast.model.operation import JsonValue, Operation
from holdfast.runtime.base import ExecProcess, ExecSpec
from holdfast.service.caller import Caller
from holdfast.service.instance_requests import ExecRequest
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.resources import instance_resources, url
from holdfast.service.surroundings import Surroundings, key_of

__all__ = ["ExecPlan", "ExecProcess", "ExecService"]

_LAST_ID: Final = 2**32 - 2
"""The kernel takes the number after it for "no change": such a command would run as root."""
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecPlan:
    """A command that can be run: the environment is complete."""

    project: str
    instance: str
    key: str
    spec: ExecSpec
    record_output: bool

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.spec.environment)


class ExecService:
    """Runs commands."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def prepare(self, caller: Caller, name: str, request: ExecRequest) -> ExecPlan:
        """Check what was asked for; the instance must run."""
        check_ids(request)
        instance = self._around.instance(caller.project, name)
        status = self._around.status(instance)
        if status is StatusCode.STOPPED:
            raise BadRequestError("Instance is not running")
        if status is StatusCode.FROZEN:
            raise BadRequestError("Instance is frozen")
        if not request.command or not request.command[0]:
            raise BadRequestError("No command to run")
        if request.record_output and request.is_interactive:
            raise BadRequestError("Output of an interactive command can't be recorded")
        config = self._around.expanded(instance).config
        spec = ExecSpec(
            command=request.command,
            environment=environment(config, request),
            user=request.user,
            group=request.group,
            cwd=request.cwd or ("/root" if request.user == 0 else "/"),
        )
        self._around.tell(caller, instance, "exec", command=list(request.command))
        return ExecPlan(
            project=instance.project,
            instance=name,
            key=key_of(instance),
            spec=spec,
            record_output=request.record_output,
        )

    def open_terminal(self, plan: ExecPlan) -> tuple[int, int]:
        """Return master and slave of a terminal for the command; the caller closes both."""
        return self._around.runtime.open_terminal(plan.key, plan.spec.user, plan.spec.group)

    def spawn(self, plan: ExecPlan, stdin: int, stdout: int, stderr: int, *, is_terminal: bool) -> ExecProcess:
        """Run the command on these descriptors, which stay the caller's."""
        return self._around.runtime.exec(plan.key, plan.spec, stdin, stdout, stderr, is_terminal=is_terminal)

    def run(self, caller: Caller, plan: ExecPlan) -> Operation:
        """Run the command without anyone connected; its output is thrown away, or recorded if that was asked for."""

        def work(handle: OperationHandle) -> None:
            with _null() as stdin, self._outputs(plan, handle) as (stdout, stderr):
                code = self.spawn(plan, stdin, stdout, stderr, is_terminal=False).wait()
            handle.set_metadata(**{"return": code}, **self._output_urls(plan, handle))

        metadata: dict[str, JsonValue] = {
            "command": list(plan.spec.command),
            "environment": {**plan.spec.environment},
            "interactive": False,
        }
        return self._around.operations.start(
            caller,
            "Executing command",
            work,
            resources=instance_resources(plan.project, plan.instance),
            operation_class=OperationClass.TASK,
            metadata=metadata,
        )

    @contextmanager
    def _outputs(self, plan: ExecPlan, handle: OperationHandle) -> Iterator[tuple[int, int]]:
        if not plan.record_output:
            with _null() as null:
                yield null, null
            return
        folder = self._around.paths.instance_logs(plan.project, plan.instance)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _new(folder / _log_name(handle, "stdout")) as stdout, _new(folder / _log_name(handle, "stderr")) as stderr:
            yield stdout, stderr

    @staticmethod
    def _output_urls(plan: ExecPlan, handle: OperationHandle) -> dict[str, JsonValue]:
        if not plan.record_output:
            return {}
        names = {"1": _log_name(handle, "stdout"), "2": _log_name(handle, "stderr")}
        urls: dict[str, JsonValue] = {
            number: url("instances", plan.instance, "logs", name, project=plan.project)
            for number, name in names.items()
        }
        return {"output": urls}


def check_ids(request: ExecRequest) -> None:
    """Refuse numbers that are no ids."""
    for field, number in (("user", request.user), ("group", request.group)):
        if not 0 <= number <= _LAST_ID:
            raise BadRequestError(f"Invalid {field} {number}: it must be a number from 0 to {_LAST_ID}")


def environment(config: dict[str, str], request: ExecRequest) -> dict[str, str]:
    """Return the complete environment: defaults, then the instance's `environment.*`, then the request's."""
    defaults = {"PATH": _PATH, "LANG": "C.UTF-8"}
    if request.user == 0:
        defaults.update(HOME="/root", USER="root")
    if request.is_interactive:
        defaults["TERM"] = "xterm"
    prefix = "environment."
    configured = {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}
    complete = {**defaults, **configured, **request.environment}
    for name, value in complete.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise BadRequestError(f'Invalid environment variable "{name}"')
    return complete


def _log_name(handle: OperationHandle, stream: str) -> str:
    return f"exec_{handle.id}.{stream}"


@contextmanager
def _null() -> Iterator[int]:
    descriptor = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _new(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
