"""What holds a pool: a file of ours, a device, a place in something that is there; and drivers that have one.

A driver adds how each kind of place is made, shown and taken away.
"""

from __future__ import annotations

import stat
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final

from holdfast.host import placement
from holdfast.host.processes import run
from holdfast.model.errors import BadRequestError, CommandError, StorageError
from holdfast.model.sizes import parse_bytes
from holdfast.model.storage import Pool
from holdfast.storage.generic import TreeDriver

_GIB: Final = 1024**3
_SMALLEST_GIB, _LARGEST_GIB = 5, 30  # of a loop file made without a size: a fifth of the free space, within these


class Backing(ABC):
    """One kind of place. `create` makes it, `attach` and `detach` show it at the pool's mount point and hide it."""

    goes_as_a_whole: ClassVar[bool] = False
    """Removing it takes the pool's tree along; else the tree is cleared first, and only what is marked as ours."""

    def __init__(self, pool: Pool, mount: Path) -> None:
        self.pool, self.mount = pool, mount

    @property
    def shared_place(self) -> Path | None:
        """A directory of others that is the pool's; it is there, too, when the disk that belongs there is away."""
        return None

    @abstractmethod
    def create(self) -> dict[str, str]:
        """Make the file system and return the config to record. Leaves nothing behind on failure."""

    @abstractmethod
    def attach(self) -> None: ...

    @abstractmethod
    def detach(self) -> None: ...

    @abstractmethod
    def is_attached(self) -> bool:
        """Tell whether the pool is shown."""

    @abstractmethod
    def remove(self) -> None:
        """Remove what `create` made, once the pool's tree is cleared and detached. Idempotent."""

    def undo(self) -> None:
        """Undo `create`, on the same object, when the pool could not be shown."""
        self.remove()

    def grow(self, size_bytes: int) -> None:
        """Make it larger."""
        raise BadRequestError(f'The size of storage pool "{self.pool.name}" is that of its source')


class LoopFileBacking(Backing):
    """A sparse file in the directory of disks, as large as the pool."""

    goes_as_a_whole: ClassVar[bool] = True

    def __init__(self, pool: Pool, mount: Path, file: Path) -> None:
        super().__init__(pool, mount)
        self.file = file

    @abstractmethod
    def _format(self) -> None:
        """Make the file system in the file."""

    @abstractmethod
    def _grow_to(self, size_bytes: int) -> None:
        """Make the file this long, and the file system as large as the file."""

    def create(self) -> dict[str, str]:
        size = self.pool.config.get("size") or self._default_size()
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.file.open("xb") as file:
            self.file.chmod(0o600)
            try:
                file.truncate(parse_bytes(size))
                self._format()
            except BaseException:
                self.file.unlink()
                raise
        return {**self.pool.config, "size": size, "source": str(self.file)}

    def remove(self) -> None:
        self.file.unlink(missing_ok=True)

    def grow(self, size_bytes: int) -> None:
        if size_bytes < self.file.stat().st_size:
            raise BadRequestError(f'Storage pool "{self.pool.name}" can\'t be made smaller')
        self._grow_to(size_bytes)

    def _default_size(self) -> str:
        directory = self.file.parent if self.file.parent.is_dir() else self.file.parent.parent
        fifth_gib = placement.space(directory).available_bytes // 5 // _GIB
        return f"{min(max(fifth_gib, _SMALLEST_GIB), _LARGEST_GIB)}GiB"


class BackedDriver(TreeDriver):
    """A driver whose pools have a backing."""

    @abstractmethod
    def _backing(self) -> Backing: ...

    def create(self) -> dict[str, str]:
        with self._explained("creating the pool"):
            backing = self._backing()
            config = backing.create()
            try:
                made = type(self)(replace(self.pool, config=config), self.mount, self.disks)
                if backing.shared_place is not None:
                    made._show(is_new=True)
                    made._lay_out()
                    made._settle(self.mount)
                made.activate()
            except BaseException:
                self._clear()
                backing.detach()
                backing.undo()
                self._remove_mount_point()
                raise
        return config

    def destroy(self) -> None:
        with self._explained("removing the pool"):
            backing = self._backing()
            is_ours = True
            if not backing.goes_as_a_whole:
                is_ours = self._attach_and_clear(backing)
            backing.detach()
            if is_ours:
                backing.remove()
            self._remove_mount_point()

    def deactivate(self) -> None:
        with self._explained("deactivating the pool"):
            self._backing().detach()

    def _show(self, *, is_new: bool = False) -> None:
        """Make the pool appear at its mount point, unless it does; one that isn't new must be what it was made as."""
        backing = self._backing()
        self.mount.mkdir(mode=0o700, parents=True, exist_ok=True)
        if backing.is_attached():
            return
        if backing.shared_place is not None and backing.shared_place.is_dir() and not is_new:
            self._require_laid_out(backing.shared_place)
        backing.attach()

    def _remove_mount_point(self) -> None:
        if self.mount.is_dir():
            self.mount.rmdir()

    def _attach_and_clear(self, backing: Backing) -> bool:
        """Clear a place that others own, too; return whether there was a pool of ours."""
        if not backing.is_attached():
            self.mount.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                backing.attach()
            except (StorageError, CommandError):  # gone, or never made: nothing of ours can be there
                return False
        return self._clear()


def is_block_device(path: Path) -> bool:
    """Tell whether there is a block device at a path."""
    return path.exists() and stat.S_ISBLK(path.stat().st_mode)


def require_blank(device: str) -> None:
    """Raise `StorageError` if a device holds a file system, partitions or the like."""
    found = run(["blkid", "--probe", device], allowed_codes=(0, 2, 8))
    if found.code != 2:
        what = found.stdout.decode(errors="replace").strip() or "unreadable"
        raise StorageError(f'"{device}" holds something already ({what}): clear it with wipefs if it can go')
