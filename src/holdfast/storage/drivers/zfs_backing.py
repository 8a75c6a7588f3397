"""Where a zfs pool's datasets are: a zpool of ours in a loop file or on a device, or below a dataset that is there.

The top dataset is mounted at the pool's mount point, and all below it have their places from it. It carries the name
of the pool that it was made for (`holdfast:pool`): nothing without that is ever destroyed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Final

from holdfast.host import zfs
from holdfast.model.config_values import is_false
from holdfast.model.errors import BadRequestError, CommandError, StorageError
from holdfast.model.storage import Pool
from holdfast.storage.backing import Backing, LoopFileBacking, is_block_device, require_blank

OWNER: Final = "holdfast:pool"
_MADE: Final = "holdfast:made"
_TOP: Final = {
    "setuid": "on",
    "exec": "on",
    "devices": "on",
    "acltype": "posixacl",
    "xattr": "sa",
    "atime": "off",
}
"""What containers need of their file system (as LXD sets it), and no writing where is only read."""


class ZfsBacking(Backing):
    """A place of datasets; `dataset` is the top one."""

    def __init__(self, pool: Pool, mount: Path) -> None:
        super().__init__(pool, mount)
        self.dataset = pool.config.get("zfs.pool_name") or pool.name

    @property
    def zpool(self) -> str:
        return self.dataset.partition("/")[0]

    @property
    def _properties(self) -> dict[str, str]:
        return {"mountpoint": str(self.mount), **_TOP, OWNER: self.pool.name}

    def is_attached(self) -> bool:
        return zfs.found(self.dataset, "mounted", "mountpoint") == ["yes", str(self.mount)]

    def is_ours(self) -> bool:
        """Tell whether the top dataset was made for this pool."""
        return zfs.found(self.dataset, OWNER) == [self.pool.name]

    def _mount(self) -> None:
        """Mount all datasets, wherever the pool's place was when they were made."""
        if zfs.properties(self.dataset, "mountpoint") != [str(self.mount)]:
            zfs.set_properties(self.dataset, {"mountpoint": str(self.mount)})
        for dataset, mounted, canmount in zfs.datasets(self.dataset, "name", "mounted", "canmount"):
            if mounted == "no" and canmount == "on":
                zfs.mount(dataset)


class OwnZpool(ZfsBacking):
    """A zpool that was made for the pool, and goes with it."""

    goes_as_a_whole: ClassVar[bool] = True

    @property
    def _device(self) -> Path | None:
        """Where to look for the zpool, if one place only comes into question."""
        return None

    def attach(self) -> None:
        if not zfs.exists(self.dataset):
            zfs.import_pool(self.zpool, self._device)
        self._require_ours()
        self._mount()

    def detach(self) -> None:
        if not self.is_ours():
            return
        if is_false(self.pool.config.get("zfs.export")):
            zfs.unmount(self.dataset)
        else:
            zfs.export_pool(self.zpool)

    def _make_zpool(self, device: str | Path) -> None:
        if "/" in self.dataset:
            raise BadRequestError(f'Option "zfs.pool_name" names a new zpool: "{self.dataset}" can\'t be one')
        zfs.create_pool(self.dataset, device, {**self._properties, "compression": "on"})

    def _destroy_zpool(self) -> None:
        """Destroy the zpool, known or to be found, if it is ours."""
        was_known = zfs.exists(self.dataset)
        if not was_known:
            try:
                zfs.import_pool(self.zpool, self._device)
            except CommandError:  # never made, or gone
                return
        if self.is_ours():
            devices = [device for device in zfs.devices_of(self.zpool) if is_block_device(Path(device))]
            zfs.destroy_pool(self.zpool)
            for device in devices:
                zfs.forget_pool(device)
        elif not was_known:
            zfs.export_pool(self.zpool)

    def _require_ours(self) -> None:
        if not self.is_ours():
            raise StorageError(
                f'The zpool "{self.zpool}" that is there was not made for storage pool "{self.pool.name}": '
                "export it, or rename one of them"
            )


class LoopFile(LoopFileBacking, OwnZpool):
    """A zpool in a file."""

    def __init__(self, pool: Pool, mount: Path, file: Path) -> None:
        OwnZpool.__init__(self, pool, mount)
        self.file = file

    @property
    def _device(self) -> Path | None:
        return self.file

    def create(self) -> dict[str, str]:
        return {**super().create(), "zfs.pool_name": self.dataset}

    def attach(self) -> None:
        if not self.file.is_file():
            raise StorageError(f"Source path '{self.file}' doesn't exist")
        super().attach()

    def remove(self) -> None:
        if self.file.is_file():
            self._destroy_zpool()
        super().remove()

    def _format(self) -> None:
        self._make_zpool(self.file)

    def _grow_to(self, size_bytes: int) -> None:
        os.truncate(self.file, size_bytes)
        zfs.expand_pool(self.zpool, self.file)


class BlockDevice(OwnZpool):
    """A zpool on a device; the zpool's name finds it again, as the device's own may change."""

    def create(self) -> dict[str, str]:
        device = self._initial
        require_blank(device)
        self._make_zpool(device)
        return {
            **self.pool.config,
            "source": self.dataset,
            "volatile.initial_source": device,
            "zfs.pool_name": self.dataset,
        }

    def remove(self) -> None:
        self._destroy_zpool()

    @property
    def _initial(self) -> str:
        return self.pool.config.get("volatile.initial_source") or self.pool.config["source"]


class ExistingDataset(ZfsBacking):
    """A dataset of a zpool that others made, or a new one in it; nothing outside of it is touched."""

    def __init__(self, pool: Pool, mount: Path) -> None:
        super().__init__(pool, mount)
        self.dataset = pool.config["source"]

    def create(self) -> dict[str, str]:
        if not zfs.exists(self.zpool):
            raise StorageError(f'There is no zpool "{self.zpool}": make or import it, or give a device as source')
        if not zfs.exists(self.dataset):
            zfs.create(self.dataset, {**self._properties, _MADE: "yes"})
        else:
            self._require_unused()
            zfs.set_properties(self.dataset, self._properties)
        return {**self.pool.config, "zfs.pool_name": self.dataset}

    def attach(self) -> None:
        if not zfs.exists(self.dataset):
            raise StorageError(f"Source dataset \"{self.dataset}\" doesn't exist, or its zpool isn't imported")
        if not self.is_ours():
            raise StorageError(f'Source dataset "{self.dataset}" was not made for storage pool "{self.pool.name}"')
        self._mount()

    def detach(self) -> None:
        if self.is_ours() and self.is_attached():
            zfs.unmount(self.dataset)

    def remove(self) -> None:
        """Take back what was set on the dataset; it goes if it was made for the pool, and holds nothing else."""
        if not self.is_ours():
            return
        self._mount()
        is_empty = not any(self.mount.iterdir()) and not zfs.names_below(self.dataset)
        if is_empty and zfs.properties(self.dataset, _MADE) == ["yes"] and not zfs.snapshots(self.dataset):
            zfs.destroy(self.dataset)
            return
        zfs.unmount(self.dataset)
        for key in (OWNER, "mountpoint", *_TOP):
            zfs.unset(self.dataset, key)

    def _require_unused(self) -> None:
        is_mounted, place = zfs.properties(self.dataset, "mounted", "mountpoint")
        has_files = is_mounted == "yes" and place is not None and any(Path(place).iterdir())
        if has_files or zfs.names_below(self.dataset) or zfs.snapshots(self.dataset):
            raise StorageError(f'Source dataset "{self.dataset}" isn\'t empty: give an empty or a new one')
        if is_mounted != "yes":
            raise StorageError(f"Source dataset \"{self.dataset}\" isn't mounted, so it can't be seen to be empty")


def choose(pool: Pool, mount: Path, disks: Path) -> ZfsBacking:
    """Return the kind of backing that the pool's `source` names."""
    source = pool.config.get("source", "")
    loop_file = disks / f"{pool.name}.img"
    if source in ("", str(loop_file)):
        return LoopFile(pool, mount, loop_file)
    if source.startswith("/"):
        if not is_block_device(Path(source)):
            raise BadRequestError(f'Source "{source}" is no block device: give a device, a dataset, or nothing')
        return BlockDevice(pool, mount)
    if pool.config.get("volatile.initial_source"):
        return BlockDevice(pool, mount)
    if pool.config.get("size"):
        raise BadRequestError('Option "size" is for pools in a loop file: leave it out beside "source"')
    if pool.config.get("zfs.pool_name", source) != source:
        raise BadRequestError('Options "source" and "zfs.pool_name" name different datasets: give one of them')
    return ExistingDataset(pool, mount)
