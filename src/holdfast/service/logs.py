"""Log files of instances: the runtime's, and recorded output of commands. Names from outside are checked first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from holdfast.model.errors import BadRequestError, NotFoundError
from holdfast.service.caller import Caller
from holdfast.service.surroundings import Surroundings

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,120}")
_RECORDED: Final = re.compile(r"exec_[0-9a-f-]{36}\.std(?:out|err)")


class LogService:
    """Lists, hands out and removes log files."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def list(self, project: str, name: str) -> Sequence[str]:
        folder = self._folder(project, name)
        if not folder.is_dir():
            return []
        return sorted(path.name for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file())

    def read(self, project: str, name: str, file: str) -> Path:
        """Return the path of a log file that is there."""
        path = self._folder(project, name) / _checked(file)
        if path.is_symlink() or not path.is_file():
            raise NotFoundError("Not Found")
        return path

    def delete(self, caller: Caller, name: str, file: str) -> None:
        """Remove recorded output; other logs belong to the instance's life."""
        path = self.read(caller.project, name, file)
        if not _RECORDED.fullmatch(file):
            raise BadRequestError("Only log files excluding qemu.log and lxc.log may be deleted")
        path.unlink(missing_ok=True)
        self._around.tell(caller, self._around.instance(caller.project, name), "log-deleted", file=file)

    def _folder(self, project: str, name: str) -> Path:
        instance = self._around.instance(project, name)
        return self._around.paths.instance_logs(instance.project, instance.name)


def _checked(file: str) -> str:
    if not _NAME.fullmatch(file) or ".." in file:
        raise BadRequestError(f"Log file name {file} not valid")
    return file
