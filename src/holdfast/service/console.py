"""The console of a running instance, and what it has shown."""

from __future__ import annotations

from holdfast.model.errors import BadRequestError
from holdfast.model.kinds import StatusCode
from holdfast.service.caller import Caller
from holdfast.service.surroundings import Surroundings, key_of


class ConsoleService:
    """Attaches to consoles."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def attach(self, caller: Caller, name: str) -> int:
        """Return the descriptor of a terminal joined to the console; the caller closes it."""
        instance = self._around.instance(caller.project, name)
        status = self._around.status(instance)
        if status is not StatusCode.RUNNING:
            raise BadRequestError("Instance is frozen" if status is StatusCode.FROZEN else "Instance is not running")
        terminal = self._around.runtime.console(key_of(instance))
        self._around.tell(caller, instance, "console", type="console")
        return terminal

    def log(self, caller: Caller, name: str) -> bytes:
        """Return what the console has shown, also after the stop."""
        instance = self._around.instance(caller.project, name)
        log = self._around.runtime.console_log(key_of(instance))
        self._around.tell(caller, instance, "console-retrieved")
        return log

    def clear(self, caller: Caller, name: str) -> None:
        instance = self._around.instance(caller.project, name)
        self._around.runtime.clear_console_log(key_of(instance))
        self._around.tell(caller, instance, "console-reset")
