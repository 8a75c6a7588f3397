"""One server per directory: a lock that the kernel frees when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from holdfast.model.errors import ConflictError


class DirectoryLock:
    """Holds the lock from `take` to `release`; the file tells the process id to whoever comes second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock, or raise `ConflictError` naming who has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip()
            os.close(descriptor)
            raise ConflictError(
                f"Another Holdfast server (process {holder or 'unknown'}) uses {self._path.parent}: stop that one, "
                "or give this one a directory of its own with HOLDFAST_DIR"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock up. The file stays: removing it would let two servers hold two locks of one name."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None
