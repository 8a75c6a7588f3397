"""Export files cross between Holdfast and a real Incus 6.0, both ways, and lose nothing.

Where the formats meet: Incus 6.0 writes and reads version 1 of the metadata, plain and optimized; it does not know
version 2, which LXD has from 6 on.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.incus import IncusServer
from support.pools import rootfs
from support.trees import describe, differences, make_rich_tree

pytestmark = [
    pytest.mark.long,
    pytest.mark.root,
    pytest.mark.needs("incusd", "incus", "lxc", "mkfs.btrfs", "btrfs"),
]
Pair = tuple[HoldfastServer, IncusServer, Path]
POOLS = ("default", "bt")
SNAPSHOTS = ("first", "second")


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Both servers with the image `tiny`, and a scratch directory."""
    directory = short_directory()
    image = make_tiny_image(directory / "tiny.tar.gz")
    with HoldfastServer(directory / "h") as ours, IncusServer(directory / "i") as theirs:
        ours.lxc.run("image", "import", image, "--alias", "tiny")
        theirs.run("image", "import", image, "--alias", "tiny")
        yield ours, theirs, directory
    shutil.rmtree(directory)


@pytest.fixture(autouse=True)
def clean(pair: Pair) -> Iterator[None]:
    yield
    ours, theirs, _ = pair
    for name in ("rich", "taken"):
        ours.lxc.run("delete", "--force", name, expect=None)
        theirs.run("delete", "--force", name, expect=None)


def make(server: HoldfastServer | IncusServer, pool: str) -> None:
    """Make `rich`: every kind of file, two snapshots that differ, config of its own."""

    def run(*words: str) -> None:
        server.lxc.run(*words) if isinstance(server, HoldfastServer) else server.run(*words)

    take = ("snapshot",) if isinstance(server, HoldfastServer) else ("snapshot", "create")
    run("init", "tiny", "rich", "-s", pool, "-c", "user.note=kept: yes")
    tree = rootfs(server, pool, "rich")
    make_rich_tree(tree)
    for path in (tree, *tree.rglob("*")):  # copies of plain directories keep seconds of what is older
        facts = path.lstat()
        os.utime(path, ns=(facts.st_atime_ns - 3600 * 10**9, facts.st_mtime_ns // 10**9 * 10**9), follow_symlinks=False)
    run(*take, "rich", "first")
    (tree / "data/only-second").write_text("second")
    run(*take, "rich", "second")
    (tree / "data/only-main").write_text("main")


def compare(
    source: HoldfastServer | IncusServer, from_pool: str, target: HoldfastServer | IncusServer, to_pool: str
) -> None:
    for snapshot in (*SNAPSHOTS, ""):
        found = differences(
            describe(rootfs(source, from_pool, "rich", snapshot)),
            describe(rootfs(target, to_pool, "taken", snapshot)),
            slack_ns=10**9,
        )
        assert found == [], f"snapshot {snapshot!r}:\n" + "\n".join(found)


def options(*, is_optimized: bool) -> tuple[str, ...]:
    return ("--optimized-storage",) if is_optimized else ()


CASES = [("default", "bt", "gzip", False), ("bt", "default", "zstd", False)]
"""Between pools of two kinds; `test_export_table.py` has all the others."""


@pytest.mark.parametrize(("pool", "other", "compression", "is_optimized"), CASES)
def test_ours_into_incus(pair: Pair, pool: str, other: str, compression: str, is_optimized: bool) -> None:
    ours, theirs, scratch = pair
    make(ours, pool)
    more = options(is_optimized=is_optimized)
    ours.lxc.run("export", "rich", scratch / "file", "--compression", compression, *more)
    theirs.run("import", scratch / "file", "taken", "-s", other)
    compare(ours, pool, theirs, other)
    assert theirs.run("config", "get", "taken", "user.note").strip() == "kept: yes"
    theirs.run("snapshot", "restore", "taken", "first")
    assert not (rootfs(theirs, other, "taken") / "data/only-second").exists()


@pytest.mark.parametrize(("pool", "other", "compression", "is_optimized"), CASES)
def test_incus_into_ours(pair: Pair, pool: str, other: str, compression: str, is_optimized: bool) -> None:
    ours, theirs, scratch = pair
    make(theirs, pool)
    more = options(is_optimized=is_optimized)
    theirs.run("export", "rich", scratch / "file", "--compression", compression, *more)
    ours.lxc.run("import", scratch / "file", "taken", "-s", other)
    compare(theirs, pool, ours, other)
    assert ours.lxc.run("config", "get", "taken", "user.note").strip() == "kept: yes"
    ours.lxc.run("start", "taken")
    assert ours.lxc.run("exec", "taken", "--", "cat", "/data/only-main") == "main"


def test_incus_6_refuses_version_2(pair: Pair) -> None:
    """Should a later one take it, the documentation is to say so."""
    ours, theirs, scratch = pair
    make(ours, "default")
    done = ours.holdfast("export", "rich", scratch / "two", "--export-version", "2")
    assert done.returncode == 0, done.stderr
    theirs.run("import", scratch / "two", "taken", expect=1)
    assert "taken" not in theirs.run("list", "--format", "csv", "-c", "n")
    ours.lxc.run("import", scratch / "two", "taken")
    compare(ours, "default", ours, "default")
