"""Where a btrfs pool's file system is: a loop file of ours, a block device, or a directory of a mounted btrfs."""

from __future__ import annotations

import stat
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Final

from holdfast.host import loops, mounts, placement, subvolumes
from holdfast.host.processes import run
from holdfast.model.errors import BadRequestError, StorageError
from holdfast.model.sizes import parse_bytes
from holdfast.model.storage import Pool

DEFAULT_MOUNT_OPTIONS: Final = "user_subvol_rm_allowed"
_GIB: Final = 1024**3
_SMALLEST_GIB, _LARGEST_GIB = 5, 30  # of a loop file made without a size: a fifth of the free space, within these


class Backing(ABC):
    """One kind of place. `create` makes it, `attach` and `detach` show it at the pool's mount point and hide it."""

    goes_as_a_whole: ClassVar[bool] = False
    """Removing it takes the pool's tree along; else the tree is cleared first, and only what is marked as ours."""

    def __init__(self, pool: Pool, mount: Path) -> None:
        self.pool, self.mount = pool, mount

    @property
    def options(self) -> list[str]:
        return (self.pool.config.get("btrfs.mount_options") or DEFAULT_MOUNT_OPTIONS).split(",")

    @abstractmethod
    def create(self) -> dict[str, str]:
        """Make the file system and return the config to record. Leaves nothing behind on failure."""

    @abstractmethod
    def attach(self) -> None: ...

    @abstractmethod
    def remove(self) -> None:
        """Remove what `create` made, once the pool's tree is cleared and detached. Idempotent."""

    def undo(self) -> None:
        """Undo `create`, on the same object, when the pool could not be shown."""
        self.remove()

    def detach(self) -> None:
        mounts.unmount(self.mount)

    def grow(self, size_bytes: int) -> None:
        """Make it larger."""
        raise BadRequestError(f'The size of storage pool "{self.pool.name}" is that of its source')


class LoopFile(Backing):
    """A sparse file in the directory of disks, as large as the pool."""

    goes_as_a_whole: ClassVar[bool] = True

    def __init__(self, pool: Pool, mount: Path, file: Path) -> None:
        super().__init__(pool, mount)
        self.file = file

    def create(self) -> dict[str, str]:
        size = self.pool.config.get("size") or self._default_size()
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.file.open("xb") as file:
            self.file.chmod(0o600)
            try:
                file.truncate(parse_bytes(size))
                run(["mkfs.btrfs", "--quiet", "--nodiscard", "--label", self.pool.name, self.file])
            except BaseException:
                self.file.unlink()
                raise
        return {**self.pool.config, "size": size, "source": str(self.file)}

    def attach(self) -> None:
        with loops.attached(self.file) as device:
            mounts.mount(device, self.mount, file_system="btrfs", options=self.options)

    def remove(self) -> None:
        self.file.unlink(missing_ok=True)

    def grow(self, size_bytes: int) -> None:
        if size_bytes < self.file.stat().st_size:
            raise BadRequestError(f'Storage pool "{self.pool.name}" can\'t be made smaller')
        loops.grow(self.file, size_bytes)
        run(["btrfs", "filesystem", "resize", "max", self.mount])

    def _default_size(self) -> str:
        directory = self.file.parent if self.file.parent.is_dir() else self.file.parent.parent
        fifth_gib = placement.space(directory).available_bytes // 5 // _GIB
        return f"{min(max(fifth_gib, _SMALLEST_GIB), _LARGEST_GIB)}GiB"


class BlockDevice(Backing):
    """A device given as source; found again by the UUID of its file system, as its name may change."""

    def create(self) -> dict[str, str]:
        device = self._initial
        found = run(["blkid", "--probe", device], allowed_codes=(0, 2, 8))
        if found.code != 2:
            what = found.stdout.decode(errors="replace").strip() or "unreadable"
            raise StorageError(f'"{device}" holds something already ({what}): clear it with wipefs if it can go')
        run(["mkfs.btrfs", "--quiet", "--label", self.pool.name, device])
        return {**self.pool.config, "source": _uuid_of(device), "volatile.initial_source": device}

    def attach(self) -> None:
        mounts.mount(self._device_name(), self.mount, file_system="btrfs", options=self.options)

    def remove(self) -> None:
        run(["wipefs", "--all", "--types", "btrfs", self._device_name()])

    @property
    def _initial(self) -> str:
        return self.pool.config.get("volatile.initial_source") or self.pool.config["source"]

    def _device_name(self) -> str:
        """Return the device's present name."""
        source = self.pool.config["source"]
        if source.startswith("/") or _uuid_of(self._initial) == source:
            return self._initial
        found = run(["blkid", "--uuid", source], allowed_codes=(0, 2)).stdout.decode().strip()
        if not found:
            raise StorageError(f"No block device holds the file system with UUID {source}")
        return found


class ExistingPath(Backing):
    """A directory of a btrfs that is mounted already; made as a subvolume when it isn't there."""

    _is_made = False

    def create(self) -> dict[str, str]:
        parent = self._path if self._path.exists() else self._path.parent
        if not parent.is_dir() or mounts.file_system_of(parent) != "btrfs":
            raise StorageError(f'Source path "{self._path}" isn\'t btrfs')
        if not self._path.exists():
            subvolumes.create(self._path)
            self._is_made = True
        elif any(self._path.iterdir()):
            raise StorageError(f'Requested btrfs subvolume "{self._path}" exists but is not empty')
        return {**self.pool.config, "source": str(self._path)}

    def attach(self) -> None:
        if not self._path.is_dir():
            raise StorageError(f"Source path '{self._path}' doesn't exist")
        mounts.bind(self._path, self.mount)

    def remove(self) -> None:
        if not self._path.is_dir():
            return
        is_removable = subvolumes.is_subvolume(self._path) and mounts.mount_at(self._path) is None
        if is_removable and not any(self._path.iterdir()):
            subvolumes.delete_all(self._path)

    def undo(self) -> None:
        if self._is_made:
            self.remove()

    @property
    def _path(self) -> Path:
        return Path(self.pool.config["source"])


def choose(pool: Pool, mount: Path, disks: Path) -> Backing:
    """Return the kind of backing that the pool's `source` names."""
    source = pool.config.get("source", "")
    loop_file = disks / f"{pool.name}.img"
    if source in ("", str(loop_file)):
        return LoopFile(pool, mount, loop_file)
    if not source.startswith("/") or _is_block_device(Path(source)):
        return BlockDevice(pool, mount)
    if pool.config.get("size"):
        raise BadRequestError('Option "size" is for pools in a loop file: leave it out beside "source"')
    return ExistingPath(pool, mount)


def _is_block_device(path: Path) -> bool:
    return path.exists() and stat.S_ISBLK(path.stat().st_mode)


def _uuid_of(device: str) -> str:
    found = run(["blkid", "--probe", "--match-tag", "UUID", "--output", "value", device], allowed_codes=(0, 2, 8))
    return found.stdout.decode().strip()
