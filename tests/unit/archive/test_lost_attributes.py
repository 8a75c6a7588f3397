"""What tar says of attributes that it could not set, and what an unpacking makes of it."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from holdfast.archive.lost_attributes import check_none_lost, lost_attributes
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


@pytest.mark.parametrize(
    ("name", "reason", "is_of_system"),
    [
        ("user.note", "No space left on device", False),
        ("user.note", "Operation not supported", False),
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
def test_what_belongs_to_the_file(name: str, reason: str, *, is_of_system: bool) -> None:
    text = "tar: a line before\n" + WARNING.format(name, "a 'quoted': one", reason) + "tar: a line behind\n"
    (found,) = lost_attributes(text)
    assert (found.name, found.entry, found.reason) == (name, "a 'quoted': one", reason)
    assert found.is_of_system is is_of_system


def test_a_loss_behind_harmless_ones_is_found() -> None:
    text = WARNING.format("btrfs.compression", "a", "Operation not supported") + WARNING.format(
        "user.x", "b\nc", "Argument list too long"
    )
    with pytest.raises(StorageError, match=r"user\.x"):
        check_none_lost(text, Path("/tree"))
    check_none_lost("", Path("/tree"))
