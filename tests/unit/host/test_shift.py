"""Changing the owners of a tree: ids, ACLs, capabilities, set-id bits, links."""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path

import pytest

from holdfast.host.shift import shift_tree

pytestmark = pytest.mark.root
BASE = 1_000_000
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", tag, 6, owner)
    for tag, owner in ((1, 2**32 - 1), (2, 33), (4, 2**32 - 1), (16, 2**32 - 1), (32, 2**32 - 1))
)
CAPABILITY = struct.pack("<IIIII", 0x02000001, 0x400, 0, 0, 0)


def _up(number: int) -> int:
    return number + BASE


def _down(number: int) -> int:
    return number - BASE


def _tree(path: Path) -> None:
    (path / "sub").mkdir(parents=True)
    program = path / "sub" / "program"
    program.write_text("x")
    os.chown(program, 33, 44)
    program.chmod(0o4755)
    os.link(program, path / "again")
    (path / "file").write_text("y")
    os.setxattr(path / "file", "system.posix_acl_access", ACL)
    (path / "capable").write_text("z")
    os.setxattr(path / "capable", "security.capability", CAPABILITY)
    (path / "link").symlink_to("/etc/passwd")
    os.utime(path / "file", ns=(10**9, 10**9))


def test_there_and_back(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    _tree(tree)
    passwd = os.stat("/etc/passwd").st_uid
    shift_tree(tree, _up, _up)
    facts = (tree / "sub" / "program").stat()
    assert (facts.st_uid, facts.st_gid, stat.S_IMODE(facts.st_mode)) == (BASE + 33, BASE + 44, 0o4755)
    assert (tree / "link").lstat().st_uid == BASE
    assert os.stat("/etc/passwd").st_uid == passwd, "a link was followed"
    assert tree.stat().st_uid == BASE
    assert struct.unpack_from("<HHI", os.getxattr(tree / "file", "system.posix_acl_access"), 12)[2] == BASE + 33
    assert struct.unpack_from("<I", os.getxattr(tree / "capable", "security.capability"), 20)[0] == BASE
    assert (tree / "file").stat().st_mtime_ns == 10**9
    shift_tree(tree, _down, _down)
    assert (tree / "again").stat().st_uid == 33
    assert os.getxattr(tree / "file", "system.posix_acl_access") == ACL
    assert os.getxattr(tree / "capable", "security.capability") == CAPABILITY
