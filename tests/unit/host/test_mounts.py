"""The table of mounts, bind mounts, loop devices, idmapped mounts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.host import idmapped, loops, mounts
from holdfast.host.processes import run
from holdfast.model.errors import CommandError
from support.waiting import await_true

MIB = 1024**2


def test_parse_mountinfo() -> None:
    text = (
        "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
        "37 35 0:45 / /a\\040b\\134c rw,relatime - btrfs /dev/loop0 rw\n"
    )
    first, second = mounts.parse_mountinfo(text)
    assert (first.target, first.root, first.file_system, first.source, first.device) == (
        Path("/mnt2"),
        "/mnt1",
        "ext3",
        "/dev/root",
        "98:0",
    )
    assert (second.target, second.file_system) == (Path("/a b\\c"), "btrfs")


def test_file_system_of_proc_is_proc() -> None:
    assert mounts.file_system_of(Path("/proc/self")) == "proc"


@pytest.mark.root
def test_bind_and_unmount_of_a_stack(tmp_path: Path) -> None:
    source, target = tmp_path / "source dir", tmp_path / "tar get"
    source.mkdir()
    target.mkdir()
    (source / "file").touch()
    mounts.bind(source, target)
    mounts.bind(source, target)
    found = mounts.mount_at(target)
    assert found is not None
    assert (target / "file").exists()
    mounts.unmount(target)
    mounts.unmount(target)
    assert mounts.mount_at(target) is None
    assert not (target / "file").exists()


@pytest.mark.root
def test_unmount_of_what_is_busy_says_so(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    mounts.bind(tmp_path / "a", tmp_path / "a")
    holder = os.open(tmp_path / "a", os.O_RDONLY)
    try:
        with pytest.raises(CommandError, match="busy"):
            mounts.unmount(tmp_path / "a")
    finally:
        os.close(holder)
        mounts.unmount(tmp_path / "a")


@pytest.mark.root
@pytest.mark.needs("mkfs.ext4")
def test_a_loop_device_goes_with_the_last_unmount(tmp_path: Path) -> None:
    image, target = tmp_path / "image", tmp_path / "target"
    with image.open("wb") as file:
        file.truncate(32 * MIB)
    run(["mkfs.ext4", "-q", image])
    target.mkdir()
    with loops.attached(image) as device:
        mounts.mount(device, target, file_system="ext4", options=["noatime"])
    try:
        assert loops.devices_of(image) == [device]
        assert mounts.file_system_of(target / "lost+found") == "ext4"
        loops.grow(image, 48 * MIB)
        assert run(["blockdev", "--getsize64", device]).stdout.strip() == str(48 * MIB).encode()
    finally:
        mounts.unmount(target)
    await_gone(image)


def await_gone(image: Path) -> None:
    """Wait until no loop device shows the file: who lists all of them has each open for a moment."""
    await_true(lambda: loops.devices_of(image) == [], "the loop device to go")


@pytest.mark.root
def test_a_loop_device_goes_when_the_mount_fails(tmp_path: Path) -> None:
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(MIB)
    with pytest.raises(CommandError), loops.attached(image) as device:
        mounts.mount(device, tmp_path, file_system="ext4")
    await_gone(image)


@pytest.mark.root
def test_idmapped_tree_shows_other_owners_and_writes_them_back(tmp_path: Path) -> None:
    if not idmapped.can_idmap(tmp_path):
        pytest.skip("this file system has no idmapped mounts")
    (tmp_path / "file").touch()
    os.chown(tmp_path / "file", 33, 44)
    with idmapped.idmapped_tree(tmp_path, disk_base=0, shown_base=1_000_000, size=65536) as tree:
        shown = os.stat("file", dir_fd=tree)
        assert (shown.st_uid, shown.st_gid) == (1_000_033, 1_000_044)
        os.chown("file", 1_000_007, 1_000_008, dir_fd=tree)
    assert ((tmp_path / "file").stat().st_uid, (tmp_path / "file").stat().st_gid) == (7, 8)


@pytest.mark.root
def test_proc_has_no_idmapped_mounts() -> None:
    assert not idmapped.can_idmap(Path("/proc"))
