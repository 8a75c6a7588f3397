from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.db import instances, snapshots
from holdfast.model.errors import BadRequestError, InstanceNotFoundError, SnapshotNotFoundError
from holdfast.model.image import Image
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.instance_changes import DISK_MAP_KEY
from holdfast.model.kinds import InstanceType, StatusCode
from holdfast.model.storage import instance_volume
from holdfast.service.image_add import ImageRequest
from holdfast.service.publish import PublishRequest
from support.image_world import CALLER, METADATA, ImageWorld
from support.trees import describe, differences, make_rich_tree

pytestmark = pytest.mark.root
NOW = datetime(2026, 1, 1, tzinfo=UTC)
VOLUME = instance_volume(InstanceType.CONTAINER, "default", "c1")


@pytest.fixture
def tree(world: ImageWorld) -> Path:
    """The root file system of a stopped instance c1 with the snapshot snap0."""
    world.pools.create(CALLER, "main", "dir", "", {})
    driver = world.pools.driver("main")
    content = driver.stage("t-0")
    (content / "rootfs").mkdir()
    (content / "metadata.yaml").write_text(METADATA)
    make_rich_tree(content / "rootfs")
    driver.publish("t-0", VOLUME)
    snapshot = driver.stage("t-1")
    (snapshot / "rootfs").mkdir()
    (snapshot / "rootfs/as-it-was").touch()
    driver.publish_snapshot("t-1", VOLUME, "snap0")
    with world.database.write() as connection:
        instances.insert(connection, Instance(project="default", name="c1", created_at=NOW, pool="main"))
        snapshots.insert(connection, "default", "c1", Snapshot(name="snap0", created_at=NOW))
    return driver.path(VOLUME) / "rootfs"


def publish(world: ImageWorld, request: PublishRequest) -> Image:
    done = world.succeed(world.made.images.publish(CALLER, request))
    assert done.metadata is not None
    image = world.made.images.get("default", str(done.metadata["fingerprint"]))
    assert done.metadata["size"] == str(image.size_bytes)
    return image


def unpacked(world: ImageWorld, image: Image, target: Path) -> Path:
    target.mkdir()
    world.made.images.unpack_into(image, target)
    return target


@pytest.mark.needs("setfacl")
def test_every_kind_of_file_survives(world: ImageWorld, tree: Path, tmp_path: Path) -> None:
    image = publish(world, PublishRequest(instance="c1", compression="none", image=ImageRequest()))
    target = unpacked(world, image, tmp_path / "tree")
    assert differences(describe(tree), describe(target / "rootfs")) == []
    assert image.properties == {"os": "Tiny", "release": "1", "name": "NAME"}
    assert image.architecture == "x86_64"


def test_a_snapshot_may_be_published_while_the_instance_runs(world: ImageWorld, tree: Path, tmp_path: Path) -> None:
    world.statuses.running.add("c1")
    request = PublishRequest(
        instance="c1",
        snapshot="snap0",
        compression="zstd",
        image=ImageRequest(properties={"a": "b"}, public=True, aliases=(("old", ""),), expires_at=NOW),
    )
    image = publish(world, request)
    assert os.listdir(unpacked(world, image, tmp_path / "tree") / "rootfs") == ["as-it-was"]
    assert (image.properties, image.public, image.expires_at) == ({"a": "b"}, True, NOW)
    assert world.made.images.by_alias("default", "old") == image
    assert world.paths.image(image.fingerprint).read_bytes()[:4] == b"\x28\xb5\x2f\xfd"


def test_ids_of_the_host_are_taken_back(world: ImageWorld, tree: Path, tmp_path: Path) -> None:
    for name, number in (("as-root", 1000000), ("as-user", 1001000), ("as-stranger", 5)):
        (tree / name).touch()
        os.chown(tree / name, number, number)
    entry = {"Isuid": True, "Isgid": True, "Hostid": 1000000, "Nsid": 0, "Maprange": 65536}
    with world.database.write() as connection:
        config = {DISK_MAP_KEY: json.dumps([entry])}
        instances.update(connection, Instance(project="default", name="c1", created_at=NOW, pool="main", config=config))
    image = publish(world, PublishRequest(instance="c1", compression="none", image=ImageRequest()))
    rootfs = unpacked(world, image, tmp_path / "tree") / "rootfs"
    owners = {name: (rootfs / name).stat().st_uid for name in ("as-root", "as-user", "as-stranger")}
    assert owners == {"as-root": 0, "as-user": 1000, "as-stranger": 65534}
    assert (tree / "as-root").stat().st_uid == 1000000
    assert world.pools.driver("main").staged_tokens() == []


def test_a_running_instance_is_refused(world: ImageWorld, tree: Path) -> None:
    world.statuses.running.add("c1")
    done = world.wait(world.made.images.publish(CALLER, PublishRequest(instance="c1", image=ImageRequest())))
    assert (done.status, done.error) == (StatusCode.FAILURE, "Cannot export a running instance as an image")
    assert world.files() == set()


def test_what_is_not_there_is_refused_at_once(world: ImageWorld, tree: Path) -> None:
    with pytest.raises(InstanceNotFoundError):
        world.made.images.publish(CALLER, PublishRequest(instance="c2", image=ImageRequest()))
    with pytest.raises(SnapshotNotFoundError):
        world.made.images.publish(CALLER, PublishRequest(instance="c1", snapshot="no", image=ImageRequest()))


def test_threat_compression_is_a_closed_set(world: ImageWorld, tree: Path) -> None:
    for text in ("gzip; id", "sh -c id", "xz --files=/etc/shadow", "../../bin/sh"):
        with pytest.raises(BadRequestError, match="Invalid compression algorithm"):
            world.made.images.publish(CALLER, PublishRequest(instance="c1", compression=text, image=ImageRequest()))


def test_threat_metadata_of_the_instance_is_a_link(world: ImageWorld, tree: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("architecture: x86_64\nproperties: {stolen: secret}\n")
    (tree.parent / "metadata.yaml").unlink()
    (tree.parent / "metadata.yaml").symlink_to(secret)
    image = publish(world, PublishRequest(instance="c1", image=ImageRequest()))
    assert image.properties == {}
