from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.archive.export_index import index_of
from holdfast.archive.layout import Layout
from holdfast.archive.reader import read_index
from holdfast.archive.volume_content import volume_content
from holdfast.archive.volume_definition import VolumeDefinition, from_volume_config, to_volume_config
from holdfast.model.errors import ArchiveError
from holdfast.model.kinds import ContentType
from holdfast.model.storage import Pool
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.wire.backup_index import BackupConfig, VolumeEntry

NOW = datetime(2026, 11, 23, 12, 30, 15, 123456, tzinfo=UTC)
POOL = Pool(name="tank", driver="dir", description="", config={})
EXPORTS = Path(__file__).parents[2] / "golden/exports"
DEFINITION = VolumeDefinition(
    volume=CustomVolume(
        project="default",
        pool="tank",
        name="data",
        description="what it is for",
        config={"user.a": "1", "snapshots.keep": "daily=7", "volatile.uuid": "u"},
        created_at=NOW,
    ),
    snapshots=(
        VolumeSnapshot(
            name="one",
            description="a note",
            config={"user.a": "0", "volatile.uuid": "s"},
            created_at=NOW,
            expires_at=NOW,
            is_held=True,
            schedule="nightly",
            due_at=NOW,
        ),
        VolumeSnapshot(name="two", created_at=NOW),
    ),
)


@pytest.mark.parametrize("version", [1, 2])
def test_there_and_back(version: int) -> None:
    trees = {"one": Path("/1"), "two": Path("/2"), None: Path("/3")}
    found = index_of(volume_content(DEFINITION, POOL, trees, version=version).index)
    assert (found.name, found.type, found.snapshots, found.project) == ("data", "custom", ("one", "two"), "default")
    assert found.layout is Layout.FILES
    assert found.volume is not None
    told = {"volatile.uuid": "u"} if version == 2 else {}
    config = {"user.a": "1", "snapshots.keep": "daily=7", **told}
    assert found.volume.volume == replace(DEFINITION.volume, project="", config=config)
    first, second = found.volume.snapshots
    assert replace(first, config={}) == replace(DEFINITION.snapshots[0], config={})
    assert first.config == {"user.a": "0", **({"volatile.uuid": "s"} if version == 2 else {})}
    assert second == DEFINITION.snapshots[1]


def test_lxd_gets_no_key_that_it_does_not_know() -> None:
    config = to_volume_config(DEFINITION, POOL)
    assert config.volume is not None and config.volume_snapshots is not None
    assert config.volume.config == {"user.a": "1", "user.holdfast.snapshots.keep": "daily=7"}
    assert config.pool is None
    snapshot = config.volume_snapshots[0]
    assert snapshot is not None
    assert snapshot.config == {
        "user.a": "0",
        "user.holdfast.snapshot.held": "true",
        "user.holdfast.snapshot.schedule": "nightly",
        "user.holdfast.snapshot.due_at": NOW.isoformat(),
    }


def test_a_disk() -> None:
    disk = replace(DEFINITION, volume=replace(DEFINITION.volume, content_type=ContentType.BLOCK))
    content = volume_content(disk, POOL, {"one": Path("/1"), "two": Path("/2"), None: Path("/3")})
    assert {tree.layout for tree in content.trees} == {Layout.DISK}
    assert index_of(content.index).layout is Layout.DISK


@pytest.mark.parametrize(
    ("file", "layout", "snapshots", "config"),
    [
        ("volume-dir.tar.gz", Layout.FILES, ("vs0", "vs1"), {"snapshots.expiry": "3d", "user.k": "v"}),
        ("volume-btrfs-optimized.tar.gz", Layout.FILES, ("vs0", "vs1"), {"size": "50MiB"}),
        ("volume-block-dir.tar.gz", Layout.DISK, ("vs0",), {"size": "1MiB"}),
    ],
)
def test_files_of_lxd(file: str, layout: Layout, snapshots: tuple[str, ...], config: dict[str, str]) -> None:
    index = read_index(EXPORTS / file)
    assert index.volume is not None and index.definition is None
    assert (index.layout, index.snapshots, index.volume.volume.config) == (layout, snapshots, config)
    assert tuple(each.name for each in index.volume.snapshots) == snapshots


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        (None, "Valid volume config not found"),
        (VolumeEntry(name="x", type="container"), 'type "container"'),
        (VolumeEntry(name="x", content_type="tape"), "unknown type"),
    ],
)
def test_what_is_no_volume(entry: VolumeEntry | None, says: str) -> None:
    with pytest.raises(ArchiveError, match=says):
        from_volume_config(BackupConfig(volume=entry), pool="tank")
