"""Pools on every driver and place: made, found again, destroyed; what isn't ours is refused and left alone."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Protocol

import pytest

from holdfast.host import mounts
from holdfast.model.errors import BadRequestError, HoldfastError, StorageError
from holdfast.model.kinds import VolumeType
from holdfast.model.storage import Pool, Volume
from holdfast.storage.driver import Driver
from holdfast.storage.registry import open_driver

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs")]

C1 = Volume(type=VolumeType.CONTAINER, project="default", name="c1")


class Place(Protocol):
    kind: str
    source: Path | None
    directory: Path

    def open(self, config: dict[str, str] | None = None, name: str = "p1") -> Driver: ...
    def prepare_source(self) -> None: ...


def from_record(driver: Driver, config: dict[str, str]) -> Driver:
    return open_driver(
        Pool(name=driver.pool.name, driver=driver.pool.driver, config=config), driver.mount, driver.disks
    )


def test_create_records_where_the_pool_is_and_leaves_it_active(place: Place) -> None:
    place.prepare_source()
    fresh = place.open()
    config = fresh.create()
    made = from_record(fresh, config)
    assert config["source"]
    made.stage("a-0")
    made.activate()
    assert made.staged_tokens() == ["a-0"]
    made.destroy()


def test_destroy_removes_everything_and_may_be_repeated(place: Place) -> None:
    place.prepare_source()
    fresh = place.open()
    made = from_record(fresh, fresh.create())
    made.stage("a-0")
    made.publish("a-0", C1)
    made.stage("b-0")
    made.destroy()
    made.destroy()
    assert not made.mount.exists()
    assert not list(made.disks.glob("*")) if made.disks.exists() else True
    if place.source is not None:
        assert not place.source.exists() or not any(place.source.iterdir())
    assert not [mount for mount in mounts.mounted() if mount.target.is_relative_to(place.directory)]


def test_destroy_of_a_pool_that_was_never_made_touches_nothing(place: Place) -> None:
    if place.source is None:
        place.open().destroy()
        return
    foreign = place.source / "containers" / "foreign"
    foreign.mkdir(parents=True)
    place.open().destroy()
    assert foreign.is_dir()
    assert not mounts.mount_at(place.directory / "pools" / "p1")


def test_a_place_whose_disk_is_away_is_not_laid_out_anew(place: Place) -> None:
    if place.source is None:
        pytest.skip("has no source directory")
    place.prepare_source()
    fresh = place.open()
    made = from_record(fresh, fresh.create())
    made.stage("a-0")
    made.publish("a-0", C1)
    made.deactivate()
    away = place.source.rename(place.source.with_name("away"))
    place.source.mkdir()
    with pytest.raises(StorageError, match=f'"{place.source}" doesn\'t hold this pool: mount the disk'):
        made.activate()
    assert list(place.source.iterdir()) == []
    (place.source / ".holdfast-pool").write_text("other")
    with pytest.raises(StorageError, match='holds the pool "other"'):
        made.activate()
    (place.source / ".holdfast-pool").unlink()
    place.source.rmdir()
    away.rename(place.source)
    made.activate()
    assert made.exists(C1)
    made.destroy()


def test_a_marker_that_a_power_cut_took_is_made_good(place: Place) -> None:
    if place.source is None:
        pytest.skip("has no source directory")
    place.prepare_source()
    fresh = place.open()
    made = from_record(fresh, fresh.create())
    made.deactivate()
    (place.source / ".holdfast-pool").write_text("")
    made.activate()
    made.destroy()
    assert not place.source.exists() or list(place.source.iterdir()) == []


def test_a_source_that_is_not_empty_is_refused_and_left_alone(place: Place) -> None:
    if place.source is None:
        pytest.skip("has no source directory")
    place.source.mkdir()
    (place.source / "file").write_text("precious")
    with pytest.raises(StorageError, match="empty"):
        place.open().create()
    assert (place.source / "file").read_text() == "precious"
    assert not (place.directory / "pools" / "p1").exists()


def test_threat_storage_directories_private(place: Place) -> None:
    """Local users can't reach the setuid files of instances, whatever the umask (CVE-2025-64507)."""
    place.prepare_source()
    before = os.umask(0)
    try:
        fresh = place.open()
        made = from_record(fresh, fresh.create())
        staged = made.stage("a-0")
        staged.chmod(0o777)
        made.publish("a-0", C1)
        made.stage("b-0")
        made.publish_snapshot("b-0", C1, "snap0")
        folders = [path for path in made.mount.iterdir() if path.is_dir()]
        assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
        assert stat.S_IMODE((made.mount / "containers-snapshots" / "c1").stat().st_mode) == 0o700
        for path in made.disks.glob("*") if made.disks.exists() else ():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        made.destroy()
    finally:
        os.umask(before)


def test_unknown_keys_and_bad_values_are_named(place: Place) -> None:
    kind = type(place.open())
    with pytest.raises(BadRequestError, match='Invalid option "colour"'):
        kind.check_config({"colour": "blue"})
    with pytest.raises(BadRequestError, match=r"rsync\.bwlimit"):
        kind.check_config({"rsync.bwlimit": "fast"})
    kind.check_config({"volume.size": "1GiB", "user.note": "mine", "rsync.compression": "false"})


def test_activate_without_its_source_says_so(place: Place) -> None:
    place.prepare_source()
    fresh = place.open()
    made = from_record(fresh, fresh.create())
    made.deactivate()
    source = Path(made.pool.config["source"])
    source.rename(source.with_name("away"))
    with pytest.raises(HoldfastError, match=r"doesn't exist|failed to set up loop device"):
        made.activate()
    source.with_name("away").rename(source)
    made.activate()
    made.destroy()


def test_a_pool_that_cannot_be_shown_leaves_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.prepare_source()
    fresh = place.open()
    lay_out = type(fresh)._lay_out  # type: ignore[attr-defined]

    def fail(self: Driver) -> None:
        lay_out(self)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(type(fresh), "_lay_out", fail)
    with pytest.raises(StorageError, match="Input/output error"):
        fresh.create()
    assert not fresh.mount.exists()
    assert not fresh.disks.exists() or not any(fresh.disks.iterdir())
    if place.source is not None:
        assert not place.source.exists() or not any(place.source.iterdir())
    monkeypatch.undo()
    from_record(fresh, fresh.create()).destroy()
