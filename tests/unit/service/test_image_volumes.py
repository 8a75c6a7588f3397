from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.model.errors import ArchiveError, CancelledOperationError
from holdfast.model.storage import image_volume
from support.image_world import CALLER, ImageWorld


@pytest.fixture
def pool(world: ImageWorld) -> str:
    world.pools.create(CALLER, "main", "dir", "", {})
    return "main"


@pytest.mark.root
def test_a_volume_is_made_once(world: ImageWorld, pool: str) -> None:
    image = world.made.images.get("default", world.add())
    volume = world.made.images.ensure_volume(image, pool)
    path = world.pools.driver(pool).path(volume)
    assert (path / "rootfs/hello").read_bytes() == b"hi"
    (path / "rootfs/mark").touch()
    assert world.made.images.ensure_volume(image, pool) == volume == image_volume(image.fingerprint)
    assert (path / "rootfs/mark").exists()
    assert world.pools.driver(pool).staged_tokens() == []


@pytest.mark.root
def test_two_at_once_make_one_volume(world: ImageWorld, pool: str) -> None:
    image = world.made.images.get("default", world.add())
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(world.made.images.ensure_volume(image, pool))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [image_volume(image.fingerprint)] * 4


@pytest.mark.root
def test_a_failed_or_cancelled_unpacking_leaves_nothing(world: ImageWorld, pool: str) -> None:
    image = world.made.images.get("default", world.add())
    driver = world.pools.driver(pool)
    with pytest.raises(CancelledOperationError):
        world.made.images.ensure_volume(image, pool, cancelled=lambda: True)
    world.paths.image(image.fingerprint).write_bytes(b"something else by now")
    with pytest.raises(ArchiveError):
        world.made.images.ensure_volume(image, pool)
    assert driver.staged_tokens() == []
    assert not driver.exists(image_volume(image.fingerprint))


@pytest.mark.root
@pytest.mark.needs("mkfs.btrfs")
def test_deleting_an_image_takes_its_volumes(world: ImageWorld) -> None:
    world.pools.create(CALLER, "fast", "btrfs", "", {"size": "256MiB"})
    fingerprint = world.add()
    volume = world.made.images.ensure_volume(world.made.images.get("default", fingerprint), "fast")
    driver = world.pools.driver("fast")
    assert driver.exists(volume)
    world.succeed(world.made.images.delete(CALLER, fingerprint))
    assert not driver.exists(volume)
    assert driver.staged_tokens() == []


@pytest.mark.root
def test_a_bomb_stops_at_what_there_is_room_for(
    world: ImageWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = world.made.images.get("default", world.add())
    monkeypatch.setattr("holdfast.service.image_volumes._free_bytes", lambda _: 1000)
    target = tmp_path / "tree"
    target.mkdir()
    with pytest.raises(ArchiveError, match="1000 bytes there is room for"):
        world.made.images.unpack_into(image, target)


def test_the_split_flag_decides_which_files_are_read(world: ImageWorld, tmp_path: Path) -> None:
    image = replace(world.made.images.get("default", world.add()), is_split=True)
    target = tmp_path / "tree"
    target.mkdir()
    with pytest.raises((ArchiveError, FileNotFoundError)):
        world.made.images.unpack_into(image, target)
