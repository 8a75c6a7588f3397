"""Streams of `btrfs send`, of a real export of LXD's: passed on as they are, or refused when anything is odd."""

from __future__ import annotations

import io
import struct
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.model.errors import ArchiveError
from holdfast.streams.btrfs_stream import MAGIC, SendStreamCheck, full_size

FILE = Path(__file__).parents[2] / "golden/exports/instance-btrfs-optimized-subvolumes.tar.gz"
HEAD = 17
SYMLINK, LINK, WRITE, END = 8, 10, 15, 21
PATH, LINK_PATH = 15, 17


@pytest.fixture(scope="module")
def stream() -> bytes:
    with tarfile.open(FILE) as tar:
        member = tar.extractfile("backup/snapshots/first.bin")
        assert member is not None
        return member.read()


def checked(data: bytes, name: str = "first", step: int = 1000) -> bytes:
    sink = io.BytesIO()
    check = SendStreamCheck(sink, name)
    for start in range(0, len(data), step):
        check.write(data[start : start + step])
    check.finish()
    return sink.getvalue()


def commands(data: bytes) -> Iterator[tuple[int, bytes]]:
    position = HEAD
    while position < len(data):
        size, kind, _ = struct.unpack_from("<IHI", data, position)
        yield kind, data[position + 10 : position + 10 + size]
        position += 10 + size


def command(kind: int, **attributes: bytes) -> bytes:
    body = b"".join(struct.pack("<HH", int(key[1:]), len(value)) + value for key, value in attributes.items())
    return struct.pack("<IHI", len(body), kind, 0) + body


@pytest.mark.parametrize("step", [1, 7, 1000, 100_000])
def test_a_real_stream_passes(stream: bytes, step: int) -> None:
    assert checked(stream, step=step) == stream


@pytest.mark.parametrize("cut", [0, 5, 16, 17, 20, 100, 5000, -1, -10, -11])
def test_a_cut_stream_is_refused(stream: bytes, cut: int) -> None:
    with pytest.raises(ArchiveError):
        checked(stream[:cut])


def test_nothing_follows_the_end(stream: bytes) -> None:
    for more in (b"x", stream, command(WRITE, a15=b"f")):
        with pytest.raises(ArchiveError):
            checked(stream + more)


def test_the_name_of_the_subvolume_is_the_expected_one(stream: bytes) -> None:
    with pytest.raises(ArchiveError, match="another name"):
        checked(stream, name="second")


def test_a_second_subvolume_is_refused(stream: bytes) -> None:
    first = next(commands(stream))
    doubled = stream[:HEAD] + command(1, a15=b"first") + struct.pack("<IHI", len(first[1]), 1, 0) + first[1]
    with pytest.raises(ArchiveError, match="exactly one subvolume"):
        checked(doubled)


def test_a_stream_begins_with_its_subvolume(stream: bytes) -> None:
    with pytest.raises(ArchiveError, match="exactly one subvolume"):
        checked(stream[:HEAD] + command(WRITE, a15=b"file") + stream[HEAD:])


@pytest.mark.parametrize("path", [b"../out", b"a/../../out", b"/etc/passwd", b"..", b"a\0b"])
def test_threat_paths_in_streams_that_lead_out(stream: bytes, path: bytes) -> None:
    end = stream.rindex(struct.pack("<IH", 0, END))
    for kind, attributes in (
        (WRITE, {"a15": path}),
        (9, {"a15": b"inside", "a16": path}),
        (LINK, {"a15": b"inside", "a17": path}),
        (16, {"a15": b"inside", "a22": path}),
    ):
        with pytest.raises(ArchiveError, match="leads out"):
            checked(stream[:end] + command(kind, **attributes) + stream[end:])


def test_targets_of_symbolic_links_are_free(stream: bytes) -> None:
    end = stream.rindex(struct.pack("<IH", 0, END))
    data = stream[:end] + command(SYMLINK, a15=b"inside", a17=b"/etc/shadow") + stream[end:]
    assert checked(data) == data


@pytest.mark.parametrize("kind", [0, 23, 25, 65535])
def test_unknown_commands_are_refused(stream: bytes, kind: int) -> None:
    with pytest.raises(ArchiveError, match="damaged"):
        checked(stream[:HEAD] + command(kind) + stream[HEAD:])


def test_rubbish_and_other_versions_are_refused(stream: bytes) -> None:
    for data in (b"rubbish" * 10, MAGIC + struct.pack("<I", 2) + stream[HEAD:], b"BTRFS-stream\0" + stream[13:]):
        with pytest.raises(ArchiveError, match="version"):
            checked(data)


def test_damaged_attributes_are_refused(stream: bytes) -> None:
    for body in (b"\x0f", struct.pack("<HH", PATH, 500) + b"short"):
        with pytest.raises(ArchiveError, match="damaged"):
            checked(stream[:HEAD] + stream[HEAD:][:0] + struct.pack("<IHI", len(body), 1, 0) + body)


@pytest.mark.root
@pytest.mark.needs("mkfs.btrfs")
def test_the_size_is_known_before(tmp_path: Path) -> None:
    """For whole streams and differences, of files with holes, of sizes around what one command holds."""
    image, mount = tmp_path / "image", tmp_path / "mount"
    with image.open("wb") as file:
        file.truncate(256 * 2**20)
    subprocess.run(["mkfs.btrfs", "-q", image], check=True, capture_output=True)
    mount.mkdir()
    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
    try:
        subprocess.run(["btrfs", "-q", "subvolume", "create", mount / "v"], check=True)
        for size in (0, 1, 4095, 4096, 48 * 1024 - 1, 48 * 1024, 48 * 1024 + 1, 5_000_000):
            (mount / f"v/{size}").write_bytes(b"x" * size)
        with (mount / "v/holes").open("wb") as file:
            for position in (1_000_000, 3_000_000):
                file.seek(position)
                file.write(b"data" * 5000)
            file.truncate(9_000_000)
        subprocess.run(["btrfs", "-q", "subvolume", "snapshot", "-r", mount / "v", mount / "one"], check=True)
        subprocess.run(["cp", "--reflink=always", mount / "v/5000000", mount / "v/clone"], check=True)
        (mount / "v/holes").write_bytes(b"y" * 100_000)
        (mount / "v/0").rename(mount / "v/renamed")
        subprocess.run(["btrfs", "-q", "subvolume", "snapshot", "-r", mount / "v", mount / "two"], check=True)
        for arguments in ([mount / "one"], [mount / "two"], ["-p", mount / "one", mount / "two"]):
            whole = subprocess.run(["btrfs", "-q", "send", *arguments], capture_output=True, check=True).stdout
            bare = subprocess.run(["btrfs", "-q", "send", "--no-data", *arguments], capture_output=True, check=True)
            assert full_size(io.BytesIO(bare.stdout)) == len(whole)
    finally:
        subprocess.run(["umount", mount], check=True)
