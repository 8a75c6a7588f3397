"""Pools, and recovery after a crash, on real directories."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.db import instances, pools, profiles, protections
from holdfast.db.database import Database, sqlite_url
from holdfast.model.clock import SystemClock
from holdfast.model.errors import BadRequestError, ConflictError, NotFoundError, PoolNotFoundError, StorageError
from holdfast.model.instance import Instance
from holdfast.model.kinds import InstanceType
from holdfast.model.operation import Event, JsonValue, Lifecycle
from holdfast.model.profile import Profile
from holdfast.model.storage import Pool, instance_volume
from holdfast.model.warning import Severity, WarningStatus
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.intents import Intent, IntentLog
from holdfast.service.locks import Locks
from holdfast.service.paths import Paths
from holdfast.service.pools import CREATE_INTENT, DELETE_INTENT, PoolService
from holdfast.service.projects import ProjectService
from holdfast.service.recovery import Recovery
from holdfast.service.warnings import WarningService
from holdfast.storage.driver import Driver
from holdfast.storage.drivers.dir import DirDriver
from support.protections import PROTECTION

CALLER = Caller()


class Scene:
    """Services on one directory; `restart` builds them anew, as the next start would."""

    def __init__(self, root: Path) -> None:
        self.paths = Paths(root)
        self.paths.prepare()
        self.database = Database(sqlite_url(self.paths.database))
        self.database.migrate()
        self.events = EventBus()
        self.seen: list[Event] = []
        self.events.subscribe(self.seen.append)
        ProjectService(database=self.database, locks=Locks(), events=self.events).ensure_default()
        self.restart({"dir": DirDriver})

    def restart(self, drivers: Mapping[str, type[Driver]]) -> None:
        self.intents = IntentLog(self.database)
        self.pools = PoolService(
            database=self.database,
            paths=self.paths,
            drivers=drivers,
            locks=Locks(),
            intents=self.intents,
            events=self.events,
        )
        self.recovery = Recovery(self.intents, self.pools)
        self.recovery.register(CREATE_INTENT, self.pools.undo_create)
        self.recovery.register(DELETE_INTENT, self.pools.finish_delete)

    def start(self) -> None:
        self.pools.activate_all()
        self.recovery.run()

    def actions(self) -> list[str]:
        return [event.body.action for event in self.seen if isinstance(event.body, Lifecycle)]

    def add_instance(self, name: str = "c1", pool: str = "p") -> None:
        instance = Instance(project="default", name=name, created_at=SystemClock().now(), pool=pool)
        with self.database.write() as connection:
            instances.insert(connection, instance)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "root")
    yield made
    made.database.close()


def test_life_of_a_pool(scene: Scene) -> None:
    made = scene.pools.create(CALLER, "p", "dir", "mine", {})
    assert made.config == {"source": str(scene.paths.pool("p"))}
    assert scene.pools.get("p") == made
    assert scene.pools.status("p") == "Created"
    assert scene.pools.resources("p").space_total_bytes > 0
    updated = scene.pools.update(CALLER, "p", "changed", {**made.config, "user.x": "y"})
    assert scene.pools.get("p") == updated
    scene.pools.delete(CALLER, "p")
    assert scene.pools.list() == []
    assert not scene.paths.pool("p").exists()
    assert scene.intents.list_open() == []
    assert scene.actions() == ["storage-pool-created", "storage-pool-updated", "storage-pool-deleted"]


def test_a_pool_for_the_copies_of_a_protection_stays(scene: Scene) -> None:
    """Also while there is no copy in it yet; a deletion that a crash cut doesn't go on then."""
    pool = scene.pools.create(CALLER, "p", "dir", "", {})
    with scene.database.write() as connection:
        protections.insert(connection, PROTECTION)
    with pytest.raises(BadRequestError, match="currently in use"):
        scene.pools.delete(CALLER, "p")
    payload: dict[str, JsonValue] = {"pool": "p", "driver": "dir", "config": dict(pool.config)}
    scene.pools.finish_delete(scene.intents.open(DELETE_INTENT, payload))
    assert scene.paths.pool("p").exists()
    assert scene.intents.list_open() == []
    assert scene.pools.used_by("p") == ["/1.0/protections/home-all"]
    with scene.database.write() as connection:
        protections.delete(connection, "home-all")
    scene.pools.delete(CALLER, "p")
    assert scene.pools.list() == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("volume.snapshots.pattern", "a b"),
        ("volume.snapshots.pattern", "{{ volume }}"),
        ("volume.snapshots.schedules.x.pattern", "{{ creation_date|date:'2006/01/02' }}"),
        ("volume.snapshots.expiry", "99999y"),
    ],
)
def test_a_rule_for_new_volumes_that_gives_no_snapshot(scene: Scene, key: str, value: str) -> None:
    """Refused when it is set, and named; what is stored already doesn't forbid other changes."""
    with pytest.raises(BadRequestError) as refused:
        scene.pools.create(CALLER, "p", "dir", "", {key: value})
    assert str(refused.value).endswith(f'({key}: "{value}")')
    made = scene.pools.create(CALLER, "p", "dir", "", {"volume.snapshots.pattern": "day%d"})
    with pytest.raises(BadRequestError):
        scene.pools.update(CALLER, "p", "", {**made.config, key: value})
    with scene.database.write() as connection:
        pools.update(connection, replace(made, config={**made.config, key: value}))
    scene.pools.update(CALLER, "p", "changed", {**made.config, key: value})


@pytest.mark.parametrize(
    ("name", "driver", "config", "text"),
    [
        ("a/b", "dir", {}, "slashes"),
        ("..", "dir", {}, "Invalid storage pool name"),
        ("p", "bogus", {}, "bogus"),
        ("p", "lvm", {}, "lvm"),
        ("p", "dir", {"nope": "1"}, "nope"),
    ],
)
def test_refused(scene: Scene, name: str, driver: str, config: dict[str, str], text: str) -> None:
    with pytest.raises(BadRequestError, match=text):
        scene.pools.create(CALLER, name, driver, "", config)
    assert scene.pools.list() == []
    assert scene.intents.list_open() == []
    assert list(scene.paths.pools.iterdir()) == []


def test_a_kernel_without_zfs_is_answered_with_the_remedy(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.host.zfs.module_version", lambda: None)
    with pytest.raises(BadRequestError, match=r"the kernel has no zfs; install its module"):
        scene.pools.create(CALLER, "p", "zfs", "", {"size": "1GiB"})
    assert (scene.pools.list(), scene.intents.list_open()) == ([], [])
    assert list(scene.paths.pools.iterdir()) == []
    assert not scene.paths.disks.exists() or list(scene.paths.disks.iterdir()) == []


def test_failure_to_make_it_leaves_nothing(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        scene.pools.create(CALLER, "p", "dir", "", {"source": str(tmp_path / "nosuch")})
    assert scene.intents.list_open() == []
    assert scene.pools.list() == []
    with pytest.raises(PoolNotFoundError):
        scene.pools.driver("p")


def test_taken_name(scene: Scene) -> None:
    scene.pools.create(CALLER, "p", "dir", "", {})
    with pytest.raises(ConflictError, match="already exists"):
        scene.pools.create(CALLER, "p", "dir", "", {})


def test_what_was_decided_at_creation_stays(scene: Scene) -> None:
    made = scene.pools.create(CALLER, "p", "dir", "", {})
    with pytest.raises(BadRequestError, match='"source" cannot be changed'):
        scene.pools.update(CALLER, "p", "", {"source": "/elsewhere"})
    with pytest.raises(BadRequestError, match='"source" cannot be changed'):
        scene.pools.update(CALLER, "p", "", {})
    assert scene.pools.patch(CALLER, "p", description="new").config == made.config


def test_pool_in_use_stays(scene: Scene) -> None:
    scene.pools.create(CALLER, "p", "dir", "", {})
    scene.add_instance()
    with scene.database.write() as connection:
        root = {"type": "disk", "path": "/", "pool": "p"}
        profiles.insert(connection, Profile(project="default", name="x", devices={"root": root}))
    assert scene.pools.used_by("p") == ["/1.0/instances/c1", "/1.0/profiles/x"]
    with pytest.raises(BadRequestError, match=r"^The storage pool is currently in use$"):
        scene.pools.delete(CALLER, "p")
    assert scene.paths.pool("p").is_dir()
    volumes = scene.pools.volumes("p", "default")
    assert [view.volume for view in volumes] == [instance_volume(InstanceType.CONTAINER, "default", "c1")]


def test_restart_activates(scene: Scene) -> None:
    scene.pools.create(CALLER, "p", "dir", "", {})
    scene.restart({"dir": DirDriver})
    assert scene.pools.status("p") == "Unavailable"
    scene.start()
    assert scene.pools.status("p") == "Created"


def test_pool_that_cannot_be_activated_keeps_nobody_down(
    scene: Scene, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = tmp_path / "disk"
    source.mkdir()
    scene.pools.create(CALLER, "p", "dir", "", {})
    scene.pools.create(CALLER, "away", "dir", "", {"source": str(source)})
    scene.pools.driver("away").deactivate()
    source.rename(tmp_path / "taken-away")
    scene.restart({"dir": DirDriver})
    scene.start()
    assert (scene.pools.status("p"), scene.pools.status("away")) == ("Created", "Unavailable")
    assert "Storage pool away is unavailable" in caplog.text
    with pytest.raises(StorageError):
        scene.pools.driver("away")
    (tmp_path / "taken-away").rename(source)
    assert scene.pools.driver("away").exists(instance_volume(InstanceType.CONTAINER, "default", "x")) is False
    assert scene.pools.status("away") == "Created"
    scene.pools.delete(CALLER, "away")


def test_pool_whose_disk_is_not_mounted_is_unavailable_until_it_is(scene: Scene, tmp_path: Path) -> None:
    """An empty mount point isn't laid out anew: what is written there would be hidden by the disk, and lost."""
    source = tmp_path / "usb"
    source.mkdir()
    scene.pools.create(CALLER, "usb", "dir", "", {"source": str(source)})
    scene.pools.driver("usb").deactivate()
    disk = source.rename(tmp_path / "unmounted")
    source.mkdir()
    scene.restart({"dir": DirDriver})
    scene.start()
    assert (scene.pools.status("usb"), list(source.iterdir())) == ("Unavailable", [])
    with pytest.raises(StorageError) as refused:
        scene.pools.driver("usb")
    for part in ('Storage pool "usb" is unavailable', str(source), "mount the disk", "storage delete usb --force"):
        assert part in str(refused.value)
    scene.pools.activate_all()
    warnings = WarningService(database=scene.database, events=scene.events, clock=SystemClock())
    (warning,) = warnings.list(None)
    assert (warning.kind, warning.entity, warning.status, warning.occurrences, warning.severity) == (
        "Storage pool unavailable",
        "/1.0/storage-pools/usb",
        WarningStatus.NEW,
        1,
        Severity.HIGH,
    )
    assert warning.message == str(refused.value)
    source.rmdir()
    disk.rename(source)
    scene.pools.activate_all()
    assert scene.pools.status("usb") == "Created"
    assert [each.status for each in warnings.list(None)] == [WarningStatus.RESOLVED]
    scene.pools.delete(CALLER, "usb")
    assert warnings.list(None) == []


def test_deletion_that_fails_is_not_carried_out_later(scene: Scene) -> None:
    class Busy(DirDriver):
        def destroy(self) -> None:
            raise StorageError("busy")

    scene.restart({"dir": Busy})
    scene.pools.create(CALLER, "p", "dir", "", {})
    with pytest.raises(StorageError, match="busy"):
        scene.pools.delete(CALLER, "p")
    assert scene.intents.list_open() == []
    assert scene.pools.driver("p").exists(instance_volume(InstanceType.CONTAINER, "default", "x")) is False


def test_deletion_that_was_cut_spares_what_has_come_since(scene: Scene) -> None:
    pool = scene.pools.create(CALLER, "p", "dir", "", {})
    scene.intents.open(DELETE_INTENT, crash_payload(pool))
    scene.add_instance()
    scene.restart({"dir": DirDriver})
    scene.start()
    assert scene.pools.status("p") == "Created"
    assert scene.intents.list_open() == []


def test_two_who_need_a_pool_that_came_back_activate_it_once(scene: Scene) -> None:
    scene.pools.create(CALLER, "p", "dir", "", {})
    meeting = threading.Barrier(2)
    met: list[bool] = []

    class Meeting(DirDriver):
        def activate(self) -> None:
            try:
                meeting.wait(timeout=1)
                met.append(True)
            except threading.BrokenBarrierError:
                super().activate()

    scene.restart({"dir": Meeting})
    with ThreadPoolExecutor(2) as executor:
        found = list(executor.map(scene.pools.driver, ["p", "p"]))
    assert met == []
    assert found[0] is found[1]


def crash_payload(pool: Pool) -> dict[str, JsonValue]:
    config: dict[str, JsonValue] = {**pool.config}
    return {"pool": pool.name, "driver": pool.driver, "config": config}


def test_creation_that_a_crash_cut_is_undone(scene: Scene) -> None:
    pool = Pool(name="p", driver="dir", config={})
    scene.intents.open(CREATE_INTENT, crash_payload(pool))
    DirDriver(pool, scene.paths.pool("p"), scene.paths.disks).create()
    scene.restart({"dir": DirDriver})
    scene.start()
    assert not scene.paths.pool("p").exists()
    assert scene.intents.list_open() == []
    scene.pools.create(CALLER, "p", "dir", "", {})


def test_creation_cut_before_it_began_leaves_foreign_files_alone(scene: Scene, tmp_path: Path) -> None:
    source = tmp_path / "mine"
    (source / "containers").mkdir(parents=True)
    (source / "containers" / "precious").write_text("data")
    scene.intents.open(CREATE_INTENT, crash_payload(Pool(name="p", driver="dir", config={"source": str(source)})))
    scene.restart({"dir": DirDriver})
    scene.start()
    assert (source / "containers" / "precious").read_text() == "data"
    assert scene.intents.list_open() == []


def test_deletion_that_a_crash_cut_is_finished(scene: Scene) -> None:
    pool = scene.pools.create(CALLER, "p", "dir", "", {})
    scene.intents.open(DELETE_INTENT, crash_payload(pool))
    scene.restart({"dir": DirDriver})
    scene.start()
    assert scene.pools.list() == []
    assert not scene.paths.pool("p").exists()
    assert scene.intents.list_open() == []


def test_staged_trees_of_no_intent_are_discarded(scene: Scene) -> None:
    scene.pools.create(CALLER, "p", "dir", "", {})
    driver = scene.pools.driver("p")
    intent = scene.intents.open("unknown-kind", {})
    for token in (intent.token(), intent.token(1), "gone-0", "image-ab-12"):
        driver.stage(token)
    scene.restart({"dir": DirDriver})
    scene.start()
    assert sorted(driver.staged_tokens()) == [intent.token(), intent.token(1)]


def test_broken_handler_keeps_its_intent_and_nobody_down(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    handled: list[str] = []

    def close(intent: Intent) -> None:
        handled.append(intent.text("instance"))
        scene.intents.close(intent)

    def fail(_: Intent) -> None:
        raise ZeroDivisionError

    scene.recovery.register("broken", fail)
    scene.recovery.register("whole", close)
    broken = scene.intents.open("broken", {})
    scene.intents.open("whole", {"instance": "c1"}).note(step="staged")
    with caplog.at_level(logging.WARNING):
        scene.start()
    assert handled == ["c1"]
    assert [intent.id for intent in scene.intents.list_open()] == [broken.id]
    assert "could not be ended" in caplog.text
    with pytest.raises(ValueError, match="Two handlers"):
        scene.recovery.register("whole", close)


def test_unknown_pool(scene: Scene) -> None:
    for ask in (scene.pools.get, scene.pools.driver, scene.pools.used_by, scene.pools.resources):
        with pytest.raises(NotFoundError, match=r"^Storage pool not found$"):
            ask("nosuch")
