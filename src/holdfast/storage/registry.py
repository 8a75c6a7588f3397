"""The drivers by name: which there are, which this host can serve, and why others are not to be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from holdfast.model.errors import BadRequestError
from holdfast.model.storage import Pool
from holdfast.storage.driver import Driver
from holdfast.storage.drivers.btrfs import BtrfsDriver
from holdfast.storage.drivers.dir import DirDriver
from holdfast.storage.drivers.zfs import ZfsDriver

DRIVERS: Final[Mapping[str, type[Driver]]] = MappingProxyType(
    {kind.name: kind for kind in (BtrfsDriver, DirDriver, ZfsDriver)}
)

_ABSENT: Final[Mapping[str, str]] = {
    "lvm": "this server has no driver for it yet; use btrfs, or dir on a volume that LVM made",
    "ceph": "this server keeps instances on local storage",
    "cephfs": "this server keeps instances on local storage",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SupportedDriver:
    """A driver that this host can serve, as `GET /1.0` lists it."""

    name: str
    version: str
    is_remote: bool = False


def driver_class(name: str) -> type[Driver]:
    """Return the driver of that name; raise `BadRequestError` with the reason if there is none or it can't work."""
    found = DRIVERS.get(name)
    if found is None:
        reason = _ABSENT.get(name, f"use one of {', '.join(sorted(DRIVERS))}")
        raise BadRequestError(f'Storage driver "{name}" isn\'t there: {reason}')
    missing = found.check_host()
    if missing is not None:
        raise BadRequestError(f'Storage driver "{name}" can\'t be used here: {missing}')
    return found


def open_driver(pool: Pool, mount: Path, disks: Path) -> Driver:
    """Return the driver of a pool; nothing is activated."""
    return driver_class(pool.driver)(pool, mount, disks)


def supported() -> list[SupportedDriver]:
    """Return the drivers that this host can serve, by name."""
    usable = [kind for _, kind in sorted(DRIVERS.items()) if kind.check_host() is None]
    return [SupportedDriver(name=kind.name, version=kind.version()) for kind in usable]
