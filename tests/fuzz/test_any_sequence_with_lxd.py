"""Any sequence of what users do with instances on Holdfast and on real LXD 5.0.2: they cross by commands and files.

The book says what LXD loses. By rsync, which is its way unless both pools are btrfs, and then for most refreshes, too,
names of one file become files of their own and ACLs are lost. It compares times by the second, and so do its files:
every change here is of a second of its own. LXD copies and refreshes nothing on its own side here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.between import World, servers
from support.book import ACL, POOLS, Kept, Tree, contents, seeds
from support.desk import Desk
from support.instance_book import InstanceBook
from support.trees import differences

pytestmark = [pytest.mark.root, pytest.mark.long, pytest.mark.needs("mkfs.btrfs", "rsync")]
STEPS = 25
LXD = "l"
FIRST_SECOND, TODAY = 1_710_000_000, 1_760_000_000
"""Dates that the book gives, and one that the clock is past."""


class Crossing(InstanceBook):
    """What crosses between one of our servers, `h`, and LXD, `l`."""

    steps = (
        *("snapshot", "snapshot", "snapshot", "forget", "rename", "restore"),
        *("copy", "copy", "copy", "refresh", "refresh", "refresh", "move", "export", "export", "one_moment"),
    )
    nests = False

    def __init__(self, desk: Desk, world: World, scratch: Path, seed: int) -> None:
        super().__init__(desk, {"h": world.ours, LXD: world.theirs}, scratch, seed)
        self._lxc, self._second = world.lxc, FIRST_SECOND

    def new_snapshot_name(self, one: Kept) -> str:
        """Return a new one: LXD takes snapshots of one name and second for one."""
        return self.new_name()

    def make(self) -> None:
        super().make()
        self._date(self.kept[-1])

    def change(self, one: Kept) -> None:
        super().change(one)
        self._date(one)

    def _date(self, one: Kept) -> None:
        """Put what is new in a second of its own."""
        self._second += 2
        for name in one.now:
            path = self.top(one) / name
            if path.lstat().st_mtime >= TODAY:
                os.utime(path, (self._second, self._second), follow_symlinks=False)
        one.now = contents(self.top(one))

    def restore(self, one: Kept) -> None:
        if one.snapshots:
            name = self.draw.choice(list(one.snapshots))
            self.must("restore", one.word, name)
            one.now = one.snapshots[name]
            self.check(one)

    def carry(self, word: str, source: str, one: Kept, other: Kept, *options: str) -> None:
        """Copy or move by either command."""
        mode = self.mode()
        prefix = "" if mode == "relay" else "s"
        words = (word, f"{prefix}{source}", f"{prefix}{other.word}", "--mode", mode, *options)
        if self.draw.random() < 0.5:
            self.must(*words, *(["--prune-snapshots"] if "--refresh" in options else []))
        else:
            self.done.append(f"lxc {' '.join(words)}")
            self._lxc.run(*words)
        self.settle(other, is_exact=word == "copy" and one.pool == other.pool == "bt" and "--refresh" not in options)

    def settle(self, copy: Kept, *, is_exact: bool) -> None:
        """Compare what has crossed as far as LXD carries it, and write down how it is now."""
        if not is_exact:
            places = [("", copy.now), *copy.snapshots.items()]
            for name, wanted in places:
                found = contents(self.top(copy, name))
                lost = differences(as_carried(wanted, wanted), as_carried(found, wanted))
                assert lost == [], f"{copy.word}/{name}:\n" + "\n".join(lost[:20])
                if name:
                    copy.snapshots[name] = found
                else:
                    copy.now = found
        self.check(copy)

    def beyond(self, one: Kept) -> str:
        """Return the other server."""
        return "h" if one.server == LXD else LXD

    def copy(self, one: Kept) -> None:
        if self.is_full():
            self.drop(one)
            return
        copy = Kept(self.beyond(one), self.draw.choice(POOLS), self.new_name(), one.now, dict(one.snapshots))
        options = ["-s", copy.pool]
        if self.draw.random() < 0.2:
            copy.snapshots, options = {}, [*options, "--instance-only"]
        self.kept.append(copy)
        self.carry("copy", one.word, one, copy, *options)

    def refresh(self, one: Kept) -> None:
        others = [each for each in self.kept if each.server != one.server]
        if others:
            copy = self.draw.choice(others)
            copy.now, copy.snapshots = one.now, dict(one.snapshots)
            self.carry("copy", one.word, one, copy, "--refresh", "-s", copy.pool)

    def move(self, one: Kept) -> None:
        moved = Kept(self.beyond(one), self.draw.choice(POOLS), self.new_name(), one.now, dict(one.snapshots))
        self.kept.remove(one)
        self.kept.append(moved)
        self.carry("move", one.word, one, moved, "-s", moved.pool)

    def one_moment(self, one: Kept) -> None:
        if one.snapshots and not self.is_full():
            name = self.draw.choice(list(one.snapshots))
            copy = Kept(self.beyond(one), self.draw.choice(POOLS), self.new_name(), one.snapshots[name])
            self.kept.append(copy)
            self.carry("copy", f"{one.word}/{name}", one, copy, "-s", copy.pool)

    def export(self, one: Kept) -> None:
        """Export from the one, import into the other: LXD hangs now and then on compressed optimized files."""
        if self.is_full():
            return
        file = self.scratch / self.new_name()
        is_optimized = one.pool == "bt" and self.draw.random() < 0.5
        options = ["--compression", "none" if is_optimized else self.draw.choice(("none", "zstd", "gzip"))]
        options += ["--optimized-storage"] if is_optimized else []
        taken = dict(one.snapshots)
        if self.draw.random() < 0.2:
            taken, options = {}, [*options, "--instance-only"]
        pool = "bt" if is_optimized else self.draw.choice(POOLS)
        copy = Kept(self.beyond(one), pool, self.new_name(), one.now, taken)
        self.must("export", one.word, file, *options)
        self.must("backup", "verify", file)
        self.must("import", f"{copy.server}:", file, copy.name, "-s", pool)
        self.enter(copy)
        file.unlink()


def as_carried(tree: Tree, wanted: Tree) -> Tree:
    """Leave out what LXD's rsync loses: that names are of one file, and ACLs, with what those say of the group."""
    return {
        name: replace(
            entry,
            links="",
            xattrs=tuple(each for each in entry.xattrs if each[0] != ACL),
            mode=0 if has_acl(name, wanted) else entry.mode,
        )
        for name, entry in tree.items()
    }


def has_acl(name: str, tree: Tree) -> bool:
    return name in tree and any(key == ACL for key, _ in tree[name].xattrs)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with servers() as found:
        yield found


@pytest.fixture(scope="module")
def desk(world: World, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk.knowing(tmp_path_factory.mktemp("conf"), {"h": world.ours, LXD: world.theirs})


@pytest.mark.parametrize("seed", seeds(2))
def test_any_sequence_with_lxd(desk: Desk, world: World, tmp_path: Path, seed: int) -> None:
    try:
        Crossing(desk, world, tmp_path, seed).play(STEPS)
    finally:
        for server in (world.ours, world.theirs):
            for name in server.lxc.run("list", "--format", "csv", "-c", "n").split():
                server.lxc.run("delete", "--force", name)
