"""What only zfs pools have: datasets of others, devices, clones that outlive their origin, streams."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.host import loops, mounts, zfs
from holdfast.host.processes import run
from holdfast.model.errors import ArchiveError, BadRequestError, CommandError, StorageError
from holdfast.model.kinds import VolumeType
from holdfast.model.storage import Pool, Volume
from holdfast.storage.driver import Driver, Origin
from holdfast.storage.drivers.zfs import ZfsDriver
from holdfast.storage.registry import open_driver
from holdfast.streams.copy import pump, write_all
from holdfast.streams.zfs_stream import RECORD_BYTES, beginning_of

pytestmark = [pytest.mark.root]

MIB = 1024**2
C1 = Volume(type=VolumeType.CONTAINER, project="default", name="c1")
ZPOOL = "hftest"


@pytest.fixture(autouse=True)
def module() -> None:
    reason = ZfsDriver.check_host()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for name in ("p1", "p2", ZPOOL):
        if zfs.exists(name):
            zfs.destroy_pool(name)
    for mount in reversed(mounts.mounted()):
        if mount.target.is_relative_to(tmp_path):
            mounts.unmount(mount.target)


def pool(directory: Path, name: str = "p1", **config: str) -> Driver:
    given = {key.replace("__", "."): value for key, value in config.items()}
    return open_driver(Pool(name=name, driver="zfs", config=given), directory / "pools" / name, directory / "disks")


def made(fresh: Driver) -> Driver:
    return open_driver(replace(fresh.pool, config=fresh.create()), fresh.mount, fresh.disks)


@pytest.fixture
def driver(directory: Path) -> Driver:
    return made(pool(directory, size="300MiB"))


@pytest.fixture
def foreign(directory: Path) -> str:
    """A zpool that others made."""
    image = directory / "foreign.img"
    with image.open("wb") as file:
        file.truncate(300 * MIB)
    zfs.create_pool(ZPOOL, image, {"mountpoint": str(directory / "foreign")})
    return ZPOOL


@pytest.fixture
def device(directory: Path) -> Iterator[str]:
    image = directory / "device.img"
    with image.open("wb") as file:
        file.truncate(300 * MIB)
    found = run(["losetup", "--find", "--show", image]).stdout.decode().strip()
    yield found
    for name in ("p1",):
        if zfs.exists(name):
            zfs.destroy_pool(name)
    run(["losetup", "--detach", found])


def publish(driver: Driver, text: str = "first", volume: Volume = C1) -> None:
    (driver.stage("make-0") / "content").write_text(text)
    driver.publish("make-0", volume)


def take(driver: Driver, name: str, volume: Volume = C1) -> None:
    driver.stage("snap-0", Origin(volume=volume))
    driver.publish_snapshot("snap-0", volume, name)


def content(driver: Driver, volume: Volume = C1, snapshot: str | None = None) -> str:
    return (driver.path(volume, snapshot) / "content").read_text()


def write(driver: Driver, text: str, volume: Volume = C1) -> None:
    (driver.path(volume) / "content").write_text(text)


# --- where the pool is ----------------------------------------------------------------------------------------------


def test_a_loop_file_is_a_zpool_that_is_let_go_of(driver: Driver, directory: Path) -> None:
    assert driver.pool.config == {"size": "300MiB", "source": f"{directory}/disks/p1.img", "zfs.pool_name": "p1"}
    publish(driver)
    driver.deactivate()
    assert not zfs.exists("p1")
    driver.activate()
    assert content(driver) == "first"
    driver.destroy()
    assert not list((directory / "disks").iterdir())


def test_a_zpool_of_the_same_name_is_refused_and_left_alone(directory: Path, foreign: str) -> None:
    fresh = pool(directory, zfs__pool_name=foreign, size="300MiB")
    with pytest.raises(StorageError, match="already exists"):
        fresh.create()
    fresh.destroy()
    assert zfs.exists(foreign)
    assert not list((directory / "disks").iterdir())


def test_a_device_is_found_by_its_zpool_and_blank_afterwards(directory: Path, device: str) -> None:
    fresh = made(pool(directory, source=device))
    assert fresh.pool.config == {"source": "p1", "volatile.initial_source": device, "zfs.pool_name": "p1"}
    publish(fresh)
    fresh.deactivate()
    fresh.activate()
    assert content(fresh) == "first"
    fresh.destroy()
    made(pool(directory, source=device)).destroy()


def test_a_device_that_holds_something_is_refused(directory: Path, device: str) -> None:
    run(["mkfs.ext4", "-q", device])
    with pytest.raises(StorageError, match="ext4"):
        pool(directory, source=device).create()
    pool(directory, source=device).destroy()
    assert b"ext4" in run(["blkid", "--probe", device]).stdout


def test_a_new_dataset_of_a_foreign_zpool_is_made_and_goes(directory: Path, foreign: str) -> None:
    fresh = made(pool(directory, source=f"{foreign}/ours"))
    publish(fresh)
    fresh.deactivate()
    assert not fresh.mount.is_mount()
    fresh.activate()
    assert content(fresh) == "first"
    fresh.destroy()
    fresh.destroy()
    assert zfs.names_below(foreign) == []
    assert not fresh.mount.exists()


def test_a_dataset_that_was_there_stays(directory: Path, foreign: str) -> None:
    zfs.create(f"{foreign}/theirs")
    fresh = made(pool(directory, source=f"{foreign}/theirs"))
    publish(fresh)
    fresh.destroy()
    assert zfs.names_below(foreign) == [f"{foreign}/theirs"]
    assert zfs.names_below(f"{foreign}/theirs") == []
    assert zfs.properties(f"{foreign}/theirs", "mountpoint") == [f"{directory}/foreign/theirs"]


def test_a_dataset_with_files_is_refused_and_left_alone(directory: Path, foreign: str) -> None:
    (directory / "foreign/precious").write_text("kept")
    with pytest.raises(StorageError, match="isn't empty"):
        pool(directory, source=foreign).create()
    pool(directory, source=foreign).destroy()
    assert (directory / "foreign/precious").read_text() == "kept"


def test_a_zpool_that_is_not_there_is_named(directory: Path) -> None:
    with pytest.raises(StorageError, match='no zpool "nowhere"'):
        pool(directory, source="nowhere/x").create()


def test_update_grows_the_pool(driver: Driver) -> None:
    before = driver.resources().space_total_bytes
    driver.update({**driver.pool.config, "size": "600MiB"})
    assert driver.resources().space_total_bytes > before + 200 * MIB
    with pytest.raises(BadRequestError, match="smaller"):
        driver.update({**driver.pool.config, "size": "200MiB"})


# --- volumes --------------------------------------------------------------------------------------------------------


def test_a_quota_limits_what_a_volume_holds(driver: Driver) -> None:
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


def test_snapshots_are_those_of_the_volume_by_the_names_of_lxd(driver: Driver) -> None:
    publish(driver)
    take(driver, "s0")
    take(driver, "s1")
    driver.rename_snapshot(C1, "s0", "daily")
    names = [snapshot.name for snapshot in zfs.snapshots("p1/containers/c1")]
    assert names == ["p1/containers/c1@snapshot-daily", "p1/containers/c1@snapshot-s1"]


def test_a_volume_goes_before_what_was_cloned_of_it(driver: Driver) -> None:
    """Copies and their snapshots outlive their origin, and nothing is left of it."""
    publish(driver)
    take(driver, "s0")
    write(driver, "second")
    copy = C1.renamed("c2")
    driver.stage("copy-0", Origin(volume=C1, snapshot="s0"))
    driver.publish_snapshot("copy-0", copy, "s0")
    driver.stage("copy-1", Origin(volume=C1))
    driver.publish("copy-1", copy)
    driver.withdraw_all(C1, "d-0", "d-1")
    driver.discard("d-0")
    driver.discard("d-1")
    assert (content(driver, copy), content(driver, copy, "s0")) == ("second", "first")
    assert driver.list_volumes() == [copy]
    driver.withdraw_all(copy, "e-0", "e-1")
    driver.discard("e-1")
    driver.discard("e-0")
    left = {name for (name,) in zfs.datasets("p1", "name") if name.count("/") > 1}
    assert (left, zfs.snapshots("p1", is_recursive=True)) == (set(), [])


def test_snapshots_follow_the_volume_through_restores(driver: Driver) -> None:
    for number in range(4):
        if number == 0:
            publish(driver, "0")
        write(driver, str(number))
        take(driver, f"s{number}")
    for number in (3, 1, 2, 0):
        driver.stage("r-0", Origin(volume=C1, snapshot=f"s{number}"))
        driver.swap("r-0", C1)
        driver.discard("r-0")
        assert content(driver) == str(number)
    assert [content(driver, snapshot=f"s{number}") for number in range(4)] == ["0", "1", "2", "3"]
    for number in range(4):
        driver.withdraw(C1, "d-0", f"s{number}")
        driver.discard("d-0")
    assert content(driver) == "0"
    assert zfs.snapshots("p1", is_recursive=True) == []


def test_an_exchange_that_a_crash_cut_is_ended_at_the_next_start(
    driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut after each of its renames, the volume is there again, old or new, and the other one is staged."""
    publish(driver, "old")
    rename = zfs.rename
    for survived, wanted in ((1, "old"), (2, "new"), (3, "old")):
        (driver.stage("n-0") / "content").write_text("new" if wanted == "new" or survived == 1 else "old")
        left = survived

        def cut(old: str, new: str) -> None:
            nonlocal left
            if not left:
                raise KeyboardInterrupt
            left -= 1
            rename(old, new)

        with monkeypatch.context() as patch:
            patch.setattr(zfs, "rename", cut)
            patch.setattr(zfs, "unset", lambda dataset, key: None)
            with pytest.raises(KeyboardInterrupt):
                driver.swap("n-0", C1)
                raise KeyboardInterrupt
        driver.deactivate()
        driver.activate()
        assert content(driver) == wanted
        assert driver.staged_tokens() == ["n-0"]
        assert zfs.names_below("p1/.swapping") == []
        driver.discard("n-0")


def test_names_that_zfs_does_not_take_are_refused_with_those_it_does(driver: Driver) -> None:
    publish(driver)
    driver.stage("s-0", Origin(volume=C1))
    with pytest.raises(BadRequestError, match="letters, digits"):
        driver.publish_snapshot("s-0", C1, "täglich")
    assert driver.staged_tokens() == ["s-0"]


# --- streams --------------------------------------------------------------------------------------------------------


class Collected:
    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: memoryview | bytes, /) -> int:
        self.data += data
        return len(data)


def send(driver: Driver, names: Sequence[str | None], document: bytes = b"about it") -> list[bytes]:
    """Send snapshots and the volume (None) as an export does."""
    streams, parent = [], None
    for number, name in enumerate(names):
        token, called = f"send-{number}", name or ".backup"
        documents = {} if name else {"backup.yaml": document}
        driver.stage_to_send(token, Origin(volume=C1, snapshot=name), called, documents)
        with driver.sending(token, called, "", parent) as stream:
            sink = Collected()
            assert pump(stream, sink) == stream.size_bytes
        streams.append(bytes(sink.data))
        parent = (token, called)
    for number in range(len(names)):
        driver.discard(f"send-{number}")
    return streams


def receive(driver: Driver, names: Sequence[str | None], streams: Sequence[bytes], volume: Volume) -> None:
    driver.stage_area("area-0")
    for number, (name, stream) in enumerate(zip(names, streams, strict=True)):
        with driver.receiving("area-0", number, name or ".backup") as sink:
            write_all(sink, stream)
    for number, name in enumerate(names):
        driver.assemble(f"in-{number}", "area-0", [(number, name or ".backup", "")])
    driver.discard("area-0")
    for number, name in enumerate(names):
        if name is None:
            driver.publish(f"in-{number}", volume)
        else:
            driver.publish_snapshot(f"in-{number}", volume, name)


@pytest.fixture
def names(driver: Driver) -> list[str | None]:
    """The volume with two snapshots; return what there is to send."""
    publish(driver)
    (driver.path(C1) / "big").write_bytes(os.urandom(3 * MIB))
    take(driver, "s0")
    write(driver, "second")
    take(driver, "s1")
    write(driver, "third")
    return ["s0", "s1", None]


def test_streams_are_a_chain_of_differences_named_as_lxd_does(driver: Driver, names: list[str | None]) -> None:
    before = driver.path(C1).stat().st_mtime_ns
    streams = send(driver, names)
    beginnings = [beginning_of(stream[:RECORD_BYTES]) for stream in streams]
    assert [each.snapshot for each in beginnings] == ["snapshot-s0", "snapshot-s1", "backup-send-2"]
    assert [each.base_guid for each in beginnings] == [None, beginnings[0].guid, beginnings[1].guid]
    assert len(streams[1]) + len(streams[2]) < MIB < len(streams[0])
    assert not (driver.path(C1) / "backup.yaml").exists()
    assert driver.path(C1).stat().st_mtime_ns == before
    assert driver.staged_tokens() == []
    assert len(zfs.snapshots("p1", is_recursive=True)) == 2


def test_streams_are_taken_by_plain_receives_on_top_of_each_other(driver: Driver, names: list[str | None]) -> None:
    """As LXD 5.0 restores them."""
    for number, stream in enumerate(send(driver, names)):
        file = driver.disks / f"stream{number}"
        file.write_bytes(stream)
        with file.open("rb") as source:
            run(["zfs", "receive", "-x", "mountpoint", "-F", "-u", "p1/containers/other"], stdin=source)
    zfs.mount("p1/containers/other")
    there = driver.path(C1.renamed("other"))
    assert ((there / "content").read_text(), (there / "backup.yaml").read_bytes()) == ("third", b"about it")
    found = [snapshot.bare_name for snapshot in zfs.snapshots("p1/containers/other")]
    assert found == ["snapshot-s0", "snapshot-s1", "backup-send-2"]


def test_what_was_received_is_whole_and_can_be_sent_as_a_chain_again(driver: Driver, names: list[str | None]) -> None:
    copy = C1.renamed("c2")
    receive(driver, names, send(driver, names), copy)
    assert [content(driver, copy, name) for name in names] == ["first", "second", "third"]
    assert driver.staged_tokens() == []
    driver.withdraw_all(C1, "d-0", "d-1")
    driver.discard("d-0")
    driver.discard("d-1")
    driver.rename(copy, "c1")
    again = [beginning_of(stream[:RECORD_BYTES]) for stream in send(driver, names)]
    assert [each.base_guid for each in again] == [None, again[0].guid, again[1].guid]


def test_without_a_common_past_a_stream_is_whole(driver: Driver, names: list[str | None]) -> None:
    driver.stage("r-0", Origin(volume=C1, snapshot="s0"))
    driver.swap("r-0", C1)
    driver.discard("r-0")
    streams = send(driver, names)
    assert [beginning_of(stream[:RECORD_BYTES]).base_guid is None for stream in streams] == [True, False, True]
    copy = C1.renamed("c2")
    receive(driver, names, streams, copy)
    assert [content(driver, copy, name) for name in names] == ["first", "second", "first"]


def test_threat_a_difference_to_something_else_in_the_pool_is_refused(driver: Driver, names: list[str | None]) -> None:
    """A stream from outside is put on top of what came with it, never on another instance's data."""
    streams = send(driver, names)
    driver.stage_area("area-0")
    with pytest.raises(ArchiveError, match="isn't in it"), driver.receiving("area-0", 0, "s1") as sink:
        write_all(sink, streams[1])
    driver.discard("area-0")
    assert driver.staged_tokens() == []


@pytest.mark.parametrize("damage", ["cut", "changed", "cut to records"])
def test_threat_a_damaged_stream_leaves_nothing(driver: Driver, names: list[str | None], damage: str) -> None:
    stream = bytearray(send(driver, names[:1])[0])
    if damage == "changed":
        stream[len(stream) // 2] ^= 1
    else:
        del stream[-RECORD_BYTES if damage == "cut to records" else MIB :]
    driver.stage_area("area-0")
    with pytest.raises(ArchiveError, match="zfs stream"), driver.receiving("area-0", 0, "s0") as sink:
        write_all(sink, bytes(stream))
    driver.discard("area-0")
    assert driver.staged_tokens() == []


def test_an_origin_that_is_in_use_cannot_be_destroyed_by_plain_zfs(driver: Driver, names: list[str | None]) -> None:
    """What the lineage is there for."""
    with pytest.raises(CommandError, match="has dependent clones"):
        zfs.destroy("p1/containers/c1")
    assert content(driver) == "third"
    assert loops.devices_of(driver.disks / "p1.img") == []
