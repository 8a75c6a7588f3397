"""A restore may share what is the same with the volume that it replaces, and must not share anything else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.host import trees
from holdfast.model.storage import Volume
from holdfast.storage.driver import Driver, Origin
from support.trees import Entry, describe, differences, make_rich_tree

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "setfacl")]

Publish = Callable[..., Volume]
Change = Callable[[Path], None]


@pytest.fixture
def volume(driver: Driver, publish: Publish) -> Volume:
    """A volume with many kinds of files, and a snapshot "snap0" of it."""
    made = publish()
    path = driver.path(made)
    make_rich_tree(path)
    for name in ("plain", "other"):
        (path / name).write_text(name * 1000)
        os.utime(path / name, ns=(10**18, 10**18 + 7))
    (path / "sub").mkdir()
    (path / "sub" / "below").write_text("below")
    (path / "link").symlink_to("plain")
    (path / "twin-1").write_text("twins")
    (path / "twin-2").hardlink_to(path / "twin-1")
    driver.stage("s-0", Origin(volume=made))
    driver.publish_snapshot("s-0", made, "snap0")
    return made


@pytest.fixture(autouse=True, params=["threads", "processes"])
def workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small trees are copied by threads, large ones by processes; here both kinds get the same small one."""
    if request.param == "processes":
        monkeypatch.setattr(trees, "MANY", 0)


def stage(driver: Driver, volume: Volume) -> Path:
    return driver.stage("r-0", Origin(volume=volume, snapshot="snap0"), resembling=volume)


def entries(path: Path) -> dict[str, Entry]:
    """Describe what is below; an exchange touches the time of the directory itself on some file systems."""
    return {name: entry for name, entry in describe(path).items() if name != "."}


def is_shared(driver: Driver, volume: Volume, name: str) -> bool:
    one, other = (path / name for path in (driver.path(volume), driver.staged_path("r-0")))
    return one.lstat().st_ino == other.lstat().st_ino and one.lstat().st_dev == other.lstat().st_dev


def rewrite_secretly(path: Path) -> None:
    """Change the content, and set the time back: size and time say that nothing happened."""
    before = (path / "plain").stat()
    (path / "plain").write_text("plaIn" + "plain" * 999)
    os.utime(path / "plain", ns=(before.st_atime_ns, before.st_mtime_ns))


def change_the_last_byte(path: Path) -> None:
    before = (path / "content").stat()
    (path / "content").write_text("firsT")
    os.utime(path / "content", ns=(before.st_atime_ns, before.st_mtime_ns))


def retarget(path: Path) -> None:
    before = (path / "link").lstat()
    (path / "link").unlink()
    (path / "link").symlink_to("other")
    os.utime(path / "link", ns=(before.st_atime_ns, before.st_mtime_ns), follow_symlinks=False)


def to_directory(path: Path) -> None:
    (path / "plain").unlink()
    (path / "plain").mkdir()


def to_link(path: Path) -> None:
    (path / "plain").rename(path / "moved")
    (path / "plain").symlink_to("moved")


def directory_to_link(path: Path) -> None:
    """Put a link to a directory with the same files where the directory was."""
    (path / "sub").rename(path / "sub-moved")
    (path / "sub").symlink_to("sub-moved")


def acl(path: Path) -> None:
    subprocess.run(["setfacl", "-m", "u:1234:r", path / "plain"], check=True)


CHANGES: dict[str, Change] = {
    "content, same size and time": rewrite_secretly,
    "last byte": change_the_last_byte,
    "time": lambda path: os.utime(path / "plain", ns=(10**18, 10**18 + 8)),
    "mode": lambda path: (path / "plain").chmod(0o751),
    "owner": lambda path: os.chown(path / "plain", 1001, 0),
    "group": lambda path: os.chown(path / "plain", 0, 1001),
    "extended attribute": lambda path: os.setxattr(path / "plain", "user.more", b"x"),
    "acl": acl,
    "target of a link": retarget,
    "file to directory": to_directory,
    "file to link": to_link,
    "directory to link": directory_to_link,
    "one more name": lambda path: (path / "plain-2").hardlink_to(path / "plain"),
    "one name less": lambda path: (path / "twin-2").unlink(),
    "removed": lambda path: (path / "plain").unlink(),
    "nothing": lambda path: None,
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_snapshot_had_comes_back_and_the_volume_stays_whole(driver: Driver, volume: Volume, change: str) -> None:
    path, saved = driver.path(volume), entries(driver.path(volume, "snap0"))
    CHANGES[change](path)
    changed = entries(path)
    stage(driver, volume)
    driver.discard("r-0")
    assert differences(changed, entries(path)) == []
    stage(driver, volume)
    driver.sync("r-0")
    driver.swap("r-0", volume)
    driver.discard("r-0")
    assert differences(saved, entries(driver.path(volume))) == []
    assert differences(saved, entries(driver.path(volume, "snap0"))) == []


@pytest.mark.parametrize("name", ["plain", "other", "link", "sub/below", "content"])
def test_what_is_the_same_is_shared_where_clones_copy(driver: Driver, volume: Volume, kind: str, name: str) -> None:
    stage(driver, volume)
    assert is_shared(driver, volume, name) == (kind == "dir")


@pytest.mark.parametrize("name", ["twin-1", "twin-2", "sub"])
def test_names_of_one_file_are_not_shared(driver: Driver, volume: Volume, name: str) -> None:
    stage(driver, volume)
    assert not is_shared(driver, volume, name)


def test_an_immutable_file_is_not_shared(driver: Driver, volume: Volume) -> None:
    subprocess.run(["chattr", "+i", driver.path(volume) / "plain"], check=True)
    try:
        stage(driver, volume)
        assert not is_shared(driver, volume, "plain")
        assert (driver.staged_path("r-0") / "plain").read_text() == "plain" * 1000
    finally:
        subprocess.run(["chattr", "-i", driver.path(volume) / "plain"], check=True)


def test_without_a_resembling_volume_nothing_is_shared(driver: Driver, volume: Volume) -> None:
    driver.stage("r-0", Origin(volume=volume, snapshot="snap0"))
    assert not is_shared(driver, volume, "plain")


def test_a_resembling_volume_may_be_absent(driver: Driver, volume: Volume) -> None:
    driver.withdraw(volume, "gone-0")
    staged = stage(driver, volume)
    assert (staged / "plain").read_text() == "plain" * 1000


# --- leaving with all snapshots -----------------------------------------------------------------------------------


def test_a_volume_leaves_with_all_its_snapshots(driver: Driver, volume: Volume) -> None:
    for _ in range(2):
        driver.withdraw_all(volume, "d-0", "d-1")
        assert (driver.exists(volume), driver.list_snapshots(volume)) == (False, [])
        assert driver.staged_tokens() == ["d-0", "d-1"]
    assert (driver.staged_path("d-1") / "snap0" / "plain").read_text() == "plain" * 1000
    driver.discard("d-0")
    driver.discard("d-1")
    assert driver.staged_tokens() == []


def test_a_cut_withdrawal_goes_on(driver: Driver, volume: Volume) -> None:
    driver.withdraw(volume, "d-0")
    driver.withdraw_all(volume, "d-0", "d-1")
    assert driver.list_snapshots(volume) == []
    assert driver.staged_tokens() == ["d-0", "d-1"]


def test_a_volume_without_snapshots_leaves_alone(driver: Driver, publish: Publish) -> None:
    driver.withdraw_all(publish(), "d-0", "d-1")
    assert driver.staged_tokens() == ["d-0"]
