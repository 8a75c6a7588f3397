"""Where a btrfs pool's file system is: a loop file of ours, a block device, or a directory of a mounted btrfs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from holdfast.host import loops, mounts, subvolumes
from holdfast.host.processes import run
from holdfast.model.errors import BadRequestError, StorageError
from holdfast.model.storage import Pool
from holdfast.storage.backing import Backing, LoopFileBacking, is_block_device, require_blank

SMALLEST_BYTES: Final = 109 << 20
"""What mkfs.btrfs demands of a device."""
DEFAULT_MOUNT_OPTIONS: Final = "user_subvol_rm_allowed"


class BtrfsBacking(Backing):
    """A place of a btrfs."""

    @property
    def options(self) -> list[str]:
        return (self.pool.config.get("btrfs.mount_options") or DEFAULT_MOUNT_OPTIONS).split(",")

    def detach(self) -> None:
        mounts.unmount(self.mount)

    def is_attached(self) -> bool:
        return mounts.mount_at(self.mount) is not None


class LoopFile(LoopFileBacking, BtrfsBacking):
    """A btrfs in a file."""

    def _format(self) -> None:
        if self.file.stat().st_size < SMALLEST_BYTES:
            raise StorageError(
                f'Pool "{self.pool.name}" is too small for a btrfs: "size" is {SMALLEST_BYTES >> 20}MiB at least'
            )
        run(["mkfs.btrfs", "--quiet", "--nodiscard", "--label", self.pool.name, self.file])

    def attach(self) -> None:
        if not self.file.is_file():
            raise StorageError(f"Source path '{self.file}' doesn't exist")
        with loops.attached(self.file) as device:
            mounts.mount(device, self.mount, file_system="btrfs", options=self.options)

    def remove(self) -> None:
        if self.file.is_file():
            loops.detach_all(self.file)
        super().remove()

    def _grow_to(self, size_bytes: int) -> None:
        loops.grow(self.file, size_bytes)
        run(["btrfs", "filesystem", "resize", "max", self.mount])


class BlockDevice(BtrfsBacking):
    """A device given as source; found again by the UUID of its file system, as its name may change."""

    def create(self) -> dict[str, str]:
        device = self._initial
        require_blank(device)
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


class ExistingPath(BtrfsBacking):
    """A directory of a btrfs that is mounted already; made as a subvolume when it isn't there."""

    _is_made = False

    def create(self) -> dict[str, str]:
        parent = self._path if self._path.exists() else self._path.parent
        if not parent.is_dir():
            raise StorageError(f'Source path "{self._path}" doesn\'t exist, nor a directory to make it in')
        if mounts.file_system_of(parent) != "btrfs":
            raise StorageError(
                f'Source path "{self._path}" isn\'t btrfs'
                if self._path.exists()
                else f'Source path "{self._path}" doesn\'t exist, and can\'t be made: "{parent}" isn\'t btrfs'
            )
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
    def shared_place(self) -> Path:
        return self._path

    @property
    def _path(self) -> Path:
        return Path(self.pool.config["source"])


def choose(pool: Pool, mount: Path, disks: Path) -> BtrfsBacking:
    """Return the kind of backing that the pool's `source` names."""
    source = pool.config.get("source", "")
    loop_file = disks / f"{pool.name}.img"
    if source in ("", str(loop_file)):
        return LoopFile(pool, mount, loop_file)
    if not source.startswith("/") or is_block_device(Path(source)):
        return BlockDevice(pool, mount)
    if pool.config.get("size"):
        raise BadRequestError('Option "size" is for pools in a loop file: leave it out beside "source"')
    return ExistingPath(pool, mount)


def _uuid_of(device: str) -> str:
    found = run(["blkid", "--probe", "--match-tag", "UUID", "--output", "value", device], allowed_codes=(0, 2, 8))
    return found.stdout.decode().strip()
