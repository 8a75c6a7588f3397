"""Every verb on volumes and snapshots, on every driver and place."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from holdfast.model.errors import CancelledOperationError, StorageError
from holdfast.model.kinds import VolumeType
from holdfast.model.storage import Volume
from holdfast.storage.driver import Driver, Origin
from support.trees import describe, differences, make_rich_tree

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "setfacl")]

Publish = Callable[..., Volume]
C1 = Volume(type=VolumeType.CONTAINER, project="default", name="c1")


def content(driver: Driver, volume: Volume = C1, snapshot: str | None = None) -> str:
    return (driver.path(volume, snapshot) / "content").read_text()


def take(driver: Driver, name: str, volume: Volume = C1) -> None:
    driver.stage("snap-0", Origin(volume=volume))
    driver.publish_snapshot("snap-0", volume, name)


def test_a_new_pool_is_empty(driver: Driver) -> None:
    assert driver.list_volumes() == []
    assert driver.staged_tokens() == []
    assert driver.list_snapshots(C1) == []
    assert not driver.exists(C1)


def test_an_empty_staged_tree_belongs_to_root_alone(driver: Driver) -> None:
    path = driver.stage("a-0")
    assert (path.stat().st_mode & 0o7777, path.stat().st_uid, list(path.iterdir())) == (0o100, 0, [])
    assert path == driver.staged_path("a-0")
    assert driver.staged_tokens() == ["a-0"]


def test_publish_moves_the_staged_tree_to_its_place(driver: Driver, publish: Publish) -> None:
    publish()
    assert content(driver) == "first"
    assert driver.exists(C1)
    assert driver.staged_tokens() == []


def test_volumes_are_listed_with_type_and_project(driver: Driver, publish: Publish) -> None:
    wanted = [
        Volume(type=VolumeType.CONTAINER, project="default", name="c1"),
        Volume(type=VolumeType.CONTAINER, project="my_team", name="c1"),
        Volume(type=VolumeType.VIRTUAL_MACHINE, project="default", name="v1"),
        Volume(type=VolumeType.CUSTOM, project="default", name="data_1"),
        Volume(type=VolumeType.IMAGE, project="default", name="a" * 64),
    ]
    for volume in wanted:
        publish(volume)
    assert driver.list_volumes() == wanted


def test_publish_refuses_a_taken_place(driver: Driver, publish: Publish) -> None:
    publish()
    driver.stage("b-0")
    with pytest.raises(StorageError, match="already"):
        driver.publish("b-0", C1)
    assert content(driver) == "first"
    assert driver.staged_tokens() == ["b-0"]


def test_stage_refuses_a_token_in_use(driver: Driver) -> None:
    (driver.stage("a-0") / "kept").touch()
    with pytest.raises(StorageError, match="exists"):
        driver.stage("a-0")
    assert (driver.staged_path("a-0") / "kept").exists()


def test_discard_removes_the_staged_tree_and_may_be_repeated(driver: Driver) -> None:
    (driver.stage("a-0") / "file").touch()
    driver.discard("a-0")
    driver.discard("a-0")
    assert driver.staged_tokens() == []


def test_swap_exchanges_old_and_new(driver: Driver, publish: Publish) -> None:
    publish()
    (driver.stage("b-0") / "content").write_text("second")
    old, new = driver.identity(driver.path(C1)), driver.identity(driver.staged_path("b-0"))
    driver.sync("b-0")
    driver.swap("b-0", C1)
    assert content(driver) == "second"
    assert (driver.staged_path("b-0") / "content").read_text() == "first"
    assert (driver.identity(driver.path(C1)), driver.identity(driver.staged_path("b-0"))) == (new, old)
    assert old != new


def test_swap_without_a_volume_changes_nothing(driver: Driver) -> None:
    driver.stage("b-0")
    with pytest.raises(StorageError):
        driver.swap("b-0", C1)
    assert driver.staged_tokens() == ["b-0"]


def test_withdraw_is_the_first_step_of_a_delete(driver: Driver, publish: Publish) -> None:
    publish()
    driver.withdraw(C1, "d-0")
    assert not driver.exists(C1)
    assert driver.staged_tokens() == ["d-0"]
    driver.withdraw(C1, "d-0")
    driver.discard("d-0")
    assert driver.staged_tokens() == []


def test_withdraw_of_what_is_absent_does_nothing(driver: Driver) -> None:
    driver.withdraw(C1, "d-0")
    driver.withdraw(C1, "d-1", "snap0")
    assert driver.staged_tokens() == []


def test_identity_is_kept_by_rename_and_remount(driver: Driver, publish: Publish) -> None:
    publish()
    before = driver.identity(driver.path(C1))
    driver.rename(C1, "c2")
    driver.deactivate()
    driver.activate()
    assert driver.identity(driver.path(C1.renamed("c2"))) == before


def test_identity_tells_a_clone_from_its_origin(driver: Driver, publish: Publish) -> None:
    publish()
    assert driver.identity(driver.stage("c-0", Origin(volume=C1))) != driver.identity(driver.path(C1))


# --- snapshots ----------------------------------------------------------------------------------------------------


def test_a_snapshot_keeps_what_was(driver: Driver, publish: Publish) -> None:
    publish()
    take(driver, "snap0")
    (driver.path(C1) / "content").write_text("changed")
    assert content(driver, snapshot="snap0") == "first"
    assert driver.list_snapshots(C1) == ["snap0"]
    assert driver.exists(C1, "snap0")
    assert driver.list_volumes() == [C1]


def test_snapshots_are_read_only_where_they_are_cheap(driver: Driver, publish: Publish) -> None:
    publish()
    take(driver, "snap0")
    if not driver.features.cheap_snapshots:
        assert os.access(driver.path(C1, "snap0"), os.W_OK)
        return
    with pytest.raises(OSError, match="Read-only"):
        (driver.path(C1, "snap0") / "content").write_text("changed")


def test_a_snapshot_whose_protection_a_crash_cut_is_protected_at_the_next_start(
    driver: Driver, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not driver.features.cheap_snapshots:
        pytest.skip("its snapshots are never read-only")
    publish()
    monkeypatch.setattr(type(driver), "_protect", lambda self, path: None)
    take(driver, "snap0")
    monkeypatch.undo()
    driver.activate()
    with pytest.raises(OSError, match="Read-only"):
        (driver.path(C1, "snap0") / "content").write_text("changed")


def test_publish_snapshot_refuses_a_taken_name(driver: Driver, publish: Publish) -> None:
    publish()
    take(driver, "snap0")
    (driver.path(C1) / "content").write_text("changed")
    with pytest.raises(StorageError, match="already"):
        take(driver, "snap0")
    assert content(driver, snapshot="snap0") == "first"


def test_a_restore_clones_the_snapshot_and_swaps(driver: Driver, publish: Publish) -> None:
    publish()
    take(driver, "snap0")
    (driver.path(C1) / "content").write_text("ruined")
    staged = driver.stage("r-0", Origin(volume=C1, snapshot="snap0"))
    (staged / "added").touch()
    driver.sync("r-0")
    driver.swap("r-0", C1)
    driver.discard("r-0")
    assert content(driver) == "first"
    assert content(driver, snapshot="snap0") == "first"
    assert driver.staged_tokens() == []


def test_snapshots_are_renamed_and_withdrawn(driver: Driver, publish: Publish) -> None:
    publish()
    take(driver, "snap0")
    driver.rename_snapshot(C1, "snap0", "daily")
    driver.rename_snapshot(C1, "snap0", "daily")
    assert driver.list_snapshots(C1) == ["daily"]
    take(driver, "snap1")
    with pytest.raises(StorageError, match="snap1"):
        driver.rename_snapshot(C1, "snap1", "daily")
    for name in ("daily", "snap1"):
        driver.withdraw(C1, "d-0", name)
        driver.discard("d-0")
    assert driver.list_snapshots(C1) == []
    assert not driver.path(C1, "daily").parent.exists()


def test_rename_takes_snapshots_along_and_may_be_repeated_or_undone(driver: Driver, publish: Publish) -> None:
    publish()
    take(driver, "snap0")
    driver.rename(C1, "c2")
    driver.rename(C1, "c2")
    renamed = C1.renamed("c2")
    assert (driver.list_volumes(), driver.list_snapshots(renamed)) == ([renamed], ["snap0"])
    driver.rename(renamed, "c1")
    driver.rename(C1, "c1", "two")
    assert not driver.exists(C1) and driver.exists(C1.renamed("c1", "two"))
    driver.rename(C1.renamed("c1", "two"), "c1", C1.project)
    assert (driver.list_volumes(), driver.list_snapshots(C1)) == ([C1], ["snap0"])


def test_rename_finishes_what_a_crash_cut(driver: Driver, publish: Publish) -> None:
    publish()
    take(driver, "snap0")
    renamed = C1.renamed("c2")
    driver._move(driver.path(C1), driver.path(renamed))  # type: ignore[attr-defined]
    driver.rename(C1, "c2")
    assert content(driver, renamed, "snap0") == "first"


def test_rename_is_not_hindered_by_empty_directories_of_snapshots(driver: Driver, publish: Publish) -> None:
    """A crash between the making of such a directory and its first snapshot leaves one."""
    publish()
    driver.stage("s-0", Origin(volume=C1))
    driver.publish_snapshot("s-0", C1, "snap0")
    empty = driver.path(C1.renamed("c2"), "-").parent
    empty.mkdir()
    driver.rename(C1, "c2")
    assert driver.list_snapshots(C1.renamed("c2")) == ["snap0"]
    driver.path(C1, "-").parent.mkdir()
    driver.rename(C1.renamed("c2"), "c1")
    assert driver.list_snapshots(C1) == ["snap0"]


def test_rename_refuses_a_taken_name(driver: Driver, publish: Publish) -> None:
    publish()
    publish(C1.renamed("c2"), "other")
    with pytest.raises(StorageError, match="c2"):
        driver.rename(C1, "c2")
    assert (content(driver), content(driver, C1.renamed("c2"))) == ("first", "other")


# --- clones -------------------------------------------------------------------------------------------------------


def test_a_clone_keeps_everything(driver: Driver) -> None:
    make_rich_tree(driver.stage("make-0"))
    driver.publish("make-0", C1)
    wanted = describe(driver.path(C1))
    clone = driver.stage("c-0", Origin(volume=C1))
    assert differences(wanted, describe(clone)) == []
    assert (clone / "data/socket").is_socket()
    assert (clone / "data/sparse").stat().st_blocks * 512 < 1024**2
    driver.publish_snapshot("c-0", C1, "snap0")
    assert differences(wanted, describe(driver.path(C1, "snap0"))) == []


def test_a_clone_is_apart_from_its_origin(driver: Driver, publish: Publish) -> None:
    publish()
    (driver.stage("c-0", Origin(volume=C1)) / "content").write_text("changed")
    assert content(driver) == "first"


def test_a_clone_of_what_is_absent_fails_and_leaves_nothing(driver: Driver) -> None:
    with pytest.raises(StorageError, match="c1"):
        driver.stage("c-0", Origin(volume=C1))
    assert driver.staged_tokens() == []


def test_progress_ends_with_the_bytes_of_the_volume(driver: Driver) -> None:
    (driver.stage("make-0") / "big").write_bytes(b"x" * 3_000_000)
    driver.publish("make-0", C1)
    seen: list[int] = []
    driver.stage("c-0", Origin(volume=C1), progress=seen.append)
    assert seen == sorted(seen)
    if not driver.features.cheap_snapshots:
        assert seen[-1] == 3_000_000


def test_a_cancelled_clone_leaves_nothing(driver: Driver) -> None:
    if driver.features.cheap_snapshots:
        pytest.skip("its clones take no time")
    path = driver.stage("make-0")
    for folder in range(20):
        (path / str(folder)).mkdir()
        for name in range(50):
            (path / str(folder) / str(name)).write_bytes(b"x" * 10_000)
    driver.publish("make-0", C1)
    wish = threading.Event()
    wish.set()
    with pytest.raises(CancelledOperationError):
        driver.stage("c-0", Origin(volume=C1), cancelled=wish.is_set)
    assert driver.staged_tokens() == []
    assert driver.exists(C1)


def test_names_of_staged_volumes_survive_a_restart(driver: Driver) -> None:
    (driver.stage("a-0") / "file").touch()
    driver.sync("a-0")
    driver.deactivate()
    driver.activate()
    assert driver.staged_tokens() == ["a-0"]


def test_resources_count_what_is_written(driver: Driver) -> None:
    """A dir pool shares its file system with everybody, who may free more than is written here: it is tried again."""
    for attempt in range(10):
        before = driver.resources()
        (driver.stage(f"a-{attempt}") / "big").write_bytes(os.urandom(8 * 1024**2))
        driver.sync(f"a-{attempt}")
        after = driver.resources()
        assert before.space_total_bytes == after.space_total_bytes > 0
        if after.space_used_bytes > before.space_used_bytes:
            return
    raise AssertionError("what is in use never grew")
