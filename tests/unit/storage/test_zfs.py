"""What of the zfs driver needs no ZFS: whether a host can serve it, its keys, where a pool is, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.host import zfs
from holdfast.host.processes import Completed
from holdfast.model.errors import BadRequestError, CommandError
from holdfast.model.kinds import VolumeType
from holdfast.model.storage import Pool, Volume
from holdfast.storage import registry
from holdfast.storage.drivers import zfs_backing
from holdfast.storage.drivers.zfs import ZfsDriver

MOUNT, DISKS = Path("/m"), Path("/d")


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Programs are there; the file of the module's version can be written."""
    monkeypatch.setattr("holdfast.storage.drivers.zfs.find_program", lambda name: Path("/sbin") / name)
    monkeypatch.setattr(zfs, "find_program", lambda name: None)
    monkeypatch.setattr(zfs, "_MODULE", tmp_path / "version")
    return tmp_path / "version"


def test_a_host_without_the_programs_gets_the_remedy(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module.write_text("2.2.0\n")
    monkeypatch.setattr("holdfast.storage.drivers.zfs.find_program", lambda name: None)
    with pytest.raises(BadRequestError, match=r'"zfs" can.t be used here: the program "zfs".*zfsutils-linux'):
        registry.driver_class("zfs")


def test_a_kernel_without_the_module_gets_the_remedy(module: Path) -> None:
    with pytest.raises(BadRequestError, match=r"the kernel has no zfs; .*zfs-dkms.*modprobe zfs, or use btrfs$"):
        registry.driver_class("zfs")
    assert "zfs" not in [driver.name for driver in registry.supported()]


@pytest.mark.parametrize("version", ["0.8.6-1", "0.7.12-2"])
def test_an_old_module_is_refused_by_its_version(module: Path, version: str) -> None:
    module.write_text(f"{version}\n")
    assert ZfsDriver.check_host() == f"its module is of version {version}; OpenZFS 2.0 or newer is needed"


def test_a_module_makes_it_supported(module: Path) -> None:
    module.write_text("2.1.11-1+deb12u1\n")
    assert registry.driver_class("zfs") is ZfsDriver
    found = {driver.name: driver.version for driver in registry.supported()}
    assert found["zfs"] == "2.1.11-1+deb12u1"


def test_the_module_is_loaded_if_it_can_be(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(argv: list[str], **_: object) -> Completed:
        assert argv == ["modprobe", "zfs"]
        module.write_text("2.2.0\n")
        return Completed(stdout=b"", stderr="")

    monkeypatch.setattr(zfs, "find_program", lambda name: Path("/sbin/modprobe"))
    monkeypatch.setattr(zfs, "run", load)
    assert zfs.module_version() == "2.2.0"


@pytest.mark.parametrize(
    ("config", "kind", "dataset"),
    [
        ({}, zfs_backing.LoopFile, "p1"),
        ({"size": "5GiB", "zfs.pool_name": "tank"}, zfs_backing.LoopFile, "tank"),
        ({"source": "/d/p1.img", "zfs.pool_name": "p1"}, zfs_backing.LoopFile, "p1"),
        ({"source": "tank/lxd"}, zfs_backing.ExistingDataset, "tank/lxd"),
        ({"source": "p1", "volatile.initial_source": "/dev/sdb"}, zfs_backing.BlockDevice, "p1"),
    ],
)
def test_where_a_pool_is(config: dict[str, str], kind: type[zfs_backing.ZfsBacking], dataset: str) -> None:
    ZfsDriver.check_config(config)
    found = zfs_backing.choose(Pool(name="p1", driver="zfs", config=config), MOUNT, DISKS)
    assert (type(found), found.dataset) == (kind, dataset)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"source": "/etc"}, "no block device"),
        ({"source": "tank/lxd", "size": "1GiB"}, 'Option "size"'),
        ({"source": "tank/lxd", "zfs.pool_name": "tank/other"}, "name different datasets"),
    ],
)
def test_contradictions_are_refused(config: dict[str, str], text: str) -> None:
    ZfsDriver.check_config(config)
    with pytest.raises(BadRequestError, match=text):
        zfs_backing.choose(Pool(name="p1", driver="zfs", config=config), MOUNT, DISKS)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("source", "-o"),
        ("source", "tank/../other"),
        ("source", "tank@snapshot"),
        ("source", "/dev/../etc"),
        ("zfs.pool_name", "1tank"),
        ("zfs.pool_name", "tank//x"),
        ("zfs.clone_copy", "false"),
        ("zfs.export", "perhaps"),
        ("btrfs.mount_options", "noatime"),
    ],
)
def test_keys_and_values_are_checked(key: str, value: str) -> None:
    with pytest.raises(BadRequestError, match=key):
        ZfsDriver.check_config({key: value})


@pytest.mark.parametrize("name", ["a@b", "a%b", "täglich", "a(1)"])
def test_threat_names_that_mean_something_else_to_zfs(name: str) -> None:
    """A snapshot's name is never taken for a part of a command's argument that ZFS reads otherwise."""
    driver = ZfsDriver(Pool(name="p1", driver="zfs"), MOUNT, DISKS)
    with pytest.raises(BadRequestError, match="letters, digits"):
        driver.exists(Volume(type=VolumeType.CONTAINER, project="default", name="c1"), name)


def test_what_is_absent_is_told_from_what_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(argv: list[str], **_: object) -> Completed:
        text = "pool I/O is currently suspended" if "broken" in argv[-1] else "dataset does not exist"
        raise CommandError(argv, 1, f"cannot open '{argv[-1]}': {text}")

    monkeypatch.setattr(zfs, "run", answer)
    assert (zfs.exists("tank/none"), zfs.names_below("tank/none")) == (False, [])
    for look in (zfs.exists, zfs.names_below):
        with pytest.raises(CommandError, match="suspended"):
            look("tank/broken")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("cannot rename to 'b': dataset already exists", FileExistsError),
        ("cannot open 'a': dataset does not exist", FileNotFoundError),
        ("cannot unmount '/x': pool or dataset is busy", CommandError),
    ],
)
def test_failures_of_a_rename_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, text: str, error: type[Exception]
) -> None:
    def fail(argv: list[str], **_: object) -> Completed:
        raise CommandError(argv, 1, text)

    monkeypatch.setattr(zfs, "run", fail)
    with pytest.raises(error):
        zfs.rename("a", "b")
