"""What is done to zfs pools for the transcripts in `tests/golden/zfs`: every verb of the driver, and failures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from holdfast.host import zfs
from holdfast.model.errors import ArchiveError, NoSpaceError, StorageError
from holdfast.model.kinds import VolumeType
from holdfast.model.storage import Pool, Volume
from holdfast.storage.driver import Driver, Origin
from holdfast.storage.drivers.zfs import ZfsDriver
from holdfast.streams.copy import pump, write_all
from support.zfs_transcripts import Teller

MIB = 1024**2
C1 = Volume(type=VolumeType.CONTAINER, project="default", name="c1")
C2 = C1.renamed("c2")


@dataclass(frozen=True)
class Scene:
    """Where a scenario takes place."""

    directory: Path
    teller: Teller

    def say(self, words: str) -> None:
        self.teller.say(words)

    def fresh(self, **config: str) -> ZfsDriver:
        pool = Pool(name="p1", driver="zfs", config=config)
        (self.directory / "pools").mkdir(exist_ok=True)
        return ZfsDriver(pool, self.directory / "pools" / "p1", self.directory / "disks")

    def made(self, **config: str) -> ZfsDriver:
        fresh = self.fresh(**(config or {"size": "256MiB"}))
        return reopened(fresh, fresh.create())


def reopened(driver: ZfsDriver, config: dict[str, str]) -> ZfsDriver:
    return ZfsDriver(replace(driver.pool, config=config), driver.mount, driver.disks)


def publish(driver: Driver, volume: Volume = C1, text: str = "first") -> None:
    (driver.stage("make-0") / "content").write_text(text)
    driver.publish("make-0", volume)


def take(driver: Driver, name: str, token: str, volume: Volume = C1) -> None:
    driver.stage(token, Origin(volume=volume))
    driver.publish_snapshot(token, volume, name)


def content(path: Path) -> str:
    return (path / "content").read_text()


def pool_in_a_file(scene: Scene) -> None:
    scene.say("create")
    driver = scene.made()
    assert (driver.disks / "p1.img").stat().st_size == 256 * MIB
    scene.say("list")
    assert driver.list_volumes() == []
    scene.say("resources")
    resources = driver.resources()
    assert resources.space_total_bytes == resources.space_used_bytes + resources.space_available_bytes
    scene.say("update, larger")
    driver.update({**driver.pool.config, "size": "512MiB"})
    scene.say("deactivate")
    driver.deactivate()
    scene.say("deactivate again")
    driver.deactivate()
    scene.say("activate")
    driver.activate()
    scene.say("destroy")
    driver.destroy()
    scene.say("destroy again")
    driver.destroy()
    assert list(driver.disks.iterdir()) == []


def pool_in_a_dataset(scene: Scene) -> None:
    image = scene.directory / "foreign.img"
    with image.open("wb") as file:
        file.truncate(256 * MIB)
    scene.say("a zpool of others")
    zfs.create_pool("hftest", image, {"mountpoint": str(scene.directory / "foreign")})
    scene.say("create")
    driver = scene.made(source="hftest/ours")
    assert driver.pool.config == {"source": "hftest/ours", "zfs.pool_name": "hftest/ours"}
    scene.say("destroy")
    driver.destroy()
    scene.say("a source that isn't there")
    with pytest.raises(StorageError, match='no zpool "nowhere"'):
        scene.fresh(source="nowhere/x").create()
    scene.say("the zpool of others goes")
    zfs.destroy_pool("hftest")


def failing_pool(scene: Scene) -> None:
    scene.say("the zpool can't be made")
    with (
        scene.teller.failure_of("zpool", "create"),
        pytest.raises(StorageError, match=r"creating the pool.*zpool create"),
    ):
        scene.fresh(size="256MiB").create()
    assert list((scene.directory / "disks").iterdir()) == []
    scene.say("a folder can't be made: the zpool goes again")
    with scene.teller.failure_of("zfs", "create"), pytest.raises(StorageError, match="suspended"):
        scene.fresh(size="256MiB").create()
    assert list((scene.directory / "disks").iterdir()) == []
    assert not (scene.directory / "pools/p1").exists()


def volumes(scene: Scene) -> None:
    driver = scene.made()
    scene.say("stage, publish")
    publish(driver)
    scene.say("exists, list, usage, identity")
    assert (driver.exists(C1), driver.exists(C2), driver.list_volumes()) == (True, False, [C1])
    assert isinstance(driver.usage_bytes(C1), int)
    identity = driver.identity(driver.path(C1))
    scene.say("publish to a taken place is refused")
    driver.stage("b-0")
    with pytest.raises(StorageError, match="already"):
        driver.publish("b-0", C1)
    scene.say("discard, twice")
    driver.discard("b-0")
    driver.discard("b-0")
    scene.say("quotas")
    driver.set_quota(C1, 20 * MIB)
    driver.set_quota(C1, None)
    scene.say("sync")
    driver.stage("c-0", Origin(volume=C1))
    driver.sync("c-0")
    driver.set_staged_quota("c-0", 20 * MIB)
    scene.say("publish the clone as another volume")
    driver.publish("c-0", C2)
    scene.say("rename, twice")
    driver.rename(C2, "c3")
    driver.rename(C2, "c3")
    scene.say("withdraw, twice, discard")
    driver.withdraw(C2.renamed("c3"), "d-0")
    driver.withdraw(C2.renamed("c3"), "d-0")
    driver.discard("d-0")
    assert (driver.list_volumes(), driver.identity(driver.path(C1))) == ([C1], identity)
    driver.destroy()


def snapshots(scene: Scene) -> None:
    driver = scene.made()
    publish(driver)
    scene.say("snapshot")
    take(driver, "s0", "s-0")
    assert (driver.list_snapshots(C1), driver.exists(C1, "s0")) == (["s0"], True)
    scene.say("rename the snapshot, twice")
    driver.rename_snapshot(C1, "s0", "daily")
    driver.rename_snapshot(C1, "s0", "daily")
    (driver.path(C1) / "content").write_text("second")
    scene.say("restore: beside, then exchanged")
    driver.stage("r-0", Origin(volume=C1, snapshot="daily"))
    driver.swap("r-0", C1)
    assert content(driver.path(C1)) == "first"
    scene.say("keep the former state, look, undo, drop")
    driver.keep_former("r-0")
    assert (driver.former_tokens(), isinstance(driver.former_bytes("r-0"), int)) == (["r-0"], True)
    driver.stage("u-0", Origin(volume=C1, former="r-0"))
    driver.swap("u-0", C1)
    assert content(driver.path(C1)) == "second"
    driver.discard("u-0")
    driver.drop_former("r-0")
    scene.say("rename the volume with its snapshot")
    driver.rename(C1, "c2")
    scene.say("withdraw the snapshot, discard")
    driver.withdraw(C2, "w-0", "daily")
    driver.discard("w-0")
    assert driver.list_snapshots(C2) == []
    scene.say("two more, then all goes at once")
    take(driver, "s1", "s-1", C2)
    take(driver, "s2", "s-2", C2)
    driver.withdraw_all(C2, "a-0", "a-1")
    assert driver.staged_tokens() == ["a-0", "a-1"]
    driver.discard("a-0")
    driver.discard("a-1")
    driver.destroy()


def failing_verbs(scene: Scene) -> None:
    driver = scene.made()
    fails = scene.teller.failure_of
    publish(driver)
    scene.say("a clone that fails takes its snapshot back")
    with fails("zfs", "clone"), pytest.raises(StorageError, match="suspended"):
        driver.stage("a-0", Origin(volume=C1))
    assert driver.staged_tokens() == []
    scene.say("no space for a dataset")
    with fails("zfs", "create", text="cannot create: out of space"), pytest.raises(NoSpaceError, match="out of space"):
        driver.stage("a-0")
    scene.say("a publication that fails leaves what is staged")
    driver.stage("b-0")
    with fails("zfs", "rename"), pytest.raises(StorageError, match="publishing"):
        driver.publish("b-0", C2)
    assert driver.staged_tokens() == ["b-0"]
    scene.say("an exchange that fails at first changes nothing")
    with fails("zfs", "rename", "p1/containers/c1"), pytest.raises(StorageError, match="exchanging"):
        driver.swap("b-0", C1)
    scene.say("an exchange that fails in the middle is taken back")
    with fails("zfs", "rename", "p1/.staging/b-0"), pytest.raises(StorageError, match="exchanging"):
        driver.swap("b-0", C1)
    assert content(driver.path(C1)) == "first"
    scene.say("an exchange that fails at last is taken back")
    with fails("zfs", "rename", "p1/.swapping/b-0"), pytest.raises(StorageError, match="exchanging"):
        driver.swap("b-0", C1)
    assert (content(driver.path(C1)), driver.staged_tokens()) == ("first", ["b-0"])
    driver.discard("b-0")
    take(driver, "s0", "s-0")
    scene.say("a snapshot that can't be withdrawn is protected again")
    with fails("zfs", "rename", "p1/containers-snapshots/c1/s0"), pytest.raises(StorageError, match="withdrawing"):
        driver.withdraw(C1, "w-0", "s0")
    assert driver.list_snapshots(C1) == ["s0"]
    scene.say("a volume whose heir can't take over stays")
    driver.withdraw(C1, "w-1")
    with fails("zfs", "promote"), pytest.raises(StorageError, match="removing"):
        driver.discard("w-1")
    assert (driver.staged_tokens(), content(driver.path(C1, "s0"))) == (["w-1"], "first")
    scene.say("done again it goes")
    driver.discard("w-1")
    driver.destroy()


class _Collected:
    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: memoryview | bytes, /) -> int:
        self.data += data
        return len(data)


def streams(scene: Scene) -> None:
    driver = scene.made()
    publish(driver)
    take(driver, "s0", "s-0")
    (driver.path(C1) / "content").write_text("second")
    take(driver, "s1", "s-1")
    sent: list[bytes] = []
    parent: tuple[str, str] | None = None
    for number, name in enumerate(("s0", "s1", None)):
        scene.say(f"stage to send: {name or 'the volume'}")
        documents = {} if name else {"backup.yaml": b"about it"}
        token, called = f"x-{number}", name or ".backup"
        (part,) = driver.stage_to_send(token, Origin(volume=C1, snapshot=name), called, documents)
        assert (part.path, part.is_read_only) == ("", name is not None)
        scene.say("send")
        sink = _Collected()
        with driver.sending(token, called, "", parent) as stream:
            assert pump(stream, sink) == stream.size_bytes
        sent.append(bytes(sink.data))
        parent = (token, called)
    assert not (driver.path(C1) / "backup.yaml").exists()
    for number in range(3):
        driver.discard(f"x-{number}")
    driver.stage_area("area-0")
    for number, data in enumerate(sent):
        scene.say(f"receive {number}")
        with driver.receiving("area-0", number, "any") as to:
            write_all(to, data)
    scene.say("a stream that is refused")
    with pytest.raises(ArchiveError, match="damaged"), driver.receiving("area-0", 3, "any") as to:
        write_all(to, b"x" * 312)
    for number in range(3):
        scene.say(f"put together {number}")
        driver.assemble(f"in-{number}", "area-0", [(number, "any", "")])
    scene.say("the area goes")
    driver.discard("area-0")
    scene.say("publish what was received")
    for number, name in enumerate(("s0", "s1")):
        driver.publish_snapshot(f"in-{number}", C2, name)
    driver.publish("in-2", C2)
    scene.say("a failing send")
    driver.stage_to_send("y-0", Origin(volume=C1), ".backup", {})
    with scene.teller.failure_of("zfs", "send"), pytest.raises(StorageError, match="sending"):  # noqa: SIM117
        with driver.sending("y-0", ".backup", "", None):
            pytest.fail("it began")
    driver.discard("y-0")
    driver.destroy()


SCENARIOS: dict[str, Callable[[Scene], None]] = {
    scenario.__name__.replace("_", "-"): scenario
    for scenario in (
        pool_in_a_file,
        pool_in_a_dataset,
        failing_pool,
        volumes,
        snapshots,
        failing_verbs,
        streams,
    )
}
