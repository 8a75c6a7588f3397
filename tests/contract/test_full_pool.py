"""A pool without space left says so, and what was begun in it goes. A module of its own: see `source_base`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from holdfast.model.errors import NoSpaceError
from holdfast.model.kinds import VolumeType
from holdfast.model.storage import Volume
from holdfast.storage.driver import Driver, Origin

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs")]

C1 = Volume(type=VolumeType.CONTAINER, project="default", name="c1")


def test_a_full_pool_is_said_to_be_full_and_a_clone_leaves_nothing(driver: Driver, kind: str) -> None:
    if kind == "dir":
        pytest.skip("would fill the disk of this machine")
    path = driver.stage("make-0")
    size = driver.resources().space_total_bytes - driver.resources().space_used_bytes
    (path / "content").write_bytes(os.urandom(int(size * 0.4)))
    driver.publish("make-0", C1)
    filler = driver.stage("fill-0") / "filler"
    with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(os.urandom(1024**2))
    if driver.name == "zfs":  # wants some space for each dataset, and gives back that of others by and by
        with pytest.raises(NoSpaceError, match="out of space"):
            driver.stage("snap-0", Origin(volume=C1))
        assert driver.staged_tokens() == ["fill-0"]
        driver.discard("fill-0")
        assert driver.staged_tokens() == []
        return
    if driver.features.cheap_snapshots:
        driver.stage("snap-0", Origin(volume=C1))  # needs no space for content
        driver.publish_snapshot("snap-0", C1, "snap0")
        return
    if _shares_extents(driver.path(C1) / "content"):
        os.truncate(filler, 0)
        (driver.path(C1) / "many").mkdir()
        with pytest.raises(OSError, match="No space left"):
            for number in range(10_000_000):
                (driver.path(C1) / f"many/{number}").write_bytes(b"x" * 65536)
    with pytest.raises(NoSpaceError, match="No space left"):
        driver.stage("c-0", Origin(volume=C1))
    assert driver.staged_tokens() == ["fill-0"]


def _shares_extents(path: Path) -> bool:
    copy = path.with_name("copy")
    done = subprocess.run(["cp", "--reflink=always", path, copy], capture_output=True, check=False)
    copy.unlink(missing_ok=True)
    return done.returncode == 0
