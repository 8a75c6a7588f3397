from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Unpack

import pytest

from holdfast.archive.definition import Definition
from holdfast.archive.instance_content import instance_content
from holdfast.archive.writer import write_export
from holdfast.db import backups as backups_table
from holdfast.db import instances as instances_table
from holdfast.db import profiles as profiles_table
from holdfast.db import snapshots as snapshots_table
from holdfast.db.database import Database, sqlite_url
from holdfast.model.backup import BackupOwner
from holdfast.model.clock import SystemClock
from holdfast.model.errors import BackupNotFoundError, BadRequestError, HoldfastError, InstanceNotFoundError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.kinds import Compression, StatusCode
from holdfast.model.operation import Event, Lifecycle, Operation
from holdfast.model.profile import Profile
from holdfast.model.storage import Pool, instance_volume
from holdfast.runtime.lxc.runtime import LxcRuntime
from holdfast.service import crashpoints
from holdfast.service.backup_services import BackupServices, make_backup_services
from holdfast.service.backups import BackupRequest
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.intents import IntentLog
from holdfast.service.locks import Locks
from holdfast.service.operations import Operations
from holdfast.service.paths import Paths
from holdfast.service.pools import PoolService
from holdfast.service.profiles import ProfileService
from holdfast.service.projects import ProjectService
from holdfast.service.recovery import Recovery
from holdfast.service.server_config import ServerConfigService
from holdfast.service.surroundings import Surroundings
from holdfast.storage.registry import DRIVERS
from holdfast.streams.compression import CompressionChoice
from holdfast.streams.growing import ArrivingFile
from support.trees import describe, differences, make_rich_tree
from support.wishes import ExportWishes, ImportWishes

pytestmark = pytest.mark.root
CALLER = Caller()
C1 = BackupOwner(project="default", name="c1")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROOT = {"root": {"type": "disk", "path": "/", "pool": "tank"}}
GOLDEN = Path(__file__).parents[2] / "golden/exports"


@dataclass
class World:
    """Real services over a real database and a real pool of the dir driver."""

    paths: Paths
    database: Database
    operations: Operations
    pools: PoolService
    made: BackupServices
    recovery: Recovery
    intents: IntentLog
    happened: list[tuple[str, str]]

    def wait(self, operation: Operation) -> Operation:
        return self.operations.wait(operation.id, 120)

    def succeed(self, operation: Operation) -> Operation:
        done = self.wait(operation)
        assert done.status is StatusCode.SUCCESS, done.error
        return done

    def fail(self, operation: Operation) -> str:
        done = self.wait(operation)
        assert done.status is StatusCode.FAILURE
        return done.error

    def tree(self, name: str, snapshot: str | None = None) -> Path:
        return self.pools.driver("tank").path(instance_volume(instance("x").type, "default", name), snapshot)

    def export(self, name: str = "", **request: Unpack[ExportWishes]) -> Path:
        operation = self.made.backups.create(CALLER, C1, BackupRequest(name=name, **request))
        self.succeed(operation)
        return self.made.backups.path(C1, operation.resources["backups"][0].rpartition("/")[2])

    def spool(self, source: Path | bytes) -> Path:
        path = self.paths.incoming / f"upload-{os.urandom(4).hex()}"
        path.write_bytes(source if isinstance(source, bytes) else source.read_bytes())
        return path

    def restore(self, source: Path | bytes, name: str | None = None, **options: Unpack[ImportWishes]) -> Operation:
        return self.made.imports.restore_file(CALLER, ArrivingFile(self.spool(source)), name, **options)

    def assert_nothing_left(self) -> None:
        assert list(self.paths.incoming.iterdir()) == []
        assert self.pools.driver("tank").staged_tokens() == []
        assert self.intents.list_open() == []

    def instance(self, name: str) -> Instance | None:
        with self.database.read() as connection:
            return instances_table.get(connection, "default", name)

    def snapshots(self, name: str) -> list[Snapshot]:
        with self.database.read() as connection:
            return snapshots_table.list_for(connection, "default", name)


def instance(name: str, **more: Any) -> Instance:
    made = Instance(project="default", name=name, created_at=NOW, profiles=("default",), devices=ROOT, pool="tank")
    return replace(made, **more)


@pytest.fixture(params=["dir"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    paths = Paths(tmp_path / "root")
    paths.prepare()
    database = Database(sqlite_url(paths.database))
    database.migrate()
    events, locks, clock = EventBus(), Locks(), SystemClock()
    happened: list[tuple[str, str]] = []

    def note(event: Event) -> None:
        if isinstance(event.body, Lifecycle):
            happened.append((event.body.action, event.body.source))

    operations, intents = Operations(events), IntentLog(database)
    pools = PoolService(database=database, paths=paths, drivers=DRIVERS, locks=locks, intents=intents, events=events)
    recovery = Recovery(intents, pools)
    runtime = LxcRuntime(paths.run)
    surroundings = Surroundings(
        database=database,
        paths=paths,
        pools=pools,
        profiles=ProfileService(database=database, locks=locks, events=events),
        runtime=runtime,
        locks=locks,
        intents=intents,
        operations=operations,
        events=events,
        clock=clock,
    )
    server_config = ServerConfigService(database=database, events=events)
    made = make_backup_services(surroundings, server_config=server_config, recovery=recovery)
    config = {"size": "1GiB"} if request.param == "btrfs" else {}
    pools.create(CALLER, "tank", request.param, "", config)
    ProjectService(database=database, locks=locks, events=events).ensure_default()
    world = World(paths, database, operations, pools, made, recovery, intents, happened)
    _make_instance(world)
    events.subscribe(note)
    yield world
    operations.drain(10)
    pools.driver("tank").destroy()
    runtime.close()
    database.close()


def _make_instance(world: World) -> None:
    driver, volume = world.pools.driver("tank"), instance_volume(instance("c1").type, "default", "c1")
    first = Snapshot(
        name="first",
        created_at=NOW,
        expires_at=NOW + timedelta(days=3000),
        config={"user.then": "1"},
        devices=ROOT,
        profiles=("default",),
    )
    for snapshot in ("first", None):
        token = f"setup-{snapshot}"
        tree = driver.stage(token)
        (tree / "rootfs").mkdir()
        make_rich_tree(tree / "rootfs")
        (tree / "rootfs" / "state").write_text(snapshot or "main")
        (tree / "metadata.yaml").write_text("architecture: x86_64\n")
        driver.publish_snapshot(token, volume, snapshot) if snapshot else driver.publish(token, volume)
    with world.database.write() as connection:
        instances_table.insert(connection, instance("c1", config={"user.note": "kept"}, description="the first"))
        snapshots_table.insert(connection, "default", "c1", first)


BOTH_DRIVERS = pytest.mark.parametrize("world", ["dir", "btrfs"], indirect=True)


@BOTH_DRIVERS
def test_export_and_import_under_another_name(world: World) -> None:
    path = world.export()
    world.succeed(world.restore(path, "c2"))
    for snapshot in ("first", None):
        wanted, found = describe(world.tree("c1", snapshot)), describe(world.tree("c2", snapshot))
        del wanted["."], found["."]
        assert differences(wanted, found) == []
    assert world.tree("c2").stat().st_mode & 0o777 == 0o100
    copy = world.instance("c2")
    assert copy is not None
    volatile = {"volatile.last_state.idmap", "volatile.uuid", "volatile.cloud-init.instance-id"}
    assert copy.config.keys() == {"user.note", *volatile}
    assert copy.config["user.note"] == "kept"
    assert (copy.description, copy.created_at, copy.profiles, copy.pool) == ("the first", NOW, ("default",), "tank")
    (snapshot,) = world.snapshots("c2")
    assert (snapshot.name, snapshot.expires_at, snapshot.config["user.then"]) == (
        "first",
        NOW + timedelta(days=3000),
        "1",
    )
    assert ("instance-backup-created", "/1.0/instances/c1/backups/backup0") in world.happened
    assert world.happened[-2:] == [
        ("instance-created", "/1.0/instances/c2"),
        ("instance-snapshot-created", "/1.0/instances/c2/snapshots/first"),
    ]
    world.assert_nothing_left()


def test_instance_only(world: World) -> None:
    world.succeed(world.restore(world.export(is_alone=True, compression="none"), "c2"))
    assert world.snapshots("c2") == []
    assert world.pools.driver("tank").list_snapshots(instance_volume(instance("x").type, "default", "c2")) == []


@pytest.mark.parametrize(
    "file", ["instance-dir.tar.gz", "instance-btrfs.tar.zst", "instance-dir-only-uncompressed.tar.zst"]
)
def test_files_of_lxd_are_imported(world: World, file: str) -> None:
    data = (GOLDEN / file).read_bytes()
    if file.endswith(".tar.zst") and "only" in file:
        import zstandard

        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    with world.database.write() as connection:
        found = profiles_table.get(connection, "default", "default") or Profile(project="default", name="default")
        profiles_table.update(connection, replace(found, devices=ROOT))
    operation = world.restore(data, "from-lxd")
    assert operation.description == "Restoring backup"
    assert operation.resources["instances"] == ("/1.0/instances/from-lxd",)
    world.succeed(operation)
    assert (world.tree("from-lxd") / "rootfs/data/file1").read_text() == "hello v1\n"
    assert len(world.snapshots("from-lxd")) == (0 if "only" in file else 2)
    world.assert_nothing_left()


def test_names_of_backups(world: World) -> None:
    first = world.made.backups.create(CALLER, C1, BackupRequest())
    second = world.made.backups.create(CALLER, C1, BackupRequest())
    assert [each.resources["backups"][0] for each in (first, second)] == [
        "/1.0/backups/backup0",
        "/1.0/backups/backup1",
    ]
    world.succeed(first)
    world.succeed(second)
    world.succeed(world.made.backups.create(CALLER, C1, BackupRequest(name="mine")))
    error = world.fail(world.made.backups.create(CALLER, C1, BackupRequest(name="mine")))
    assert error == 'Create backup: Backup "c1/mine" already exists'
    assert {backup.name for backup in world.made.backups.list(C1)} == {"backup0", "backup1", "mine"}
    world.assert_nothing_left()


def test_refused_requests(world: World) -> None:
    create = world.made.backups.create
    with pytest.raises(BadRequestError, match=r"^Backup names may not contain slashes$"):
        create(CALLER, C1, BackupRequest(name="a/b"))
    with pytest.raises(BadRequestError, match=r'^Invalid compression algorithm "nosuchcomp"$'):
        create(CALLER, C1, BackupRequest(compression="nosuchcomp"))
    with pytest.raises(InstanceNotFoundError, match=r"^Instance not found$"):
        create(CALLER, replace(C1, name="nosuch"), BackupRequest())
    with pytest.raises(BackupNotFoundError, match=r"^Load backup from database: Instance backup not found$"):
        world.made.backups.path(C1, "nosuch")
    with pytest.raises(BadRequestError):
        create(CALLER, C1, BackupRequest(name=".."))


def test_rename_and_delete(world: World) -> None:
    path = world.export(name="one")
    world.succeed(world.made.backups.rename(CALLER, C1, "one", "two"))
    assert not path.exists()
    renamed = world.made.backups.path(C1, "two", CALLER)
    assert renamed.is_file()
    assert world.happened[-1] == ("instance-backup-retrieved", "/1.0/instances/c1/backups/two")
    world.succeed(world.made.backups.delete(CALLER, C1, "two"))
    assert not renamed.exists()
    assert world.made.backups.list(C1) == []
    world.assert_nothing_left()


def test_expired_backups_go(world: World) -> None:
    world.export(name="old", expires_at=datetime.now(UTC) - timedelta(hours=1))
    world.export(name="young", expires_at=datetime.now(UTC) + timedelta(hours=1))
    world.export(name="lasting")
    world.made.backups.prune_expired()
    assert {backup.name for backup in world.made.backups.list(C1)} == {"young", "lasting"}
    assert not ((world.paths.backups / "instances/c1") / "old").exists()


def test_import_over_an_existing_instance(world: World) -> None:
    path = world.export()
    before = describe(world.tree("c1"))
    error = world.fail(world.restore(path))
    assert error.startswith("Create instance from backup: Cannot restore volume, already exists on target: ")
    assert differences(before, describe(world.tree("c1"))) == []
    world.assert_nothing_left()


def test_import_into_an_unknown_pool(world: World) -> None:
    with pytest.raises(HoldfastError, match=r'^Storage pool not found: "[a-z]+"$') as caught:
        world.restore(world.export(), "c2", pool="nopool")
    assert caught.value.status == 500
    world.assert_nothing_left()


def test_import_with_unknown_profile(world: World, tmp_path: Path) -> None:
    path = crafted(world, tmp_path, profiles=("default", "nosuch"))
    assert world.fail(world.restore(path, "c2")) == (
        'Failed loading profiles for instance: Profile not found: "nosuch": make one of this name, or import with '
        "other profiles (`--profile`, `--no-profiles`)"
    )
    world.assert_nothing_left()


def test_threat_import_that_clashes_can_be_told_other_devices(world: World, tmp_path: Path) -> None:
    path = crafted(world, tmp_path, devices={**ROOT, "gone": {"type": "disk", "path": "/mnt", "source": "/srv/x"}})
    world.succeed(world.restore(path, "c2", devices={"gone": {"type": "none"}, "root": {"size": "1GiB"}}))
    made = world.instance("c2")
    assert made is not None
    assert made.devices["root"] == {"type": "disk", "path": "/", "pool": "tank", "size": "1GiB"}
    assert made.devices["gone"]["type"] == "none"


@pytest.mark.parametrize("data", [b"", b"garbage" * 200, b"hsqs" + bytes(1000)])
def test_import_of_garbage(world: World, data: bytes) -> None:
    with pytest.raises(HoldfastError, match=r"^Unsupported compression") as caught:
        world.restore(data, "c2")
    assert caught.value.status == 500
    world.assert_nothing_left()


def test_threat_truncated_upload_leaves_nothing(world: World) -> None:
    whole = world.export(compression="gzip").read_bytes()
    for cut in (len(whole) - 4, len(whole) * 2 // 3):
        world.fail(world.restore(whole[:cut], "c2"))
        assert world.instance("c2") is None
        assert not world.tree("c2").exists()
        world.assert_nothing_left()


def test_threat_forbidden_key_in_a_snapshot(world: World, tmp_path: Path) -> None:
    """What hides in a snapshot is checked like the instance: a restore would let it loose."""
    bad = Snapshot(name="first", created_at=NOW, config={"no.such.key": "1"}, devices=ROOT, profiles=("default",))
    path = crafted(world, tmp_path, snapshots=(bad,))
    assert "no.such.key" in world.fail(world.restore(path, "c2"))
    assert world.instance("c2") is None
    world.assert_nothing_left()


def test_threat_instance_name_from_the_file(world: World, tmp_path: Path) -> None:
    for name in ("../../etc", "a/b", ".", "-x", "x" * 64):
        with pytest.raises(HoldfastError):
            world.restore(crafted(world, tmp_path, name=name))
    world.assert_nothing_left()


@pytest.mark.parametrize("changes", [{"architecture": "x86_64\nlxc.hook.pre-start = /x"}, {"architecture": "../x"}])
def test_threat_values_of_the_file_that_no_request_could_bring(
    world: World, tmp_path: Path, changes: dict[str, object]
) -> None:
    assert "Architecture" in world.fail(world.restore(crafted(world, tmp_path, **changes), "c2"))
    world.assert_nothing_left()


def test_threat_incoming_files_are_for_root_only(world: World) -> None:
    """The umask doesn't decide who may read backups."""
    before = os.umask(0)
    try:
        path = world.export()
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    assert world.paths.incoming.stat().st_mode & 0o777 == 0o700
    assert path.parent.stat().st_mode & 0o777 == 0o700


def crafted(world: World, tmp_path: Path, snapshots: tuple[Snapshot, ...] = (), **changes: object) -> Path:
    """Write an export file that says what our own server would not."""
    tree = tmp_path / "crafted-tree"
    (tree / "rootfs").mkdir(parents=True, exist_ok=True)
    target = tmp_path / f"crafted-{os.urandom(4).hex()}"
    definition = Definition(
        instance=instance(str(changes.pop("name", "c9")), **changes),
        snapshots=snapshots,
        profiles=(Profile(project="default", name="default"),),
    )
    trees = dict.fromkeys([*(snapshot.name for snapshot in snapshots), None], tree)
    pool = Pool(name="tank", driver="dir")
    write_export(target, instance_content(definition, pool, trees), CompressionChoice(Compression.GZIP), now=NOW)
    return target


class Crash(BaseException):
    pass


CRASHES: dict[str, Callable[[World], object]] = {
    "backup-create": lambda world: world.wait(world.made.backups.create(CALLER, C1, BackupRequest(name="b"))),
    "backup-rename": lambda world: world.wait(world.made.backups.rename(CALLER, C1, "kept", "b")),
    "backup-delete": lambda world: world.wait(world.made.backups.delete(CALLER, C1, "kept")),
    "instance-import": lambda world: world.wait(world.restore(world.made.backups.path(C1, "kept"), "c2")),
}


@BOTH_DRIVERS
@pytest.mark.parametrize("point", [point for point in crashpoints.ALL_POINTS if point.partition(":")[0] in CRASHES])
def test_recovery_after_a_crash(world: World, tmp_path: Path, point: str) -> None:
    """A child process dies at the point; the parent then recovers as a new start would."""
    world.export(name="kept")
    kind = point.partition(":")[0]
    child = os.fork()
    if child == 0:
        os.environ[crashpoints.VARIABLE] = point
        operations = Operations(EventBus())
        world.operations = operations
        world.made.backups._operations = operations
        world.made.imports._operations = operations
        CRASHES[kind](world)
        os._exit(77)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"{point} was not reached"
    world.recovery.run()
    for path in world.paths.incoming.iterdir():
        assert path.name.startswith("upload-")  # what start-up clears
        path.unlink()
    world.assert_nothing_left()
    recorded = {backup.name for backup in world.made.backups.list(C1)}
    files = {path.name for path in (world.paths.backups / "instances/c1").iterdir()}
    assert recorded == files
    assert (world.instance("c2") is not None) == world.tree("c2").exists()
    if kind != "backup-delete":
        assert recorded & {"kept", "b"}
    if world.instance("c2") is not None:
        assert differences(describe(world.tree("c1") / "rootfs"), describe(world.tree("c2") / "rootfs")) == []
        assert len(world.snapshots("c2")) == 1


def test_export_waits_for_no_other_instance(world: World) -> None:
    """While one export holds the instance, looking at backups still works at once."""
    started, go = threading.Event(), threading.Event()
    with world.database.read() as connection:
        assert backups_table.list_for(connection, C1) == []

    def hold() -> None:
        with world.made.backups._locks.hold("instance:default/c1", what="restore"):
            started.set()
            go.wait(120)

    thread = threading.Thread(target=hold)
    thread.start()
    assert started.wait(120)
    operation = world.made.backups.create(CALLER, C1, BackupRequest(name="b"))
    assert world.made.backups.list(C1) == []
    go.set()
    thread.join()
    world.succeed(operation)


@pytest.mark.parametrize("what", ["export", "import"])
def test_a_cancelled_one_leaves_nothing_and_can_be_made_again(world: World, what: str) -> None:
    file = world.spool(world.export(name="source")).rename(world.paths.root / "file")

    def start() -> Operation:
        if what == "import":
            return world.restore(file, "c2")
        return world.made.backups.create(CALLER, C1, BackupRequest(name="b"))

    with world.made.backups._locks.hold("instance:default/c1", "instance:default/c2", what="restore"):
        operation = start()
        assert operation.may_cancel
        world.operations.cancel(CALLER, operation.id)
    ended = world.wait(operation)
    assert ended.status is StatusCode.CANCELLED
    world.assert_nothing_left()
    assert world.instance("c2") is None
    assert [backup.name for backup in world.made.backups.list(C1)] == ["source"]
    world.succeed(start())


def test_operation_shows_progress(world: World) -> None:
    done = world.succeed(world.made.backups.create(CALLER, C1, BackupRequest()))
    text = json.dumps(dict(done.metadata or {}))
    assert "create_backup_progress" in text
    assert "B/s)" in text
