"""Names of drivers: those that are here, and a reason for those that aren't."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.model.storage import Pool
from holdfast.storage import registry
from holdfast.storage.drivers.btrfs import BtrfsDriver
from holdfast.storage.drivers.dir import DirDriver


def test_open_driver_gives_the_named_one() -> None:
    pool = Pool(name="p", driver="dir")
    driver = registry.open_driver(pool, Path("/m"), Path("/d"))
    assert isinstance(driver, DirDriver)
    assert (driver.pool, driver.mount, driver.disks) == (pool, Path("/m"), Path("/d"))


@pytest.mark.parametrize("name", ["lvm", "ceph"])
def test_known_drivers_that_are_not_there_come_with_a_reason(name: str) -> None:
    with pytest.raises(BadRequestError, match=rf'"{name}" isn.t there: this server'):
        registry.driver_class(name)


def test_an_unknown_driver_is_answered_with_those_there_are() -> None:
    with pytest.raises(BadRequestError, match="btrfs, dir"):
        registry.driver_class("floppy")


def test_a_host_that_lacks_programs_gets_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BtrfsDriver, "check_host", classmethod(lambda cls: "install the package btrfs-progs"))
    with pytest.raises(BadRequestError, match="btrfs-progs"):
        registry.driver_class("btrfs")
    assert [driver.name for driver in registry.supported()] == ["dir"]


def test_check_host_names_the_missing_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.storage.drivers.btrfs.find_program", lambda name: None)
    assert BtrfsDriver.check_host() == 'the program "btrfs" is missing; install the package btrfs-progs'


@pytest.mark.needs("mkfs.btrfs")
def test_supported_drivers_have_versions() -> None:
    versions = {driver.name: driver.version for driver in registry.supported()}
    assert versions["dir"] == "1"
    assert versions["btrfs"][0].isdigit()
