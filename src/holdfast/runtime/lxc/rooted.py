"""Files below one root directory, which no link, `..` or device node leads out of.

Paths are resolved by the kernel with `RESOLVE_IN_ROOT` (absolute links start at the root again) and no magic links.
Nothing is opened for content before it is known to be a regular file, so that a device node or FIFO is never touched.
Standard library only: it also runs in the helper process inside a container.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_SYS_OPENAT2: Final = 437
_RESOLVE_NO_MAGICLINKS: Final = 0x02
_RESOLVE_IN_ROOT: Final = 0x10
_MOST_TRIES: Final = 1000
"""Of one look-up. The kernel gives it up with EAGAIN where it passes `..` while anything on the host is renamed or
mounted, as it can't tell then that the path stays inside (openat2(2)); hardly any two in a row meet that."""
_COPY_BYTES: Final = 1 << 20
_LARGEST_ID: Final = 2**32 - 2
_NEW_FILE_MODE: Final = 0o644
_NEW_DIRECTORY_MODE: Final = 0o755
_KINDS: Final = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """One file; ids as seen inside."""

    kind: str
    uid: int
    gid: int
    mode: int
    size: int
    modified_ns: int
    target: str = ""
    entries: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What to write; None keeps what is there."""

    path: str
    kind: str
    uid: int | None
    gid: int | None
    mode: int | None
    is_append: bool
    target: str


class WrongKindError(Exception):
    """The path names something that the verb doesn't fit."""


class RootedFiles:
    """Verbs on the tree below `root_fd`. Ids on disk are those seen inside plus `id_base`. Raises OSError."""

    def __init__(self, root_fd: int, id_base: int = 0, descriptors_fd: int | None = None) -> None:
        """Take ownership of `root_fd`; `descriptors_fd` is an open `/proc/self/fd` of a /proc that can be trusted."""
        self._root_fd = root_fd
        self._id_base = id_base
        self._descriptors_fd = os.open("/proc/self/fd", os.O_PATH) if descriptors_fd is None else descriptors_fd

    def close(self) -> None:
        os.close(self._root_fd)
        os.close(self._descriptors_fd)

    def stat(self, path: str, *, follow: bool = False) -> Facts:
        """Return facts; a last symlink is followed only when asked to, and then inside the root."""
        descriptor = self._open(path, os.O_PATH | (0 if follow else os.O_NOFOLLOW))
        try:
            return self._facts(descriptor)
        finally:
            os.close(descriptor)

    def list(self, path: str, most: int) -> dict[str, Facts]:
        """Return the entries of a directory with their facts, by name; `WrongKindError` for more than `most`."""
        handle = self._open(path, os.O_PATH)
        try:
            if not stat.S_ISDIR(os.fstat(handle).st_mode):
                raise WrongKindError(f"{path} is not a directory")
            names = self._entries(handle)
            if len(names) > most:
                raise WrongKindError(f"{path} has {len(names)} entries, more than the {most} that can be shown at once")
            return {name: facts for name in names if (facts := self._facts_in(handle, name)) is not None}
        finally:
            os.close(handle)

    def _facts_in(self, directory: int, name: str) -> Facts | None:
        """Return the facts of an entry without those in it, None for one that has gone meanwhile."""
        try:
            found = os.stat(name, dir_fd=directory, follow_symlinks=False)
            target = os.readlink(name, dir_fd=directory) if stat.S_ISLNK(found.st_mode) else ""
        except OSError:
            return None
        return self._described(found, target)

    def read(self, path: str) -> tuple[Facts, int]:
        """Return facts and a descriptor for reading of a regular file; a last symlink is followed inside the root."""
        handle = self._open(path, os.O_PATH)
        try:
            facts = self._facts(handle)
            if facts.kind != "file":
                raise WrongKindError(f"{path} is not a regular file")
            return facts, self._reopen(handle, os.O_RDONLY)
        finally:
            os.close(handle)

    def write(self, change: Change, source: int | None) -> None:
        """Create or replace a file, directory or symlink."""
        try:
            self._write(change, source)
        except NotADirectoryError as error:
            raise WrongKindError(f"{change.path}: a part of the path is not a directory") from error

    def _write(self, change: Change, source: int | None) -> None:
        if change.kind == "directory":
            self._write_directory(change)
        elif change.kind == "symlink":
            self._write_symlink(change)
        elif change.kind == "file":
            self._write_file(change, source)
        else:
            raise WrongKindError(f'There is no file type "{change.kind}"')

    def delete(self, path: str) -> None:
        """Remove a file, a symlink or an empty directory."""
        parent, name = self._open_parent(path)
        try:
            if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                os.rmdir(name, dir_fd=parent)
            else:
                os.unlink(name, dir_fd=parent)
        finally:
            os.close(parent)

    def open_path(self, path: str) -> int:
        """Return a descriptor that stands for the place and gives no access to content."""
        return self._open(path, os.O_PATH)

    def real_path(self, handle: int) -> str:
        """Return where an open descriptor's file is, links resolved."""
        return os.readlink(str(handle), dir_fd=self._descriptors_fd)

    def folder(self, path: str) -> str:
        """Return where a directory is, links resolved inside the root."""
        handle = self._open(path, os.O_PATH)
        try:
            if not stat.S_ISDIR(os.fstat(handle).st_mode):
                raise WrongKindError(f"{path} is not a directory")
            return self.real_path(handle)
        finally:
            os.close(handle)

    def open_device(self, path: str, is_right: Callable[[int], bool]) -> int:
        """Open a device for reading and writing once its `O_PATH` descriptor was found to be the right one."""
        handle = self._open(path, os.O_PATH)
        try:
            if not is_right(handle):
                raise OSError(errno.ENXIO, os.strerror(errno.ENXIO), path)
            descriptor = self._reopen(handle, os.O_RDWR)
            os.set_blocking(descriptor, True)
            return descriptor
        finally:
            os.close(handle)

    def _write_file(self, change: Change, source: int | None) -> None:
        is_new = False
        try:
            handle = self._open(change.path, os.O_PATH)
        except FileNotFoundError:
            handle = self._create_file(change.path)
            is_new = True
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise WrongKindError(f"{change.path} is not a regular file")
            flags = os.O_APPEND if change.is_append else os.O_TRUNC
            descriptor = self._reopen(handle, os.O_WRONLY | flags)
        finally:
            os.close(handle)
        try:
            if source is not None:
                _copy(source, descriptor)
            self._own(descriptor, change, is_new=is_new)
        except BaseException:
            if is_new:
                self._unlink_if_it_is(change.path, descriptor)
            raise
        finally:
            os.close(descriptor)

    def _unlink_if_it_is(self, path: str, descriptor: int) -> None:
        """Remove a file that got no content, unless the path means another by now (or led through a link to it)."""
        with contextlib.suppress(OSError, WrongKindError):
            parent, name = self._open_parent(path)
            try:
                found = os.stat(name, dir_fd=parent, follow_symlinks=False)
                if os.path.samestat(found, os.fstat(descriptor)):
                    os.unlink(name, dir_fd=parent)
            finally:
                os.close(parent)

    def _create_file(self, path: str) -> int:
        """Make an empty file, also where a link inside points to nothing yet; return a descriptor of it."""
        flags = os.O_CREAT | os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY
        return self._open(path, flags, _NEW_FILE_MODE)

    def _write_directory(self, change: Change) -> None:
        parent, name = self._open_parent(change.path)
        is_new = True
        try:
            try:
                os.mkdir(name, _NEW_DIRECTORY_MODE, dir_fd=parent)
            except FileExistsError:
                is_new = False
        finally:
            os.close(parent)
        try:
            descriptor = self._open(change.path, os.O_RDONLY | os.O_DIRECTORY)
        except (NotADirectoryError, FileNotFoundError) as error:  # or a link that leads nowhere
            raise WrongKindError(f"{change.path} is there already, and is no directory") from error
        try:
            self._own(descriptor, change, is_new=is_new)
        finally:
            os.close(descriptor)

    def _write_symlink(self, change: Change) -> None:
        if "\0" in change.target:
            raise WrongKindError("The target of a symlink can't hold a zero byte")
        parent, name = self._open_parent(change.path)
        try:
            with contextlib.suppress(FileNotFoundError):
                if not stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
                os.unlink(name, dir_fd=parent)
            os.symlink(change.target, name, dir_fd=parent)
            uid, gid = self._id_base + (change.uid or 0), self._id_base + (change.gid or 0)
            os.chown(name, uid, gid, dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(parent)

    def _own(self, descriptor: int, change: Change, *, is_new: bool) -> None:
        """Set owner, then mode (a change of owner clears the setuid bit)."""
        uid = change.uid if change.uid is not None else (0 if is_new else None)
        gid = change.gid if change.gid is not None else (0 if is_new else None)
        if uid is not None or gid is not None:
            mode_before = stat.S_IMODE(os.fstat(descriptor).st_mode)
            outside = [-1 if number is None else self._id_base + number for number in (uid, gid)]
            if max(outside) > _LARGEST_ID:
                raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), change.path)
            os.fchown(descriptor, outside[0], outside[1])
            os.fchmod(descriptor, mode_before)
        default = _NEW_DIRECTORY_MODE if change.kind == "directory" else _NEW_FILE_MODE
        mode = change.mode if change.mode is not None else (default if is_new else None)
        if mode is not None:
            os.fchmod(descriptor, stat.S_IMODE(mode))

    def _facts(self, handle: int) -> Facts:
        found = os.fstat(handle)
        target = os.readlink("", dir_fd=handle) if stat.S_ISLNK(found.st_mode) else ""
        entries = self._entries(handle) if stat.S_ISDIR(found.st_mode) else ()
        return self._described(found, target, entries)

    def _described(self, found: os.stat_result, target: str, entries: tuple[str, ...] = ()) -> Facts:
        return Facts(
            kind=_KINDS.get(stat.S_IFMT(found.st_mode), "other"),
            uid=max(0, found.st_uid - self._id_base),
            gid=max(0, found.st_gid - self._id_base),
            mode=stat.S_IMODE(found.st_mode),
            size=found.st_size,
            modified_ns=found.st_mtime_ns,
            target=target,
            entries=entries,
        )

    def _entries(self, handle: int) -> tuple[str, ...]:
        descriptor = self._reopen(handle, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return tuple(sorted(os.listdir(descriptor)))
        finally:
            os.close(descriptor)

    def _open_parent(self, path: str) -> tuple[int, str]:
        _check_path(path)
        folder, _, name = path.rstrip("/").rpartition("/")
        if name in ("", ".", ".."):
            raise WrongKindError(f"{path or '/'} can't be replaced or removed")
        return self._open(folder or "/", os.O_PATH | os.O_DIRECTORY), name

    def _reopen(self, handle: int, flags: int) -> int:
        """Open what an `O_PATH` descriptor stands for: no path is walked again, nothing can be swapped meanwhile."""
        flags |= os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        return os.open(str(handle), flags, dir_fd=self._descriptors_fd)

    def _open(self, path: str, flags: int, mode: int = 0) -> int:
        how = _OpenHow(flags=flags | os.O_CLOEXEC, mode=mode, resolve=_RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)
        _check_path(path)
        libc = ctypes.CDLL(None, use_errno=True)
        number = 0
        for _ in range(_MOST_TRIES):
            descriptor: int = libc.syscall(
                _SYS_OPENAT2, self._root_fd, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how)
            )
            if descriptor >= 0:
                return descriptor
            number = ctypes.get_errno()
            if number != errno.EAGAIN:
                break
        raise OSError(number, os.strerror(number), path)


def _check_path(path: str) -> None:
    if "\0" in path:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _copy(source: int, target: int) -> None:
    while chunk := os.read(source, _COPY_BYTES):
        view = memoryview(chunk)
        while view:
            view = view[os.write(target, view) :]
