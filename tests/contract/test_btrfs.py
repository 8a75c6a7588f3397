"""What only btrfs pools have: loop files that grow, block devices, quotas, nested subvolumes, mount options."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from holdfast.host import loops, mounts, subvolumes
from holdfast.host.processes import run
from holdfast.model.errors import BadRequestError, StorageError
from holdfast.model.kinds import VolumeType
from holdfast.model.storage import Pool, Volume
from holdfast.storage.driver import RECEIVED, Driver, Origin
from holdfast.storage.registry import open_driver
from holdfast.streams.copy import pump
from support.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "mkfs.ext4")]

MIB = 1024**2
C1 = Volume(type=VolumeType.CONTAINER, project="default", name="c1")


def pool(directory: Path, **config: str) -> Driver:
    return open_driver(Pool(name="p1", driver="btrfs", config=config), directory / "pools" / "p1", directory / "disks")


def recorded(driver: Driver, config: dict[str, str]) -> Driver:
    return open_driver(replace(driver.pool, config=config), driver.mount, driver.disks)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for mount in reversed(mounts.mounted()):
        if mount.target.is_relative_to(tmp_path):
            mounts.unmount(mount.target)
    for image in tmp_path.rglob("*.img"):
        await_true(partial(is_detached, image), "the loop devices to go")


def is_detached(image: Path) -> bool:
    """Detach what shows the file; one that was about to go may be gone by then."""
    for device in loops.devices_of(image):
        run(["losetup", "--detach", device], allowed_codes=(0, 1))
    return loops.devices_of(image) == []


@pytest.fixture
def driver(directory: Path) -> Driver:
    fresh = pool(directory, size="300MiB")
    return recorded(fresh, fresh.create())


@pytest.fixture
def device(directory: Path) -> Iterator[str]:
    image = directory / "device.img"
    with image.open("wb") as file:
        file.truncate(300 * MIB)
    found = run(["losetup", "--find", "--show", image]).stdout.decode().strip()
    yield found
    for mount in reversed(mounts.mounted()):
        if mount.source == found:
            mounts.unmount(mount.target)
    run(["losetup", "--detach", found])


# --- where the pool is ----------------------------------------------------------------------------------------------


def test_loop_file_is_recorded_and_private(driver: Driver, directory: Path) -> None:
    image = directory / "disks/p1.img"
    assert driver.pool.config == {"size": "300MiB", "source": str(image)}
    assert image.stat().st_size == 300 * MIB
    assert len(loops.devices_of(image)) == 1
    driver.deactivate()
    await_true(lambda: loops.devices_of(image) == [], "the loop device to go")  # who lists all has it open for a moment


def test_no_device_stays_on_a_file_that_was_never_mounted(directory: Path) -> None:
    """As after `kill -9` between the two: a device without a mount goes with nobody's unmount."""
    fresh = pool(directory, size="300MiB")
    made = recorded(fresh, fresh.create())
    image = directory / "disks/p1.img"
    made.deactivate()
    await_true(lambda: loops.devices_of(image) == [], "the loop device to go")
    run(["losetup", "--find", "--show", "--", image])
    made.destroy()
    assert not image.exists()
    await_true(lambda: str(image) not in run(["losetup", "--list"]).stdout.decode(), "the loop device to go")


def test_default_size_is_a_fifth_of_what_is_free_between_5_and_30_gib(directory: Path) -> None:
    fresh = pool(directory)
    config = fresh.create()
    made = recorded(fresh, config)
    assert config["size"].endswith("GiB")
    assert 5 <= int(config["size"].removesuffix("GiB")) <= 30
    made.destroy()


def test_a_loop_file_that_is_there_is_not_overwritten(directory: Path) -> None:
    (directory / "disks").mkdir()
    (directory / "disks/p1.img").write_text("precious")
    with pytest.raises(StorageError, match="exists"):
        pool(directory, size="300MiB").create()
    assert (directory / "disks/p1.img").read_text() == "precious"


def test_a_pool_too_small_for_a_file_system_leaves_nothing(directory: Path) -> None:
    with pytest.raises(StorageError, match='Pool "p1" is too small for a btrfs'):
        pool(directory, size="1MiB").create()
    assert list((directory / "disks").iterdir()) == []
    assert not mounts.mount_at(directory / "pools/p1")


def test_block_device_is_formatted_found_by_uuid_and_cleared(directory: Path, device: str) -> None:
    fresh = pool(directory, source=device)
    config = fresh.create()
    assert config["volatile.initial_source"] == device
    assert len(config["source"]) == 36
    made = recorded(fresh, config)
    made.stage("a-0")
    made.deactivate()
    made.activate()
    assert made.staged_tokens() == ["a-0"]
    made.destroy()
    assert run(["blkid", "--probe", device], allowed_codes=(2,)).code == 2


def test_block_device_with_a_file_system_is_refused(directory: Path, device: str) -> None:
    run(["mkfs.ext4", "-q", device])
    with pytest.raises(StorageError, match="ext4"):
        pool(directory, source=device).create()
    pool(directory, source=device).destroy()
    assert b"ext4" in run(["blkid", "--probe", device]).stdout


def test_block_device_with_a_foreign_btrfs_is_left_alone_by_destroy(directory: Path, device: str) -> None:
    run(["mkfs.btrfs", "-q", device])
    pool(directory, source=device).destroy()
    assert b"btrfs" in run(["blkid", "--probe", device]).stdout


def test_a_mount_that_fails_leaves_the_place_as_it_was(directory: Path, device: str) -> None:
    wrong = {"btrfs.mount_options": "no-such-option"}
    for source in ({"source": device}, {"size": "300MiB"}):
        with pytest.raises(StorageError, match=r"no-such-option|bad option|wrong fs type"):
            pool(directory, **source, **wrong).create()
    assert run(["blkid", "--probe", device], allowed_codes=(2,)).code == 2
    assert list((directory / "disks").iterdir()) == []


def test_path_on_another_file_system_is_refused(directory: Path) -> None:
    (directory / "plain").mkdir()
    if mounts.file_system_of(directory) == "btrfs":
        pytest.skip("the temporary directory is on btrfs")
    with pytest.raises(StorageError, match="isn't btrfs"):
        pool(directory, source=str(directory / "plain")).create()


def test_a_missing_path_is_made_as_a_subvolume_and_goes_with_the_pool(driver: Driver, directory: Path) -> None:
    inner = open_driver(
        Pool(name="p2", driver="btrfs", config={"source": str(driver.mount / "inner")}),
        directory / "pools" / "p2",
        directory / "disks",
    )
    made = recorded(inner, inner.create())
    assert subvolumes.is_subvolume(driver.mount / "inner")
    made.stage("a-0")
    made.destroy()
    assert not (driver.mount / "inner").exists()


def test_size_beside_a_path_is_refused(directory: Path) -> None:
    with pytest.raises(BadRequestError, match="size"):
        pool(directory, source=str(directory), size="1GiB").create()


def test_update_grows_the_pool_and_refuses_to_shrink(driver: Driver) -> None:
    driver.update({**driver.pool.config, "size": "400MiB"})
    assert driver.resources().space_total_bytes == 400 * MIB
    with pytest.raises(BadRequestError, match="smaller"):
        driver.update({**driver.pool.config, "size": "200MiB"})


def test_mount_options_are_used_and_changed_live(directory: Path) -> None:
    fresh = pool(directory, **{"size": "300MiB", "btrfs.mount_options": "noatime,compress=zstd"})
    made = recorded(fresh, fresh.create())
    assert "compress=zstd" in _options(made.mount)
    made.update({**made.pool.config, "btrfs.mount_options": "compress=lzo"})
    assert "compress=lzo" in _options(made.mount)
    made.destroy()


def _options(target: Path) -> str:
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return next(line.split(" ")[3] for line in lines if line.split(" ")[1] == str(target))


def test_mount_options_are_checked() -> None:
    with pytest.raises(BadRequestError, match="mount_options"):
        open_driver(Pool(name="p", driver="btrfs"), Path("/m"), Path("/d")).check_config(
            {"btrfs.mount_options": "noatime -o bind"}
        )


# --- volumes --------------------------------------------------------------------------------------------------------


def test_nested_subvolumes_are_cloned_snapshot_and_removed(driver: Driver) -> None:
    staged = driver.stage("a-0")
    (staged / "rootfs").mkdir()
    subvolumes.create(staged / "rootfs/docker")
    subvolumes.create(staged / "rootfs/docker/layer")
    (staged / "rootfs/docker/layer/file").write_text("kept")
    driver.publish("a-0", C1)
    driver.stage("s-0", Origin(volume=C1))
    driver.publish_snapshot("s-0", C1, "snap0")
    (driver.path(C1) / "rootfs/docker/layer/file").write_text("changed")
    subvolumes.set_read_only(driver.path(C1) / "rootfs/docker/layer", is_read_only=True)
    restored = driver.stage("r-0", Origin(volume=C1, snapshot="snap0"))
    assert (restored / "rootfs/docker/layer/file").read_text() == "kept"
    assert subvolumes.nested(restored) == [Path("rootfs/docker"), Path("rootfs/docker/layer")]
    driver.swap("r-0", C1)
    driver.discard("r-0")
    driver.withdraw(C1, "d-0", "snap0")
    driver.discard("d-0")
    driver.withdraw(C1, "d-1")
    driver.discard("d-1")
    names = [path.relative_to(driver.mount) for path in driver.mount.rglob("*") if subvolumes.is_subvolume(path)]
    assert names == []


def test_threat_link_in_the_way_of_a_nested_subvolume(driver: Driver, directory: Path) -> None:
    """A folder above a nested subvolume that is a link by now leads nowhere else."""
    foreign = driver.stage("other-0")
    (foreign / "secret").write_text("of another instance")
    staged = driver.stage("a-0")
    (staged / "rootfs").mkdir()
    subvolumes.create(staged / "rootfs/inner")
    with subvolumes.directory(staged) as descriptor:
        (staged / "rootfs").rename(staged / "moved")
        (staged / "rootfs").symlink_to(foreign.parent)
        with pytest.raises(OSError, match="symbolic links"):
            subvolumes._snapshot_nested(descriptor, descriptor, b"rootfs/other-0")


def test_quota_limits_what_a_volume_holds(driver: Driver) -> None:
    path = driver.stage("a-0")
    driver.set_staged_quota("a-0", 20 * MIB)
    with pytest.raises(OSError, match="quota"):
        (path / "big").write_bytes(os.urandom(40 * MIB))
    (path / "big").unlink()
    driver.publish("a-0", C1)
    driver.set_quota(C1, None)
    (driver.path(C1) / "big").write_bytes(os.urandom(40 * MIB))
    driver.stage("s-0", Origin(volume=C1))
    driver.sync("s-0")
    used = driver.usage_bytes(C1)
    assert used is not None
    assert 40 * MIB <= used < 50 * MIB


def test_usage_is_unknown_without_quotas_and_removing_none_is_nothing(driver: Driver) -> None:
    driver.stage("a-0")
    driver.publish("a-0", C1)
    driver.set_quota(C1, None)
    assert driver.usage_bytes(C1) is None


# --- what comes as a stream -----------------------------------------------------------------------------------------


def received(driver: Driver, area: str = "in-9") -> Path:
    """Receive a volume with one file; return the subvolume that it is in the area."""
    (driver.stage("out-0") / "file").write_text("content")
    driver.stage_area(area)
    origin = Origin(volume=C1, staged="out-0")
    (part,) = driver.stage_to_send("out-1", origin, "c1", {})
    with driver.sending("out-1", "c1", part.path, None) as stream, driver.receiving(area, 0, None) as sink:
        pump(stream, sink)
    return driver.staged_path(area) / "0" / RECEIVED


@pytest.mark.parametrize("is_last_use", [False, True])
def test_what_was_received_becomes_a_volume_like_any_other(driver: Driver, is_last_use: bool) -> None:
    part = received(driver)
    identity = driver.part_identity("in-9", 0)
    own = subvolumes.identity(part)
    assert identity is not None and subvolumes.is_read_only(part)
    tree = driver.assemble("new-0", "in-9", [(0, RECEIVED, "")], is_last_use=is_last_use)
    assert (tree / "file").read_text() == "content"
    assert not subvolumes.is_read_only(tree)
    assert subvolumes.received_identity(tree) is None  # differences built on it would miss what is changed now
    assert (part.exists(), subvolumes.identity(tree) == own) == (not is_last_use, is_last_use)
    driver.keep_identity("new-0", identity)
    assert subvolumes.received_identity(tree) == identity


def test_a_base_is_what_was_received_as_it_came(driver: Driver) -> None:
    part = received(driver)
    identity, own = driver.part_identity("in-9", 0), subvolumes.identity(part)
    driver.assemble("new-0", "in-9", [(0, RECEIVED, "")])
    driver.stage_received_base("kept-0", "in-9", 0)
    assert not part.exists()
    driver.keep_base("kept-0")
    where = driver.base_place("kept-0").where
    assert subvolumes.is_read_only(where)
    assert (subvolumes.received_identity(where), subvolumes.identity(where)) == (identity, own)
    driver.drop_base("kept-0")
    assert driver.base_tokens() == []


def test_threat_trees_made_at_once_pass_for_relatives(driver: Driver) -> None:
    """btrfs would send one as a difference to the other that leads to wrong content without a word."""
    made = [driver.stage(f"in-{number}") for number in range(20)]
    for number, (one, other) in enumerate(pairwise(made)):
        assert not subvolumes.can_differ(one, other), number
    subvolumes.snapshot(made[0], driver.mount / "snapshot")
    assert subvolumes.can_differ(made[0], driver.mount / "snapshot")


def test_threat_trees_that_went_their_own_ways(driver: Driver) -> None:
    """As two instances of one image: what each makes in one transaction has the same numbers, and is something else."""
    first, one, other = (driver.stage(f"in-{number}") for number in range(3))
    for tree in (one, other):
        subvolumes.delete_all(tree)
        subvolumes.snapshot(first, tree)
    (one / "x").symlink_to("one")
    subvolumes.snapshot(one, driver.mount / "before", is_read_only=True)
    (one / "y").symlink_to("y")
    (other / "x").symlink_to("other")
    subvolumes.snapshot(one, driver.mount / "after", is_read_only=True)
    assert subvolumes.can_differ(driver.mount / "before", driver.mount / "after")
    assert subvolumes.can_differ(first, one)
    assert subvolumes.can_differ(driver.mount / "before", other)
    (one / "z").symlink_to("one")
    os.mkfifo(other / "y")
    os.mkfifo(other / "z")
    assert not subvolumes.can_differ(one, other)
