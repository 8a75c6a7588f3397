"""The versions of the metadata: one from the other without loss, and nothing that says both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from holdfast.archive.definition import Definition, from_config, to_config
from holdfast.archive.definition_text import read_definition, write_definition
from holdfast.archive.instance_content import instance_content
from holdfast.archive.metadata_versions import as_version_1, as_version_2, check_version
from holdfast.archive.reader import read_index
from holdfast.archive.writer import write_export
from holdfast.model.errors import ArchiveError, BadRequestError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.kinds import Compression
from holdfast.model.profile import Profile
from holdfast.model.storage import Pool
from holdfast.streams.compression import CompressionChoice
from holdfast.wire.backup_index import BackupConfig, InstanceEntry, parse_index

NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
ROOT = {"root": {"type": "disk", "path": "/", "pool": "tank"}}
POOL = Pool(name="tank", driver="dir", config={"source": "/x"}, description="")
PROFILE = Profile(project="default", name="default", config={"limits.cpu": "2"}, devices=ROOT)
SNAPSHOT = Snapshot(
    name="one",
    created_at=NOW,
    expires_at=NOW + timedelta(days=9),
    config={"user.note": "then", "volatile.last_state.idmap": "[]"},
    devices=ROOT,
    profiles=("default",),
    is_held=True,
    schedule="nightly",
    instance_description="was",
)
INSTANCE = Instance(
    project="default",
    name="web",
    created_at=NOW,
    description="kept: yes",
    profiles=("default",),
    config={"user.note": "a\nb: c", "snapshots.keep": "last=3", "volatile.last_state.idmap": "[]"},
    devices=ROOT,
    pool="tank",
)
DEFINITION = Definition(instance=INSTANCE, snapshots=(SNAPSHOT,), profiles=(PROFILE,))


def config(text: str) -> BackupConfig:
    found = parse_index(f"name: web\nconfig:\n  {text}".encode()).config
    assert found is not None
    return found


def test_version_2_has_the_fields_of_its_time() -> None:
    made = as_version_2(to_config(DEFINITION, POOL))
    assert made.version == 2
    assert made.instance is not None and made.instance.name == "web"
    assert made.pools is not None and [each.name for each in made.pools if each] == ["tank"]
    assert made.volumes is not None and made.volumes[0] is not None and made.volumes[0].snapshots is not None
    assert [each.name for each in made.volumes[0].snapshots if each] == ["one"]
    assert (made.container, made.pool, made.volume, made.volume_snapshots) == (None,) * 4


def test_nothing_is_lost_on_the_way_through_either() -> None:
    first = to_config(DEFINITION, POOL)
    assert as_version_1(as_version_2(first)) == first
    assert from_config(as_version_2(first), pool="tank") == from_config(first, pool="tank")


def test_a_definition_comes_back_from_its_text() -> None:
    found = read_definition(write_definition(DEFINITION, POOL), pool="tank")
    assert found.snapshots == (SNAPSHOT,)
    assert (found.instance.config, found.instance.devices) == (INSTANCE.config, INSTANCE.devices)
    assert (found.instance.created_at, found.instance.description) == (NOW, "kept: yes")


def test_a_file_of_version_2(tmp_path: Path) -> None:
    trees: dict[str | None, Path] = {}
    for name in ("one", None):
        trees[name] = tmp_path / f"tree-{name}"
        (trees[name] / "rootfs").mkdir(parents=True)
        (trees[name] / "backup.yaml").write_text("stale")
    content = instance_content(DEFINITION, POOL, trees, version=2)
    write_export(tmp_path / "file", content, CompressionChoice(Compression.NONE, None), now=NOW)
    index = read_index(tmp_path / "file")
    assert index.definition is not None and index.definition.snapshots == (SNAPSHOT,)
    assert b"backup.yaml" not in (tmp_path / "file").read_bytes(), "newer LXDs leave these documents out"
    document = yaml.safe_load(content.index)
    assert set(document["config"]) == {"version", "instance", "snapshots", "pools", "profiles", "volumes"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version: 3\n  instance: {name: web}", "version 3 of the metadata: this server reads 1 and 2"),
        ("version: -1\n  instance: {name: web}", "version -1 of the metadata"),
        ("version: 2\n  container: {name: web}", "version 2 holds container of another version"),
        ("version: 1\n  instance: {name: web}", "version 1 holds instance of another version"),
        ("instance: {name: web}\n  container: {name: other}", "version 2 holds container of another version"),
        ("container: {name: web}\n  volumes: []", "version 1 holds volumes of another version"),
        ("version: 2\n  volumes: []", "Instance definition in backup config is missing"),
    ],
)
def test_threat_a_document_of_two_versions_or_none(text: str, says: str) -> None:
    with pytest.raises(ArchiveError, match=says):
        from_config(config(text), pool="tank")


def test_null_where_lists_should_be() -> None:
    assert from_config(config("version: 2\n  instance: {name: web}\n  pools:\n  volumes: [null]"), pool="x")
    assert as_version_1(BackupConfig(instance=InstanceEntry(name="web"))).container is not None


@pytest.mark.parametrize("version", [0, 3, -1])
def test_versions_that_are_not_written(version: int) -> None:
    with pytest.raises(BadRequestError, match=f"version {version} is not supported: this server writes 1 and 2"):
        check_version(version)
