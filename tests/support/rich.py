"""An instance that holds every kind of file, with two snapshots that differ; and what must come out of a copy of it."""

from __future__ import annotations

import os
from pathlib import Path

from support.holdfast import HoldfastServer
from support.lxd import LxdServer
from support.pools import rootfs
from support.trees import make_rich_tree

Server = HoldfastServer | LxdServer


def make_rich_instance(server: Server, pool: str, name: str = "rich") -> None:
    """Make it of the image `tiny`, with config of its own."""
    server.lxc.run("init", "tiny", name, "-s", pool, "-c", "user.note=kept: yes")
    make_rich_tree(rootfs(server, pool, name))
    age(rootfs(server, pool, name))
    server.lxc.run("snapshot", name, "first")
    (rootfs(server, pool, name) / "data/only-second").write_text("second")
    age(rootfs(server, pool, name))
    server.lxc.run("snapshot", name, "second", "--no-expiry")
    (rootfs(server, pool, name) / "data/only-main").write_text("main")
    (rootfs(server, pool, name) / "data/file").unlink()
    age(rootfs(server, pool, name))


def age(tree: Path) -> None:
    """Set all times an hour back: the rsync that LXD copies with leaves a wrong time that is right to the second."""
    for path in (tree, *tree.rglob("*")):
        facts = path.lstat()
        times = (facts.st_atime_ns - 3600 * 10**9, facts.st_mtime_ns - 3600 * 10**9)
        os.utime(path, ns=times, follow_symlinks=False)
