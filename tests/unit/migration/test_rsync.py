"""Trees by real rsync, confined on both sides, over two channels in memory."""

from __future__ import annotations

import io
import os
import stat
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from holdfast.host.processes import run
from holdfast.host.tree_links import link_unchanged
from holdfast.host.trees import clone_tree
from holdfast.migration.blocks import receive_block, send_block
from holdfast.migration.channels import DataChannel
from holdfast.migration.memory_socket import MemorySocket, pair
from holdfast.migration.negotiation import ALL_RSYNC
from holdfast.migration.rsync import RsyncOptions, receive_differences, receive_tree, send_tree
from holdfast.migration.rsync_log import Listing, read_listing
from holdfast.model.errors import HoldfastError, MigrationError, NoSpaceError
from holdfast.streams.copy import never
from support.trees import Entry, describe, differences, make_rich_tree
from unit.migration.test_trees_any import TREES, is_told_apart, make

pytestmark = [pytest.mark.root, pytest.mark.needs("rsync", "setfacl")]
OURS = RsyncOptions(features=ALL_RSYNC)


@pytest.fixture
def ends() -> tuple[MemorySocket, MemorySocket]:
    return pair()


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    return tmp_path / "source", tmp_path / "target"


def outcome(work: Callable[[], None], kind: type[HoldfastError] = MigrationError) -> str:
    try:
        work()
    except kind as error:
        return str(error)
    return ""


def transfer(
    ends: tuple[MemorySocket, MemorySocket], source: Path, target: Path, options: RsyncOptions = OURS
) -> tuple[str, str]:
    """Send and receive one tree; return how each side failed."""
    one, other = DataChannel(ends[0]), DataChannel(ends[1])
    with ThreadPoolExecutor(2) as threads:
        sent = threads.submit(outcome, lambda: send_tree(one, source, options))
        received = threads.submit(outcome, lambda: receive_tree(other, target, options), HoldfastError)
        return sent.result(200), received.result(200)


def test_every_kind_of_entry_arrives(ends: tuple[MemorySocket, MemorySocket], trees: tuple[Path, Path]) -> None:
    make_rich_tree(trees[0])
    assert transfer(ends, *trees) == ("", "")
    assert differences(alone(trees[0]), describe(trees[1])) == []


def alone(tree: Path) -> dict[str, Entry]:
    """Describe a tree without hard links, which rsync leaves out as LXD calls it."""
    return {name: replace(entry, links="") for name, entry in describe(tree).items()}


def files(tree: Path) -> set[int]:
    return {path.lstat().st_ino for path in tree.rglob("*") if not stat.S_ISDIR(path.lstat().st_mode)}


def becomes(source: Path, former: Path, target: Path) -> Listing:
    """Receive what differs from the former tree, complete it with what doesn't, and compare."""
    target.mkdir()
    before = alone(former)
    one, other = (DataChannel(end) for end in pair())
    with ThreadPoolExecutor(2) as threads:
        sent = threads.submit(send_tree, one, source, OURS)
        received = threads.submit(receive_differences, other, target, former, OURS)
        listing = received.result(200)
        sent.result(200)
    assert not files(target) & files(former)
    link_unchanged(former, target, listing.unchanged)
    assert differences(before, alone(former)) == []
    assert differences(alone(source), alone(target)) == []
    return listing


def test_differences_to_a_tree_that_is_only_looked_at(tmp_path: Path) -> None:
    source, former = tmp_path / "source", tmp_path / "former"
    source.mkdir()
    make_rich_tree(source)
    (source / "way").mkdir()
    (source / "way/file").write_text("file")
    for name in ("mode", "owner", "content", "attribute", "type", "goes"):
        (source / name).write_text(name * 20_000)
    clone_tree(source, former)
    same = becomes(source, former, tmp_path / "same")
    assert same.changed == set()
    assert same.entries == len(describe(source)) - 1 + sum(path.is_socket() for path in source.rglob("*"))
    (source / "mode").chmod(0o600)
    os.chown(source / "owner", 1, 2)
    with (source / "content").open("r+b") as file:
        file.write(b"changed")
    os.setxattr(source / "attribute", "user.new", b"value")
    for name in ("type", "goes", "data/fifo", "data/dangling"):
        (source / name).unlink()
    (source / "type").mkdir(0o750)
    (source / "data/dangling").symlink_to("/elsewhere")
    os.mkfifo(source / "data/fifo", 0o600)
    (source / "data/sticky").chmod(0o1700)
    (former / "way").rename(former / "elsewhere")
    (former / "way").symlink_to("elsewhere")
    changed = becomes(source, former, tmp_path / "changed").changed
    assert {b"mode", b"owner", b"content", b"attribute", b"type", b"data/sticky", b"way"} <= changed
    assert b"data/file" not in changed
    assert (tmp_path / "changed/way/file").stat().st_nlink == 1


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(source=TREES, former=TREES)
def test_any_tree_becomes_any_other(source: dict[str, object], former: dict[str, object]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        one, old, new = (Path(scratch) / name for name in ("source", "former", "target"))
        for path, tree in ((one, source), (old, former)):
            path.mkdir()
            make(path, tree)
        if is_told_apart(one, old):
            becomes(one, old, new)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param("[1] .f          5 file\n[1] sent 1 bytes  received 1 bytes  total size 6\n", id="one is missing"),
        pytest.param("[1] .f          5 file\n", id="cut"),
        pytest.param("[1] .f          0 ../file\n[1] sent 1 bytes  received 1 bytes  total size 0\n", id="outside"),
        pytest.param("[1] .f          0 a\\#000\n[1] sent 1 bytes  received 1 bytes  total size 0\n", id="no name"),
    ],
)
def test_threat_notes_that_are_not_whole(lines: str) -> None:
    with pytest.raises(MigrationError):
        read_listing(io.BytesIO(lines.encode()))


def test_sums_of_large_files_may_wait_for_the_sender(
    ends: tuple[MemorySocket, MemorySocket], trees: tuple[Path, Path]
) -> None:
    """The receiver sends sums of what it has faster than the sender, which looks for them in its files, reads them."""
    noise = os.urandom(8 * 2**20)
    for number in range(16):
        (trees[0] / str(number)).write_bytes(noise + b"new")
        (trees[1] / str(number)).write_bytes(noise)
    assert transfer(ends, *trees) == ("", "")
    assert differences(describe(trees[0]), describe(trees[1])) == []


def test_trees_follow_each_other_as_differences(
    ends: tuple[MemorySocket, MemorySocket], trees: tuple[Path, Path]
) -> None:
    """One directory takes state after state; also one that differs in nothing but a part of a second."""
    source, target = trees
    (source / "same size").write_text("one")
    os.utime(source / "same size", ns=(10**18, 10**18 + 1))
    (source / "goes").write_text("x")
    assert transfer(ends, source, target) == ("", "")
    (source / "same size").write_text("two")
    os.utime(source / "same size", ns=(10**18, 10**18 + 2))
    (source / "goes").unlink()
    (source / "comes").mkdir()
    assert transfer(ends, source, target) == ("", "")
    assert differences(describe(source), describe(target)) == []


def test_a_slow_source(ends: tuple[MemorySocket, MemorySocket], trees: tuple[Path, Path]) -> None:
    """What the target asks for waits until the source comes to it."""
    source, target = trees
    for number in range(20_000):
        (source / f"{number:05}").touch()
    (source / "large").write_bytes(os.urandom(1 << 20))
    assert transfer(ends, source, target, replace(OURS, bwlimit="300")) == ("", "")
    assert len(os.listdir(target)) == 20_001
    assert (target / "large").read_bytes() == (source / "large").read_bytes()


@pytest.mark.parametrize("compress", [True, False])
def test_with_and_without_compression(
    ends: tuple[MemorySocket, MemorySocket], trees: tuple[Path, Path], *, compress: bool
) -> None:
    (trees[0] / "file").write_text("x" * 100_000)
    assert transfer(ends, *trees, RsyncOptions(features=replace(ALL_RSYNC, compress=compress))) == ("", "")
    assert (trees[1] / "file").read_text() == "x" * 100_000


def test_hard_links_become_files_as_they_do_in_lxd(
    ends: tuple[MemorySocket, MemorySocket], trees: tuple[Path, Path]
) -> None:
    source, target = trees
    (source / "one").write_text("x")
    os.link(source / "one", source / "other")
    assert transfer(ends, source, target, OURS) == ("", "")
    assert (target / "one").stat().st_nlink == 1


def test_threat_the_receiver_is_kept_in_its_tree(
    ends: tuple[MemorySocket, MemorySocket], trees: tuple[Path, Path]
) -> None:
    """A directory that is a link in the target isn't followed out of it."""
    source, target = trees
    outside = target.parent / "outside"
    outside.mkdir()
    (source / "way").mkdir()
    (source / "way/file").write_text("planted")
    (target / "way").symlink_to(outside)
    assert transfer(ends, source, target) == ("", "")
    assert list(outside.iterdir()) == []
    assert stat.S_ISDIR((target / "way").lstat().st_mode)


def test_a_full_disk_is_told(ends: tuple[MemorySocket, MemorySocket], trees: tuple[Path, Path]) -> None:
    source, target = trees
    (source / "large").write_bytes(os.urandom(3 << 20))
    run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", target])
    try:
        sent, received = transfer(ends, source, target)
    finally:
        run(["umount", target])
    assert "No space left on device" in received
    assert sent


@pytest.mark.parametrize("side", [0, 1])
def test_a_cut_ends_both_sides(ends: tuple[MemorySocket, MemorySocket], trees: tuple[Path, Path], side: int) -> None:
    (trees[0] / "file").write_text("x")
    ends[side].abort()
    sent, received = transfer(ends, *trees)
    assert "cut" in sent and "cut" in received


def test_threat_garbage_is_no_tree(ends: tuple[MemorySocket, MemorySocket], trees: tuple[Path, Path]) -> None:
    garbage = DataChannel(ends[0])
    garbage.write(os.urandom(100_000))
    garbage.end()
    failed = outcome(lambda: receive_tree(DataChannel(ends[1]), trees[1], OURS))
    assert failed.startswith("Rsync receive failed")
    assert list(trees[1].iterdir()) == []


@pytest.mark.parametrize("size", [0, 1, 65536, 1_000_000, 5 << 20])
def test_disks_arrive_byte_by_byte_and_sparse(
    ends: tuple[MemorySocket, MemorySocket], tmp_path: Path, size: int
) -> None:
    disk, found = tmp_path / "disk", tmp_path / "found"
    with disk.open("wb") as file:
        file.truncate(size)
        if size > 700_000:
            file.seek(600_000)
            file.write(os.urandom(50_000))
    send_block(DataChannel(ends[0]), disk, progress=lambda _: None, cancelled=never)
    receive_block(DataChannel(ends[1]), found, largest_bytes=size, progress=lambda _: None, cancelled=never)
    assert found.read_bytes() == disk.read_bytes()
    assert found.stat().st_blocks * 512 <= 256 * 1024


def test_threat_a_disk_larger_than_its_volume(ends: tuple[MemorySocket, MemorySocket], tmp_path: Path) -> None:
    DataChannel(ends[0]).write(bytes(100_001))
    with pytest.raises(MigrationError, match="larger than 100000"):
        receive_block(
            DataChannel(ends[1]), tmp_path / "disk", largest_bytes=100_000, progress=lambda _: None, cancelled=never
        )


def test_a_disk_that_the_pool_has_no_room_for(ends: tuple[MemorySocket, MemorySocket], tmp_path: Path) -> None:
    DataChannel(ends[0]).send_document(os.urandom(3 << 20))
    run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path])
    try:
        with pytest.raises(NoSpaceError, match=r"^Receiving a disk: No space left on device$"):
            receive_block(
                DataChannel(ends[1]), tmp_path / "disk", largest_bytes=4 << 20, progress=lambda _: None, cancelled=never
            )
    finally:
        run(["umount", tmp_path])
