"""What a restore replaced is kept apart: nothing written to the new content, or to what comes later, reaches it."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.host.former_tree import bytes_of_its_own
from holdfast.model.storage import Volume
from holdfast.storage.driver import Driver, Origin
from support.trees import Entry, describe, make_rich_tree

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "setfacl")]

Publish = Callable[..., Volume]
FILES = ("plain", "other", "sub/below", "twin-1", "changed", "only-new")


@pytest.fixture
def volume(driver: Driver, publish: Publish) -> Volume:
    """A volume with many kinds of files, a snapshot "snap0" of it, and differences since then."""
    made = publish()
    path = driver.path(made)
    make_rich_tree(path)
    (path / "sub").mkdir()
    for name in FILES[:-1]:
        (path / name).write_text(name * 1000)
    (path / "twin-2").hardlink_to(path / "twin-1")
    (path / "link").symlink_to("plain")
    (path / "gone").write_text("gone")
    driver.stage("s-0", Origin(volume=made))
    driver.publish_snapshot("s-0", made, "snap0")
    (path / "changed").write_text("since then")
    (path / "only-new").write_text("since then")
    (path / "gone").unlink()
    (path / "new-folder").mkdir()
    (path / "new-folder" / "inside").hardlink_to(path / "only-new")
    return made


def restore(driver: Driver, volume: Volume, intent: str, origin: Origin, relative: Origin | None = None) -> str:
    """Restore as the service does; return the token of what is kept."""
    new, apart = f"{intent}-0", f"{intent}-1"
    driver.stage(new, origin, resembling=volume, relative=relative)
    kept = apart if driver.stage_former(apart, volume, new, origin) else new
    driver.sync(new)
    driver.swap(new, volume)
    driver.keep_former(kept)
    driver.discard(new)
    return kept


def entries(path: Path) -> dict[str, Entry]:
    """Describe what is below, without the directory's own time, which an exchange touches on some file systems.

    A name that a file has in another tree is none that this tree shows.
    """
    found = {name: entry for name, entry in describe(path).items() if name != "."}
    names = Counter(entry.links for entry in found.values())
    return {name: replace(entry, links=entry.links if names[entry.links] > 1 else "") for name, entry in found.items()}


def scribble(path: Path) -> None:
    """Write into every file where it is, as a program does that opens and appends."""
    for file in sorted(path.rglob("*")):
        if file.is_file() and not file.is_symlink():
            subprocess.run(["chattr", "-ia", file], check=False, capture_output=True)
            with file.open("ab") as content:
                content.write(b"scribbled")


def former_path(driver: Driver, token: str) -> Path:
    return driver.mount / ".former" / token


def test_what_was_there_is_kept_whole(driver: Driver, volume: Volume) -> None:
    before, snapshot = entries(driver.path(volume)), entries(driver.path(volume, "snap0"))
    token = restore(driver, volume, "r", Origin(volume=volume, snapshot="snap0"))
    assert driver.former_tokens() == [token]
    assert driver.staged_tokens() == []
    assert entries(driver.path(volume)) == snapshot
    assert entries(former_path(driver, token)) == before


def test_threat_writing_after_a_restore_reaches_neither_the_former_state_nor_the_snapshot(
    driver: Driver, volume: Volume
) -> None:
    before, snapshot = entries(driver.path(volume)), entries(driver.path(volume, "snap0"))
    token = restore(driver, volume, "r", Origin(volume=volume, snapshot="snap0"))
    scribble(driver.path(volume))
    assert entries(former_path(driver, token)) == before
    assert entries(driver.path(volume, "snap0")) == snapshot


def test_undo_redo_and_writing_in_between(driver: Driver, volume: Volume) -> None:
    """Each state that was left is whole when it comes back, over several rounds, and the snapshot never changes."""
    snapshot = entries(driver.path(volume, "snap0"))
    token = restore(driver, volume, "r0", Origin(volume=volume, snapshot="snap0"))
    for number in range(1, 5):
        (driver.path(volume) / "plain").open("a").write(f"round {number}")
        left, kept = entries(driver.path(volume)), entries(former_path(driver, token))
        origin, relative = Origin(volume=volume, former=token), Origin(volume=volume, snapshot="snap0")
        newer = restore(driver, volume, f"r{number}", origin, relative)
        driver.drop_former(token)
        token = newer
        assert entries(driver.path(volume)) == kept
        assert entries(former_path(driver, token)) == left
        assert entries(driver.path(volume, "snap0")) == snapshot
    scribble(driver.path(volume))
    assert entries(former_path(driver, token)) == left
    assert entries(driver.path(volume, "snap0")) == snapshot


def test_restoring_again_shares_as_much_as_the_first_time(driver: Driver, volume: Volume) -> None:
    """Names that the former state gives to a snapshot's files don't keep them from being shared."""
    origin = Origin(volume=volume, snapshot="snap0")
    token = restore(driver, volume, "r", origin)
    former = Origin(volume=volume, former=token)
    staged = driver.stage("again-0", origin, resembling=volume, relative=former)
    shares = [
        (staged / name).stat().st_ino == (driver.path(volume) / name).stat().st_ino for name in ("plain", "other")
    ]
    without = driver.stage("without-0", origin)
    assert entries(staged) == entries(without)
    is_linked = driver.name == "dir" and os.stat(former_path(driver, token) / "plain").st_nlink > 1
    assert all(shares) if is_linked else not any(shares) or driver.features.cheap_snapshots


def test_a_former_state_takes_what_differs_only(driver: Driver, volume: Volume) -> None:
    whole = bytes_of_its_own(driver.path(volume))
    token = restore(driver, volume, "r", Origin(volume=volume, snapshot="snap0"))
    size = driver.former_bytes(token)
    if os.stat(former_path(driver, token) / "plain").st_nlink > 1:
        assert size is not None
        assert 0 < size < whole / 2
    else:
        assert size is None or size > 0


def test_keeping_and_dropping_can_be_done_again(driver: Driver, volume: Volume) -> None:
    driver.stage("k-0", Origin(volume=volume))
    for _ in range(2):
        driver.keep_former("k-0")
        assert (driver.former_tokens(), driver.staged_tokens()) == (["k-0"], [])
    for _ in range(2):
        driver.drop_former("k-0")
        assert driver.former_tokens() == []
