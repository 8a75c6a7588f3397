"""What tar says of attributes that it could not set, and what an unpacking makes of it."""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.archive.lost_attributes import LostAttribute, LostAttributes
from holdfast.archive.members import Kind, Member
from holdfast.archive.unpack import TreeUnpacker, unpacking
from holdfast.model.errors import StorageError
from holdfast.streams.copy import write_all

WARNING = "tar: setxattrat: Cannot set '{}' extended attribute for file '{}': {}\n"


def _unpack(target: Path, name: bytes, value: bytes) -> None:
    member = Member(name=b"folder/odd\nname", kind=Kind.FILE, records={b"SCHILY.xattr." + name: value})
    with unpacking(target, is_confined=os.geteuid() == 0) as unpacker:
        _add(unpacker, Member(name=b"folder", kind=Kind.DIRECTORY, mode=0o755))
        _add(unpacker, member)


def _add(unpacker: TreeUnpacker, member: Member) -> None:
    write_all(unpacker, member.encode())


def test_an_attribute_that_no_room_is_for_is_an_error(tmp_path: Path) -> None:
    """No file system takes more than 64 KiB of one."""
    _unpack(tmp_path, b"user.small", b"kept")
    assert os.getxattr(tmp_path / "folder/odd\nname", "user.small") == b"kept"
    with pytest.raises(
        StorageError, match=r'"user\.large" of "folder/odd\nname" can\'t be set \(.*remove the attribute'
    ):
        _unpack(tmp_path, b"user.large", bytes(65537))


def test_what_only_another_file_system_knows_is_left_out_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        _unpack(tmp_path, b"elsewhere.setting", b"1")
    assert "elsewhere.setting of folder/odd" in caplog.text


@pytest.mark.root
def test_a_loss_before_a_thousand_harmless_ones_is_found(tmp_path: Path) -> None:
    """Their warnings are more than what is kept of standard error for the text of an error."""
    harmless = Member(name=b"odd", kind=Kind.FILE, records={b"SCHILY.xattr.elsewhere.setting": b"1"})
    lossy = Member(name=b"lossy", kind=Kind.FILE, records={b"SCHILY.xattr.user.large": bytes(65537)})
    with pytest.raises(StorageError, match=r'"user\.large" of "lossy"'), unpacking(tmp_path) as unpacker:
        _add(unpacker, lossy)
        for number in range(1000):
            _add(unpacker, replace(harmless, name=b"odd-%d" % number))


def _read(text: str, piece_bytes: int = 16384) -> LostAttributes:
    lost = LostAttributes()
    data = text.encode()
    for begin in range(0, len(data), piece_bytes):
        lost.read(data[begin : begin + piece_bytes])
    return lost


@pytest.mark.parametrize(
    ("name", "reason", "is_of_system"),
    [
        ("user.note", "No space left on device", False),
        ("user.note", "Operation not supported", False),
        ("user.note", "Input/output error", False),
        ("user.note", "Read-only file system", False),
        ("trusted.overlay.opaque", "Operation not supported", False),
        ("security.capability", "Operation not supported", False),
        ("system.posix_acl_access", "Operation not supported", False),
        ("security.selinux", "Invalid argument", True),
        ("security.selinux", "Operation not permitted", True),
        ("btrfs.compression", "Operation not supported", True),
        ("btrfs.compression", "No space left on device", False),
        ("system.nfs4_acl", "Operation not supported", True),
    ],
)
@pytest.mark.parametrize("piece_bytes", [1, 7, 16384])
def test_what_belongs_to_the_file(name: str, reason: str, piece_bytes: int, *, is_of_system: bool) -> None:
    text = "tar: a line before\n" + WARNING.format(name, "a 'quoted': one", reason) + "tar: a line behind\n"
    lost = _read(text, piece_bytes)
    found = lost.of_system if is_of_system else lost.of_file
    assert found == LostAttribute(name, "a 'quoted': one", reason)
    assert found.is_of_system is is_of_system


@pytest.mark.parametrize("piece_bytes", [1, 7, 16384])
def test_a_loss_behind_harmless_ones_is_found(piece_bytes: int) -> None:
    text = WARNING.format("btrfs.compression", "a", "Operation not supported") + WARNING.format(
        "user.x", "b\nc", "Argument list too long"
    )
    lost = _read(text, piece_bytes)
    assert lost.left_out == 1
    with pytest.raises(StorageError, match=r"user\.x"):
        lost.check(Path("/tree"))


def test_nothing_lost_is_no_error() -> None:
    _read("").check(Path("/tree"))
    _read("tar: setxattr is a word\n" * 10000).check(Path("/tree"))


def test_all_that_is_left_out_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    lost = _read(WARNING.format("btrfs.compression", "a" * 100, "Operation not supported") * 20000)
    with caplog.at_level(logging.WARNING):
        lost.check(Path("/tree"))
    assert "20000 extended attributes" in caplog.text


@pytest.mark.parametrize("text", [WARNING.format("btrfs." + "x" * 40000, "a", "Operation not supported"), WARNING[:60]])
def test_a_warning_that_is_not_understood_counts_as_a_loss(text: str) -> None:
    with pytest.raises(StorageError, match="can't be set"):
        _read(text).check(Path("/tree"))


NO_ROOM = "no extended attribute space remaining (per file or filesystem limit)"
NO_SUPPORT = "extended attributes are not supported by the destination filesystem"
AFTERWARDS = "Ignoring xattrs in filesystem\nTo avoid this error message, specify -no-xattrs\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            f"\nFATAL ERROR: write_xattr: failed to write xattr user.big for file ./big because {NO_ROOM}\n",
            LostAttribute("user.big", "./big", NO_ROOM),
        ),
        (
            f"write_xattr: failed to write xattr user.x for file ./a b because {NO_SUPPORT}\n{AFTERWARDS}",
            LostAttribute("user.x", "./a b", NO_SUPPORT),
        ),
        ("FATAL ERROR: Data queue size is too large\n", None),
    ],
)
def test_the_words_of_unsquashfs(text: str, found: LostAttribute | None) -> None:
    assert LostAttribute.of_unsquashfs(text) == found
