"""Trees in our own way, over two channels in memory, on the file system of the tests and on btrfs."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holdfast.host.removal import remove_tree
from holdfast.host.tree_links import link_tree
from holdfast.host.trees import clone_tree
from holdfast.migration.channels import DataChannel
from holdfast.migration.memory_socket import MemorySocket, pair
from holdfast.migration.tree_frames import BLOCK_BYTES, PIECE, PIECE_BYTES, SEED_BYTES, Kind
from holdfast.migration.tree_ground import Ground
from holdfast.migration.tree_receive import receive_tree
from holdfast.migration.tree_send import SendOptions, send_tree
from holdfast.model.errors import CancelledOperationError, HoldfastError, MigrationError
from holdfast.streams.copy import never
from holdfast.wire.tree_exchange import Directory, Entry, Part, encode_part
from support.trees import Entry as Described
from support.trees import describe, differences, make_rich_tree

pytestmark = [pytest.mark.root, pytest.mark.needs("setfacl")]


def ignored(_: int) -> None:
    """Show no progress."""


def on(tree: Path, *, is_linked: bool = False) -> Ground:
    """Return a staged tree that is there already."""
    return Ground(tree, lambda: is_linked)


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    return tmp_path / "source", tmp_path / "target"


def outcome(channel: DataChannel, work: Callable[[], None]) -> str:
    """Do the work of one side; return how it failed. The other side sees that by the connection, which is cut then."""
    try:
        work()
    except HoldfastError as error:
        channel.socket.abort()
        return str(error)
    except BaseException:
        channel.socket.abort()
        raise
    return ""


def transfer(
    source: Path, target: Path | Ground, *, is_linked: bool = False, options: SendOptions | None = None
) -> tuple[tuple[str, str], int]:
    """Send and receive one tree; return how each side failed, and how many bytes crossed both ways."""
    ends = pair()
    one, other = DataChannel(ends[0]), DataChannel(ends[1])
    chosen = options or SendOptions()
    ground = target if isinstance(target, Ground) else on(target, is_linked=is_linked)
    with ThreadPoolExecutor(2) as threads:
        sent = threads.submit(outcome, one, lambda: send_tree(one, source, chosen, progress=ignored, cancelled=never))
        received = threads.submit(
            outcome, other, lambda: receive_tree(other, ground, progress=ignored, cancelled=never)
        )
        failures = sent.result(200), received.result(200)
    return failures, one.sent_bytes + other.sent_bytes


def arrives(source: Path, target: Path, *, is_linked: bool = False, options: SendOptions | None = None) -> int:
    failures, crossed_bytes = transfer(source, target, is_linked=is_linked, options=options)
    assert failures == ("", "")
    assert differences(describe(source), describe(target)) == []
    return crossed_bytes


@pytest.mark.parametrize("compress", [True, False])
def test_every_kind_of_entry_arrives(trees: tuple[Path, Path], compress: bool) -> None:
    make_rich_tree(trees[0])
    arrives(*trees, options=SendOptions(compress=compress))
    assert (trees[1] / "data/sparse").stat().st_blocks * 512 < 2**20


def test_nothing_crosses_twice(trees: tuple[Path, Path]) -> None:
    make_rich_tree(trees[0])
    (trees[0] / "noise").write_bytes(os.urandom(2**20))
    first = arrives(*trees)
    assert first > 2**20
    assert arrives(*trees) < 2**16


@pytest.mark.parametrize("is_linked", [False, True])
def test_whatever_changed_arrives_and_the_former_tree_stays(tmp_path: Path, is_linked: bool) -> None:
    source, former, target = (tmp_path / name for name in ("source", "former", "target"))
    source.mkdir()
    make_rich_tree(source)
    os.link(source / "data/owned", source / "data/owned twice")
    os.link(source / "data/caps", source / "data/caps twice")
    (source / "large").write_bytes(os.urandom(3 * 2**20))
    (source / "shrinks").write_bytes(os.urandom(2**20))
    (source / "grows").write_bytes(os.urandom(2**20))
    (source / "becomes a directory").write_text("x")
    (source / "becomes a file").mkdir()
    (source / "becomes a file/below").write_text("x")
    (source / "same content, other owner").write_text("x")
    (source / "folder").mkdir()
    (source / "folder/gone").write_text("x")
    clone_tree(source, former)
    before = describe(former)
    (link_tree if is_linked else clone_tree)(former, target)

    with (source / "large").open("r+b") as file:
        file.seek(2**20 + 12345)
        file.write(b"changed")
    os.truncate(source / "shrinks", 300_000)
    with (source / "grows").open("ab") as file:
        file.write(os.urandom(2**18))
    (source / "becomes a directory").unlink()
    (source / "becomes a directory").mkdir()
    (source / "becomes a directory/below").symlink_to("x")
    (source / "becomes a file/below").unlink()
    (source / "becomes a file").rmdir()
    (source / "becomes a file").write_text("y")
    os.chown(source / "same content, other owner", 5, 6)
    (source / "folder/gone").unlink()
    (source / "data/link").unlink()
    (source / "data/link").symlink_to("empty")
    os.setxattr(source / "data/empty", "user.new", b"1")
    os.removexattr(source / "data/file", "user.note")
    facts = (source / "data/owned twice").stat()
    content = (source / "data/owned twice").read_bytes()
    (source / "data/owned twice").unlink()
    (source / "data/owned twice").write_bytes(content)
    os.chown(source / "data/owned twice", facts.st_uid, facts.st_gid)
    os.setxattr(source / "data/owned twice", "trusted.secret", b"only root sees it")
    os.utime(source / "data/owned twice", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    (source / "data/acl").unlink()
    os.link(source / "data/setuid", source / "data/acl")
    os.unlink(source / "data/fifo")
    os.mkfifo(source / "data/fifo", 0o600)

    failures, crossed_bytes = transfer(source, target, is_linked=is_linked)
    assert failures == ("", "")
    assert crossed_bytes < 3 * BLOCK_BYTES + 2**18 + 2**17, "the blocks that changed, what was added, the list"
    assert differences(without_links(before), without_links(describe(former))) == []
    remove_tree(former)
    assert differences(describe(source), describe(target)) == []
    assert (target / "data/owned").stat().st_ino != (target / "data/owned twice").stat().st_ino
    assert arrives(source, target) < 2**16


def without_links(tree: dict[str, Described]) -> dict[str, Described]:
    """Leave out which names are of one file: a tree of links adds some."""
    return {name: replace(each, links="") for name, each in tree.items()}


def test_large_directories_come_in_parts(trees: tuple[Path, Path]) -> None:
    (trees[0] / "many").mkdir()
    for number in range(9000):
        (trees[0] / f"many/{number}").touch()
    (trees[1] / "many").mkdir()
    (trees[1] / "many/not there").touch()
    arrives(*trees)


def test_zeros_in_the_place_of_what_was_there(trees: tuple[Path, Path]) -> None:
    for tree in trees:
        (tree / "file").write_bytes(os.urandom(2**20))
    with (trees[0] / "file").open("r+b") as file:
        file.truncate(0)
        file.truncate(2**20)
    os.utime(trees[0] / "file", ns=(1, 1))
    assert arrives(*trees) < 2**15


def test_a_limit_is_kept(trees: tuple[Path, Path]) -> None:
    (trees[0] / "file").write_bytes(os.urandom(2 * 2**20))
    begun = time.monotonic()
    arrives(*trees, options=SendOptions(bytes_per_s=4 * 2**20))
    assert time.monotonic() - begun > 0.3


class LineClock:
    """Shows what a thread computes and what its line takes: no time goes by while a busy machine gives it no turn."""

    def __init__(self) -> None:
        self.line_s = 0.0

    def monotonic(self) -> float:
        return time.thread_time() + self.line_s


class SlowLine:
    """An end of a connection that takes ten milliseconds for each frame that is sent."""

    def __init__(self, socket: MemorySocket, clock: LineClock) -> None:
        self._socket, self._clock = socket, clock
        self.receive, self.close, self.abort = socket.receive, socket.close, socket.abort

    def send(self, message: bytes | str) -> None:
        self._clock.line_s += 0.01
        self._socket.send(message)


@pytest.mark.parametrize("is_slow", [False, True])
def test_what_compresses_is_compressed_where_the_line_is_slow(
    trees: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, is_slow: bool
) -> None:
    size, clock = 8 * 2**20, LineClock()
    for module in ("tree_send", "tree_frames"):
        monkeypatch.setattr(f"holdfast.migration.{module}.time", clock)
    (trees[0] / "file").write_bytes(os.urandom(size // 2).hex().encode())
    ends = pair()
    one = DataChannel(SlowLine(ends[0], clock) if is_slow else ends[0])
    other = DataChannel(ends[1])
    with ThreadPoolExecutor(2) as threads:
        sent = threads.submit(send_tree, one, trees[0], SendOptions(), progress=ignored, cancelled=never)
        receive_tree(other, on(trees[1]), progress=ignored, cancelled=never)
        sent.result(200)
    assert differences(describe(trees[0]), describe(trees[1])) == []
    assert (one.sent_bytes < size * 0.7) is is_slow


def test_who_cancels_tells_why(trees: tuple[Path, Path]) -> None:
    (trees[0] / "file").write_bytes(os.urandom(4 * 2**20))
    ends = pair()
    with ThreadPoolExecutor(2) as threads:
        sent = threads.submit(
            send_tree, DataChannel(ends[0]), trees[0], SendOptions(), progress=ignored, cancelled=never
        )
        received = threads.submit(
            receive_tree, DataChannel(ends[1]), on(trees[1]), progress=ignored, cancelled=lambda: True
        )
        with pytest.raises(CancelledOperationError):
            received.result(200)
        ends[1].abort()
        with pytest.raises(MigrationError):
            sent.result(200)


# --- what a hostile source sends ---


def entry(name: bytes = b"", mode: int = stat.S_IFREG | 0o600, size: int = 0, **others: Any) -> Entry:
    values: dict[str, Any] = {"uid": 0, "gid": 0, "mtime_ns": 0, "target": b"", "group": 0, "attributes": []}
    return Entry(name=name, mode=mode, size=size, **{**values, **others})


TOP = entry(mode=stat.S_IFDIR | 0o755)


def listed(*entries: Entry, path: bytes = b"", is_complete: bool = True) -> Directory:
    return Directory(path, TOP, list(entries), is_complete)


def piece(kind: int, length: int, place: int, data: bytes = b"") -> bytes:
    return PIECE.pack(kind, length, place) + data


def hostile(target: Path | Ground, part: Part | bytes, *contents: bytes) -> str:
    """Let a source say this, whatever is asked; return what the target says to it."""
    ground = target if isinstance(target, Ground) else on(target)
    ends = pair()
    channel = DataChannel(ends[0])
    channel.send_document(part if isinstance(part, bytes) else encode_part(part))
    channel.write(b"".join(contents))
    channel.end()
    receive = DataChannel(ends[1])
    return outcome(receive, lambda: receive_tree(receive, ground, progress=ignored, cancelled=never))


def last(*directories: Directory) -> Part:
    return Part(list(directories), is_last=True)


DIRECTORY = stat.S_IFDIR | 0o700
LINK = stat.S_IFLNK | 0o777
REFUSED: dict[str, tuple[Part | bytes, Sequence[bytes], str]] = {
    "no document": (b"\xc1", (), "can't be read"),
    "another document": (msgspec.msgpack.encode({"a": 1}), (), "can't be read"),
    "dot dot": (last(listed(entry(b".."))), (), "none"),
    "dot": (last(listed(entry(b"."))), (), "none"),
    "no name": (last(listed(entry(b""))), (), "none"),
    "slash": (last(listed(entry(b"a/b"))), (), "none"),
    "absolute": (last(listed(entry(b"/etc"))), (), "none"),
    "null": (last(listed(entry(b"a\0b"))), (), "none"),
    "long": (last(listed(entry(b"x" * 256))), (), "none"),
    "twice": (last(listed(entry(b"a", DIRECTORY), entry(b"a", DIRECTORY))), (), "twice"),
    "not announced": (last(listed(), listed(path=b"a")), (), "isn't"),
    "outside": (last(listed(path=b"../x")), (), "isn't"),
    "below a link": (last(listed(entry(b"a", LINK, target=b"/etc")), listed(path=b"a")), (), "isn't"),
    "listed again": (last(listed(), listed()), (), "isn't"),
    "no top": (Part([], is_last=True), (), "complete"),
    "unknown type": (last(listed(entry(b"a", 0o644))), (), "unknown type"),
    "owner -1": (last(listed(entry(b"a", DIRECTORY, uid=2**32 - 1))), (), "can't be read"),
    "negative size": (last(listed(entry(b"a", size=-1))), (), "can't be read"),
    "null in a target": (last(listed(entry(b"a", LINK, target=b"a\0"))), (), "none"),
    "null in an attribute": (last(listed(entry(b"a", attributes=[(b"user.\0", b"")]))), (), "none"),
    "attribute that isn't": (
        last(listed(entry(b"a", stat.S_IFIFO | 0o600, attributes=[(b"nosuch.x", b"")]))),
        (),
        ": a",
    ),
    "too much": (last(listed(entry(b"a", size=1))), (piece(Kind.DATA, 2, 0, b"ab"),), "more of"),
    "far away": (last(listed(entry(b"a", size=9))), (piece(Kind.DATA, 1, 2**63, b"a"),), "more of"),
    "zeros far away": (last(listed(entry(b"a", size=9))), (piece(Kind.ZERO, 10, 0),), "more of"),
    "larger at the end": (last(listed(entry(b"a", size=1))), (piece(Kind.END, 0, 2),), "more of"),
    "huge piece": (last(listed(entry(b"a", size=2**40))), (piece(Kind.DATA, 2**30, 0),), "more than fits"),
    "huge zeros": (last(listed(entry(b"a", size=2**40))), (piece(Kind.ZERO, 2**30, 0),), "more than fits"),
    "no frame": (last(listed(entry(b"a", size=9))), (piece(Kind.ZSTD, 4, 0, b"abcd"),), "decompressed"),
    "unknown kind": (last(listed(entry(b"a", size=9))), (piece(9, 0, 0),), "unknown kind"),
    "cut": (last(listed(entry(b"a", size=9))), (piece(Kind.DATA, 9, 0, b"abc"),), "in the middle"),
    "unasked": (last(listed(entry(b"a", DIRECTORY)), listed(path=b"a")), (piece(Kind.END, 0, 0),), "asked for"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_threat_what_a_hostile_source_lists_or_sends(tmp_path: Path, what: str) -> None:
    part, contents, expected = REFUSED[what]
    (tmp_path / "target").mkdir()
    assert expected in hostile(tmp_path / "target", part, *contents)
    assert os.listdir(tmp_path) == ["target"]


def test_threat_a_bomb_of_compressed_zeros(tmp_path: Path) -> None:
    import zstandard

    bomb = zstandard.ZstdCompressor().compress(bytes(PIECE_BYTES + 1))
    part = last(listed(entry(b"a", size=2**40)))
    assert "decompressed" in hostile(tmp_path, part, piece(Kind.ZSTD, len(bomb), 0, bomb))


def test_threat_a_hostile_target_asks_for_what_isnt_listed(trees: tuple[Path, Path]) -> None:
    ends = pair()
    channel = DataChannel(ends[1])
    channel.write(bytes(SEED_BYTES) + (7).to_bytes(4, "big") + bytes(4))
    source = DataChannel(ends[0])
    sent = outcome(source, lambda: send_tree(source, trees[0], SendOptions(), progress=ignored, cancelled=never))
    assert sent == "The other server wants entry 7 of 0"


def test_attributes_of_one_directory_may_be_larger_than_a_document(
    trees: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits as they are, in proportion: what is listed at once has a fourth of what a document may have."""
    monkeypatch.setattr("holdfast.migration.tree_send._PART_ATTRIBUTE_BYTES", 16 * 1024)
    monkeypatch.setattr("holdfast.migration.channels._DOCUMENT_CAP_BYTES", 64 * 1024)
    for number in range(100):
        (trees[0] / str(number)).touch()
        os.setxattr(trees[0] / str(number), "user.note", bytes([number]) * 1000)
    arrives(*trees)
