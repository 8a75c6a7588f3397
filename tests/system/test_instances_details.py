"""Settings, snapshots, commands, files, logs and templates of instances, and what must not be possible with them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.db import snapshots as snapshots_table
from holdfast.model.errors import BadRequestError, HoldfastError, NotFoundError, StorageError
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.kinds import StatusCode
from holdfast.model.storage import Volume
from holdfast.service.instance_requests import (
    NEVER,
    ExecRequest,
    FromImage,
    FromNothing,
    InstanceRequest,
    SnapshotChange,
)
from holdfast.service.locks import instance_lock
from holdfast.storage.driver import Origin
from support.world import CALLER, POOLS, World, furnished_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]
ROOT = {"root": {"type": "disk", "path": "/", "pool": "d"}}


@pytest.fixture(scope="module")
def the_world() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture
def world(the_world: World) -> Iterator[World]:
    the_world.events.clear()
    yield the_world
    the_world.clear()
    assert the_world.left_over() == []


def _tree(world: World, name: str) -> Path:
    instance = world.services.instances.get("default", name).instance
    return world.services.pools.driver(instance.pool).mount / "containers" / name


# --- create ---------------------------------------------------------------------------------------------------------


def test_keys_of_a_new_instance(world: World) -> None:
    world.create("c1", "d")
    config = world.services.instances.get("default", "c1").instance.config
    image = world.services.images.by_alias("default", "tiny")
    assert config["volatile.base_image"] == image.fingerprint
    assert config["image.os"] == "Busybox"
    assert config["volatile.last_state.idmap"] == "[]"
    assert config["volatile.apply_template"] == "create"
    world.power("c1", "start")
    started = world.services.instances.get("default", "c1").instance
    assert "volatile.apply_template" not in started.config
    assert started.config["volatile.last_state.power"] == "RUNNING"
    assert started.last_used_at is not None


def test_a_pet_name_is_in_the_resources(world: World) -> None:
    operation = world.finish(world.services.instances.create(CALLER, InstanceRequest(devices=ROOT), FromNothing()))
    assert operation.resources["instances"] == (f"/1.0/instances/{world.names().pop()}",)


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (InstanceRequest(name="c1"), "No root device could be found"),
        (InstanceRequest(name="c1", devices={"root": {**ROOT["root"], "pool": "no"}}), "Storage pool not found"),
        (InstanceRequest(name="c1", devices=ROOT, profiles=("no",)), 'Requested profile "no" doesn\'t exist'),
        (InstanceRequest(name="c1", devices=ROOT, config={"no.key": "1"}), "Unknown configuration key: no.key"),
        (InstanceRequest(name="c1", devices={**ROOT, "x": {"type": "gpu"}}), 'Unsupported device type "gpu"'),
    ],
)
def test_what_can_not_be_made_leaves_nothing(world: World, request_: InstanceRequest, text: str) -> None:
    with pytest.raises(HoldfastError, match=text):
        world.finish(world.services.instances.create(CALLER, request_, FromImage(alias="tiny")))
    assert world.names() == set()


def test_bad_names_and_unknown_images_are_refused_at_once(world: World) -> None:
    with pytest.raises(BadRequestError, match="alphanumeric and hyphen"):
        world.services.instances.create(CALLER, InstanceRequest(name="bad_name"), FromNothing())
    with pytest.raises(NotFoundError, match="Image alias not found"):
        world.services.instances.create(CALLER, InstanceRequest(name="c1"), FromImage(alias="nosuch"))


# --- snapshots --------------------------------------------------------------------------------------------------------


def test_names_and_expiry_of_snapshots(world: World) -> None:
    world.create("c1", "d")
    service = world.services.snapshots
    world.services.instances.patch(CALLER, "c1", InstanceChange(config={"snapshots.expiry": "1d"}))
    world.finish(service.create(CALLER, "c1"))
    world.finish(service.create(CALLER, "c1", expires=NEVER))
    past = datetime.now(UTC) - timedelta(minutes=1)
    world.finish(service.create(CALLER, "c1", "old", past))
    views = {view.snapshot.name: view.snapshot for view in service.list("default", "c1")}
    assert list(views) == ["snap0", "snap1", "old"]
    assert views["snap0"].expires_at == views["snap0"].created_at + timedelta(days=1)
    assert views["snap1"].expires_at is None
    world.finish(service.update(CALLER, "c1", "snap0", SnapshotChange()))
    assert service.get("default", "c1", "snap0").snapshot.expires_at == views["snap0"].expires_at
    world.finish(service.update(CALLER, "c1", "snap0", SnapshotChange(expires=NEVER)))
    assert world.tick() == 1
    assert world.snapshots("c1") == ["snap0", "snap1"]


def test_pruning_of_expired_snapshots(world: World) -> None:
    service = world.services.snapshots
    world.create("c1", "d")
    assert world.tick() == 0
    past = datetime.now(UTC) - timedelta(minutes=1)
    for name, expires in (("old", past), ("older", past), ("young", datetime.now(UTC) + timedelta(hours=1))):
        world.finish(service.create(CALLER, "c1", name, expires))
    world.snapshot("c1", "lasting")
    assert world.tick() == 1
    descriptions = [each.description for each in world.services.operations.list("default")]
    assert "Cleaning up expired instance snapshots" in descriptions
    assert world.snapshots("c1") == ["young", "lasting"]
    assert world.actions().count("instance-snapshot-deleted") == 2
    assert world.tick() == 0


def test_a_snapshot_that_was_given_more_time_meanwhile_is_not_pruned(world: World) -> None:
    service = world.services.snapshots
    world.create("c1", "d")
    world.finish(service.create(CALLER, "c1", "old", datetime.now(UTC) - timedelta(minutes=1)))
    subject = world.services.schedules.subject("default", "c1")
    with world.services.locks.hold(instance_lock("default", "c1"), what="test"):
        assert world.tick() == 1, "what others hold must not be waited for"
        assert world.snapshots("c1") == ["old"]
        fates = world.services.retention.fates(world.services.schedules, subject)
        assert [fate.verdict.is_removed for fate in fates] == [True]
        snapshot = replace(service.get("default", "c1", "old").snapshot, expires_at=None)
        with world.services.database.write() as connection:
            snapshots_table.update(connection, "default", "c1", snapshot)
    world.services.retention.prune(world.services.schedules, subject)
    assert world.snapshots("c1") == ["old"]


def test_refusals_of_snapshots(world: World) -> None:
    world.create("c1", "d")
    world.snapshot("c1", "one")
    service = world.services.snapshots
    with pytest.raises(BadRequestError, match='Invalid snapshot name: Cannot contain "/"'):
        service.create(CALLER, "c1", "a/b")
    for name, text in (("bad name", "space or /"), ("one", 'This "instances_snapshots" entry already exists')):
        with pytest.raises(HoldfastError, match=f'Failed creating instance snapshot record "{name}": .*{text}'):
            world.snapshot("c1", name)
    with pytest.raises(HoldfastError, match="Name 'c1/one' already in use"):
        service.rename(CALLER, "c1", "one", "one")
    with pytest.raises(NotFoundError, match="InstanceSnapshot not found"):
        service.delete(CALLER, "c1", "two")
    with pytest.raises(HoldfastError, match="Snapshot c1/two does not exist"):
        world.finish(world.services.restore.restore(CALLER, "c1", "c1/two"))


def test_threat_a_snapshot_that_hides_forbidden_keys_is_not_restored(world: World) -> None:
    world.create("c1", "d")
    world.snapshot("c1", "one")
    snapshot = world.services.snapshots.get("default", "c1", "one").snapshot
    evil = replace(snapshot, config={**snapshot.config, "evil.key": "1"})
    with world.services.database.write() as connection:
        snapshots_table.update(connection, "default", "c1", evil)
    with pytest.raises(HoldfastError, match=r"Unknown configuration key: evil\.key"):
        world.finish(world.services.restore.restore(CALLER, "c1", "one"))


def test_restore_brings_config_and_devices_back_and_keeps_other_snapshots(world: World) -> None:
    world.create("c1", "b", start=True)
    world.services.instances.patch(CALLER, "c1", InstanceChange(config={"user.a": "before"}))
    world.snapshot("c1", "one")
    world.services.instances.patch(CALLER, "c1", InstanceChange(config={"user.a": "after"}))
    world.snapshot("c1", "two")
    world.finish(world.services.restore.restore(CALLER, "c1", "one"))
    view = world.services.instances.get("default", "c1")
    assert view.instance.config["user.a"] == "before"
    assert view.status is StatusCode.RUNNING
    assert world.snapshots("c1") == ["one", "two"]
    assert world.actions()[-2:] == ["instance-restored", "instance-started"]


@pytest.mark.parametrize("pool", POOLS)
def test_what_is_in_the_place_of_a_snapshot_is_left_alone(world: World, pool: str) -> None:
    world.create("c1", pool, start=True)
    folder = world.services.pools.driver(pool).mount / "containers-snapshots" / "c1"
    (folder / "one").mkdir(parents=True)
    (folder / "one" / "precious").write_text("x")
    with pytest.raises(HoldfastError, match="not in the database"):
        world.snapshot("c1", "one")
    assert (folder / "one" / "precious").read_text() == "x"
    shutil.rmtree(folder)


@pytest.mark.parametrize("pool", POOLS)
def test_a_snapshot_that_fails_leaves_the_instance_running_and_nothing_else(
    world: World, pool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise StorageError("no")

    world.create("c1", pool, start=True)
    driver = world.services.pools.driver(pool)
    for verb in ("_clone_tree", "sync", "publish_snapshot"):
        with monkeypatch.context() as patch:
            patch.setattr(driver, verb, fail)
            with pytest.raises(HoldfastError, match="no"):
                world.snapshot("c1", "one")
        assert world.services.instances.get("default", "c1").status is StatusCode.RUNNING
        assert world.left_over() == []


@pytest.mark.parametrize("is_running", [False, True])
def test_a_restore_shares_files_with_a_stopped_instance_only(
    world: World, is_running: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.create("c1", "d", start=is_running)
    world.snapshot("c1", "one")
    driver = world.services.pools.driver("d")
    stage, resembled = driver.stage, []

    def noting(
        token: str,
        origin: Origin,
        *,
        resembling: Volume | None,
        relative: Origin | None,
        cancelled: Callable[[], bool] | None,
    ) -> Path:
        resembled.append(resembling)
        return stage(token, origin, resembling=resembling, relative=relative, cancelled=cancelled)

    monkeypatch.setattr(driver, "stage", noting)
    world.finish(world.services.restore.restore(CALLER, "c1", "one"))
    assert [volume is not None for volume in resembled] == [not is_running]
    assert world.left_over() == []


# --- commands, files, logs ------------------------------------------------------------------------------------------


def test_recorded_output(world: World) -> None:
    world.create("c1", "d", start=True)
    service = world.services.exec
    request = ExecRequest(
        command=("sh", "-c", "echo $A; echo err >&2; exit 3"), environment={"A": "x"}, record_output=True
    )
    operation = world.finish(service.run(CALLER, service.prepare(CALLER, "c1", request)))
    assert operation.metadata is not None
    assert operation.metadata["return"] == 3
    names = sorted(name for name in world.services.logs.list("default", "c1") if name.startswith("exec_"))
    assert [world.services.logs.read("default", "c1", name).read_text() for name in names] == ["err\n", "x\n"]
    world.services.logs.delete(CALLER, "c1", names[0])
    assert names[0] not in world.services.logs.list("default", "c1")
    with pytest.raises(BadRequestError):
        world.services.logs.delete(CALLER, "c1", "lxc.log")


def test_threat_log_names_stay_in_the_log_directory(world: World) -> None:
    world.create("c1", "d")
    folder = world.services.paths.instance_logs("default", "c1")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "link.log").symlink_to("/etc/passwd")
    for name in ("../c1", "..", "", "a/b", "/etc/passwd", ".hidden"):
        with pytest.raises(BadRequestError):
            world.services.logs.read("default", "c1", name)
    with pytest.raises(NotFoundError):
        world.services.logs.read("default", "c1", "link.log")


def test_commands_need_a_running_instance(world: World) -> None:
    world.create("c1", "d")
    with pytest.raises(BadRequestError, match="Instance is not running"):
        world.services.exec.prepare(CALLER, "c1", ExecRequest(command=("true",)))


# --- templates ------------------------------------------------------------------------------------------------------


def _give_template(tree: Path, target: str, text: str, source: str = "x.tpl") -> None:
    document = (tree / "metadata.yaml").read_text()
    (tree / "metadata.yaml").write_text(
        f"{document}templates:\n  {target}:\n    when: [create]\n    template: {source}\n"
    )
    (tree / "templates").mkdir(exist_ok=True)
    if not os.path.lexists(tree / "templates" / source):
        (tree / "templates" / source).write_text(text)


def test_templates_are_applied_once(world: World) -> None:
    world.create("c1", "d")
    _give_template(_tree(world, "c1"), "/etc/hosts", "127.0.1.1 {{ container.name }}\n")
    world.power("c1", "start")
    assert world.run("c1", "cat", "/etc/hosts") == (0, "127.0.1.1 c1\n")
    assert world.services.metadata.get("default", "c1")["templates"]
    world.write("c1", "/etc/hosts", "mine\n")
    world.power("c1", "restart")
    assert world.run("c1", "cat", "/etc/hosts") == (0, "mine\n")


def test_threat_template_paths_stay_inside(world: World, tmp_path: Path) -> None:
    secret, victim = tmp_path / "secret", tmp_path / "victim"
    secret.write_text("secret")
    victim.write_text("untouched")
    world.create("c1", "d")
    tree = _tree(world, "c1")
    (tree / "templates").mkdir()
    (tree / "templates" / "link.tpl").symlink_to(secret)
    (tree / "rootfs" / "out").symlink_to(tmp_path)
    _give_template(tree, "/etc/leak", "", source="link.tpl")
    world.power("c1", "start")
    assert world.read("c1", "/etc/leak") is None
    world.power("c1", "stop")
    world.finish(world.services.instances.delete(CALLER, "c1"))
    world.create("c1", "d")
    tree = _tree(world, "c1")
    (tree / "rootfs" / "out").symlink_to(tmp_path)
    _give_template(tree, "/out/victim", "overwritten")
    world.power("c1", "start")
    assert victim.read_text() == "untouched"


def test_threat_storage_and_logs_are_for_root_only(world: World) -> None:
    world.create("c1", "d", start=True)
    paths = world.services.paths
    for path in (paths.pools, paths.logs, paths.instance_logs("default", "c1"), paths.run, _tree(world, "c1")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_deletion_can_be_refused(world: World) -> None:
    world.create("c1", "d")
    world.services.instances.patch(CALLER, "c1", InstanceChange(config={"security.protection.delete": "true"}))
    with pytest.raises(HoldfastError, match="protected"):
        world.finish(world.services.instances.delete(CALLER, "c1"))
    world.services.instances.patch(CALLER, "c1", InstanceChange(config={"security.protection.delete": ""}))


def test_a_directory_of_the_host_as_device(world: World, tmp_path: Path) -> None:
    (tmp_path / "hello").write_text("from the host")
    devices = {**ROOT, "data": {"type": "disk", "path": "/data", "source": str(tmp_path), "readonly": "true"}}
    tmp_path.chmod(0o755)
    request = InstanceRequest(name="c1", devices=devices, start=True)
    world.finish(world.services.instances.create(CALLER, request, FromImage(alias="tiny")))
    assert world.run("c1", "cat", "/data/hello") == (0, "from the host")
    assert world.run("c1", "touch", "/data/x")[0] != 0
    world.power("c1", "stop")
    absent = {**devices["data"], "source": "/nosuch"}
    with pytest.raises(BadRequestError, match='Missing source path "/nosuch" for disk "data"'):
        world.services.instances.patch(CALLER, "c1", InstanceChange(devices={"data": absent}))
    world.services.instances.patch(CALLER, "c1", InstanceChange(devices={"data": {**absent, "required": "false"}}))
    world.services.instances.patch(CALLER, "c1", InstanceChange(devices={"data": absent}))
    with pytest.raises(HoldfastError, match='Failed to start device "data": Source path "/nosuch" doesn\'t exist'):
        world.power("c1", "start")


@pytest.fixture
def bridge() -> Iterator[str]:
    name = f"hfbr{os.getpid()}"
    subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
    yield name
    subprocess.run(["ip", "link", "delete", name], check=True)


@pytest.mark.needs("ip")
def test_an_interface_on_a_bridge(world: World, bridge: str) -> None:
    nic = {"type": "nic", "nictype": "bridged", "parent": bridge, "name": "net0"}
    request = InstanceRequest(name="c1", devices={**ROOT, "lan": nic}, start=True)
    world.finish(world.services.instances.create(CALLER, request, FromImage(alias="tiny")))
    config = world.services.instances.get("default", "c1").instance.config
    assert world.run("c1", "cat", "/sys/class/net/net0/address") == (0, config["volatile.lan.hwaddr"] + "\n")
    host_name = config["volatile.lan.host_name"]
    assert Path(f"/sys/class/net/{bridge}/brif/{host_name}").exists()
    network = world.services.instances.state("default", "c1").runtime.network
    assert network is not None
    assert network["net0"].host_name == host_name
    world.power("c1", "restart")
    assert world.run("c1", "cat", "/sys/class/net/net0/address") == (0, config["volatile.lan.hwaddr"] + "\n")


def test_an_interface_that_a_start_would_fail_at_is_refused_while_the_instance_runs(world: World) -> None:
    world.create("c1", "d", start=True)
    nic = {"type": "nic", "nictype": "bridged", "parent": "nosuchbridge0"}
    with pytest.raises(BadRequestError, match=r'Failed to start device "lan": Parent device "nosuchbridge0" doesn.t'):
        world.services.instances.patch(CALLER, "c1", InstanceChange(devices={"lan": nic}))
    assert "lan" not in world.services.instances.get("default", "c1").instance.devices
    world.power("c1", "stop")
    world.services.instances.patch(CALLER, "c1", InstanceChange(devices={"lan": nic}))
    with pytest.raises(HoldfastError, match='Failed to start device "lan"'):
        world.power("c1", "start")
