"""File access: of a running container through a helper process inside it, of a stopped one below its root directory.

server -> helper   a memory file with {"verb", "path", "change", ...}; descriptor 0 is the content to write
helper -> server   the same file with {"facts"} or {"errno"} or {"wrong_kind"}; a socket for the descriptor of `read`
"""

from __future__ import annotations

import errno
import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from holdfast.host.helper import start_helper
from holdfast.model.errors import (
    BadRequestError,
    ConflictError,
    HoldfastError,
    InternalError,
    NotAuthorizedError,
    NotFoundError,
)
from holdfast.runtime.base import FileAccess, FileInfo, FileWrite
from holdfast.runtime.lxc.rooted import Change, Facts, RootedFiles, WrongKindError


class StoppedFiles(FileAccess):
    """Files of a stopped container or a snapshot. Each verb opens the root anew: nothing keeps the volume busy."""

    def __init__(self, rootfs: Path, id_base: int) -> None:
        self._rootfs = rootfs
        self._id_base = id_base

    def stat(self, path: str) -> FileInfo:
        with self._tree(path) as tree:
            return _info(tree.stat(path))

    def list(self, path: str, most: int) -> dict[str, FileInfo]:
        with self._tree(path) as tree:
            return {name: _info(facts) for name, facts in tree.list(path, most).items()}

    def read(self, path: str) -> tuple[FileInfo, int]:
        with self._tree(path) as tree:
            facts, descriptor = tree.read(path)
            return _info(facts), descriptor

    def write(self, request: FileWrite, source: int | None) -> None:
        with self._tree(request.path) as tree:
            tree.write(_change(request), source)

    def delete(self, path: str) -> None:
        with self._tree(path) as tree:
            tree.delete(path)

    def folder(self, path: str) -> Path:
        """Return where a directory is on the host; it stays there only as long as nobody writes to the tree."""
        with self._tree(path) as tree:
            return Path(tree.folder(path))

    @contextmanager
    def _tree(self, path: str) -> Iterator[RootedFiles]:
        try:
            tree = RootedFiles(os.open(self._rootfs, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW), self._id_base)
            try:
                yield tree
            finally:
                tree.close()
        except WrongKindError as error:
            raise BadRequestError(str(error)) from error
        except OSError as error:
            raise _translated(error.errno or errno.EIO, path) from error


class RunningFiles(FileAccess):
    """Files of a running container, with the rights of its root and with its own mounts."""

    def __init__(self, pidfd: int, *, is_privileged: bool) -> None:
        """Take ownership of the pidfd of the container's first process."""
        self._pidfd = pidfd
        self._is_privileged = is_privileged

    def __del__(self) -> None:
        os.close(self._pidfd)

    def stat(self, path: str) -> FileInfo:
        return _info(_facts(self._perform("stat", path)[0]))

    def list(self, path: str, most: int) -> dict[str, FileInfo]:
        found = self._perform("list", path, most=most)[0]["facts"]
        if not isinstance(found, dict):
            raise InternalError("File access failed: an incomplete answer came out of the instance")
        return {name: _info(_facts({"facts": facts})) for name, facts in found.items()}

    def read(self, path: str) -> tuple[FileInfo, int]:
        answer, descriptor = self._perform("read", path)
        if descriptor is None:
            raise InternalError(f"Reading {path} failed: no descriptor came out of the instance")
        return _info(_facts(answer)), descriptor

    def write(self, request: FileWrite, source: int | None) -> None:
        self._perform("write", request.path, change=request, source=source)

    def delete(self, path: str) -> None:
        self._perform("delete", path)

    def _perform(
        self, verb: str, path: str, *, change: FileWrite | None = None, source: int | None = None, most: int = 0
    ) -> tuple[dict[str, object], int | None]:
        request = {
            "verb": verb,
            "path": path,
            "is_privileged": self._is_privileged,
            "change": asdict(_change(change)) if change is not None else None,
            "has_source": source is not None,
            "most": most,
        }
        talk_fd = os.memfd_create("files", os.MFD_CLOEXEC)
        ours, theirs = socket.socketpair()
        with ours, open(talk_fd, "r+b") as talk:
            with theirs:
                talk.write(json.dumps(request).encode())
                talk.flush()
                helper = start_helper(
                    "holdfast.runtime.lxc.files_child",
                    (str(talk_fd), str(theirs.fileno()), str(self._pidfd)),
                    stdin=source if source is not None else subprocess.DEVNULL,
                    pass_fds=(talk_fd, theirs.fileno(), self._pidfd),
                )
            descriptors = socket.recv_fds(ours, 1, 1)[1]
            code = helper.wait()
            answer = _answer(talk_fd, code)
        if "facts" not in answer:
            for descriptor in descriptors:
                os.close(descriptor)
            raise _failure(answer, path)
        return answer, descriptors[0] if descriptors else None


def _answer(talk_fd: int, code: int) -> dict[str, object]:
    if code != 0:
        return {"errno": errno.EIO}
    answer = json.loads(os.pread(talk_fd, os.fstat(talk_fd).st_size, 0))
    return answer if isinstance(answer, dict) else {"errno": errno.EIO}


def _failure(answer: dict[str, object], path: str) -> HoldfastError:
    if "wrong_kind" in answer:
        return BadRequestError(str(answer["wrong_kind"]))
    number = answer.get("errno")
    return _translated(number if isinstance(number, int) else errno.EIO, path)


def _translated(number: int, path: str) -> HoldfastError:
    """Return the error for an errno, LXD's text for the common one."""
    if number in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESRCH):
        return NotFoundError("Not Found")
    text = f"{path}: {os.strerror(number)}"
    if number in (errno.EACCES, errno.EPERM):
        return NotAuthorizedError(text)
    if number == errno.EEXIST:
        return ConflictError(text)
    if number in (errno.ENOTEMPTY, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EROFS, errno.ENXIO):
        return BadRequestError(text)
    return InternalError(text)


def _facts(answer: dict[str, object]) -> Facts:
    facts = answer["facts"]
    if not isinstance(facts, dict):
        raise InternalError("File access failed: an incomplete answer came out of the instance")
    return Facts(**{**facts, "entries": tuple(facts["entries"])})


def _info(facts: Facts) -> FileInfo:
    return FileInfo(**asdict(facts))


def _change(request: FileWrite) -> Change:
    return Change(**asdict(request))
