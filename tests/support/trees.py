"""Make a tree that holds every kind of file, and describe trees so that two can be compared entry by entry."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import struct
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """All that must survive a backup; `links` names the first path of a hard link group."""

    kind: str
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    size: int
    digest: str
    target: str
    device: int
    links: str
    xattrs: tuple[tuple[str, bytes], ...]


def describe(root: Path) -> dict[str, Entry]:
    """Return every entry below `root` by relative path (surrogate-escaped), root itself as "."; no sockets."""
    first_of: dict[tuple[int, int], str] = {}
    entries: dict[str, Entry] = {}

    def visit(path: str, name: str) -> None:
        info = os.lstat(path)
        if stat.S_ISSOCK(info.st_mode):
            return
        digest = target = links = ""
        if stat.S_ISREG(info.st_mode):
            digest = _digest(path)
            if info.st_nlink > 1:
                links = first_of.setdefault((info.st_dev, info.st_ino), name)
        elif stat.S_ISLNK(info.st_mode):
            target = os.readlink(path)
        names = [] if stat.S_ISLNK(info.st_mode) else os.listxattr(path, follow_symlinks=False)
        entries[name] = Entry(
            kind=stat.filemode(info.st_mode)[0],
            mode=stat.S_IMODE(info.st_mode),
            uid=info.st_uid,
            gid=info.st_gid,
            mtime_ns=info.st_mtime_ns,
            size=info.st_size if stat.S_ISREG(info.st_mode) else 0,
            digest=digest,
            target=target,
            device=info.st_rdev,
            links=links,
            xattrs=tuple(sorted((key, os.getxattr(path, key, follow_symlinks=False)) for key in names)),
        )
        if stat.S_ISDIR(info.st_mode):
            for child in sorted(os.listdir(path)):
                visit(os.path.join(path, child), child if name == "." else f"{name}/{child}")

    visit(os.fspath(root), ".")
    return entries


def differences(wanted: dict[str, Entry], found: dict[str, Entry], *, slack_ns: int = 0) -> list[str]:
    """Return one line per entry that is not equal; times may differ by `slack_ns` (LXD rounds to seconds)."""
    lines = []
    for name in sorted(wanted.keys() | found.keys()):
        one, other = wanted.get(name), found.get(name)
        if one and other and abs(one.mtime_ns - other.mtime_ns) <= slack_ns:
            other = replace(other, mtime_ns=one.mtime_ns)
        if one != other:
            lines.append(f"{name!r}: {one} != {other}")
    return lines


def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def make_rich_tree(root: Path) -> None:
    """Fill the directory with every kind of entry that a root file system can hold (needs root)."""
    data = root / "data"
    data.mkdir()
    (data / "file").write_bytes(b"hello\n" * 1000)
    os.link(data / "file", data / "hard link")
    (data / "empty").touch()
    (data / "link").symlink_to("file")
    (data / "dangling").symlink_to("/no/such/place")
    (data / "loop").symlink_to("loop")
    os.mkfifo(data / "fifo", 0o620)
    os.mknod(data / "char", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(data / "block", stat.S_IFBLK | 0o660, os.makedev(7, 200))
    with (data / "sparse").open("wb") as file:
        file.seek(3 * 2**20)
        file.write(b"middle")
        file.truncate(8 * 2**20)
    (data / "setuid").write_bytes(b"\x7fELF")
    os.chown(data / "setuid", 0, 42)
    os.chmod(data / "setuid", 0o6755)
    (data / "sticky").mkdir()
    os.chmod(data / "sticky", 0o1777)
    (data / "owned").write_text("by 1000")
    os.chown(data / "owned", 1000, 1001)
    os.chown(data / "link", 1000, 1000, follow_symlinks=False)
    for name in ("naïve ☃", "new\nline", "back\\slash", "quote\"'s", "-dash", "* ?", "x" * 250, "trailing "):
        (data / name).write_text(name)
    Path(os.fsdecode(os.fsencode(data) + b"/\xff\xfe not utf-8")).write_text("raw")
    deep = data
    for level in range(30):
        deep = deep / f"level-{level:02d}"
        deep.mkdir()
    (deep / "bottom").write_text("deep")
    os.setxattr(data / "file", "user.note", b"kept\x00binary")
    os.setxattr(data / "owned", "trusted.secret", b"only root sees it")
    (data / "caps").write_bytes(b"\x7fELF")
    os.setxattr(data / "caps", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))
    (data / "acl").write_text("acl")
    subprocess.run(["setfacl", "-m", "u:1234:r--,g:4321:rwx", data / "acl"], check=True)
    (data / "acl-default").mkdir()
    subprocess.run(["setfacl", "-d", "-m", "u:1234:rwx", data / "acl-default"], check=True)
    sock = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(data)
    try:
        sock.bind("socket")
    finally:
        os.chdir(here)
        sock.close()
    for path in (data / "file", data / "sticky", data / "fifo"):
        os.utime(path, ns=(10**18, 1_234_567_890_123_456_789))
    os.utime(data / "link", ns=(10**18, 987_654_321 * 10**9), follow_symlinks=False)
