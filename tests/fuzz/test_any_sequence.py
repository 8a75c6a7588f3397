"""Any sequence of what users do with instances, on dir and btrfs, between two servers: trees stay what they have to be.

Each step is drawn: files change, snapshots come, go, are renamed and restored, instances are copied, refreshed, moved
between pools and servers, exported and imported in each form. See `support/book.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from support.between import two_of_ours
from support.book import POOLS, Kept, Tree, seeds
from support.desk import Desk
from support.holdfast import HoldfastServer
from support.instance_book import InstanceBook

pytestmark = [pytest.mark.root, pytest.mark.long, pytest.mark.needs("mkfs.btrfs", "rsync")]
STEPS = 40


class Instances(InstanceBook):
    """All that Holdfast can do with instances."""

    steps = (
        *("snapshot", "snapshot", "snapshot", "reuse", "forget", "rename", "restore", "restore", "undo"),
        *("copy", "copy", "refresh", "refresh", "refresh_and_keep", "move", "export", "export", "since", "one_moment"),
    )

    def reuse(self, one: Kept) -> None:
        if one.snapshots:
            name = self.draw.choice(list(one.snapshots))
            self.must("snapshot", one.word, name, "--reuse")
            del one.snapshots[name]
            one.snapshots[name] = one.now
            self.check(one)

    def restore(self, one: Kept) -> None:
        if one.snapshots:
            name = self.draw.choice(list(one.snapshots))
            self.must("restore", one.word, name)
            one.now, one.former = one.snapshots[name], one.now
            self.check(one)

    def undo(self, one: Kept) -> None:
        if one.former is not None:
            self.must("restore", one.word, "--undo")
            one.now, one.former = one.former, one.now
            self.check(one)

    def copy(self, one: Kept) -> None:
        if self.is_full():
            self.drop(one)
            return
        copy = Kept(*self.a_place(), self.new_name(), one.now, dict(one.snapshots))
        options = []
        if self.draw.random() < 0.2:
            copy.snapshots, options = {}, ["--instance-only"]
        self.must("copy", *self.between(one, copy), "-s", copy.pool, *options)
        self.enter(copy)

    def refresh(self, one: Kept) -> None:
        others = [each for each in self.kept if each is not one]
        if others:
            copy = self.draw.choice(others)
            alone = self.draw.random() < 0.2
            option = "--instance-only" if alone else "--prune-snapshots"
            self.must("copy", *self.between(one, copy), "--refresh", option)
            copy.now, copy.snapshots = one.now, copy.snapshots if alone else dict(one.snapshots)
            self.check(copy)

    def by_age(self, one: Kept, snapshots: dict[str, Tree]) -> dict[str, Tree]:
        """Return them oldest first, as the server tells it."""
        path = f"/1.0/instances/{one.name}/snapshots?recursion=1"
        told = json.loads(self.servers[one.server].lxc.run("query", path))
        ages = {each["name"].rpartition("/")[2]: datetime.fromisoformat(each["created_at"]) for each in told}
        return {name: snapshots[name] for name in sorted(snapshots, key=ages.__getitem__)}

    def refresh_and_keep(self, one: Kept) -> None:
        """Keep what only the copy has; where both have a name for different ones nothing happens."""
        others = [each for each in self.kept if each is not one]
        if others:
            copy = self.draw.choice(others)
            words = ("copy", *self.between(one, copy), "--refresh")
            self.done.append(" ".join(map(str, words)))
            done = self.desk.run(*words)
            if done.returncode:
                assert "under the same name" in done.stderr, done.stderr
                assert set(one.snapshots) & set(copy.snapshots)
            else:
                copy.now, copy.snapshots = one.now, self.by_age(copy, copy.snapshots | one.snapshots)
            self.check(copy)

    def move(self, one: Kept) -> None:
        moved = Kept(*self.a_place(), self.new_name(), one.now, dict(one.snapshots))
        if (one.server, one.pool) == (moved.server, moved.pool):
            moved.former = one.former
        self.must("move", *self.between(one, moved), "-s", moved.pool)
        self.kept.remove(one)
        self.enter(moved)

    def export(self, one: Kept) -> None:
        """Export in a form, import, maybe into the place of what was exported."""
        file = self.scratch / self.new_name()
        options = ["--compression", self.draw.choice(("none", "zstd", "gzip"))]
        is_optimized = one.pool == "bt" and self.draw.random() < 0.5
        if is_optimized:
            options.append("--optimized-storage")
        taken = dict(one.snapshots)
        if self.draw.random() < 0.2:
            taken, options = {}, [*options, "--instance-only"]
        self.must("export", one.word, file, *options)
        self.must("backup", "verify", file)
        if self.draw.random() < 0.3 or self.is_full():
            before = one.now
            self.change(one)
            self.must("import", f"{one.server}:", file, one.name, "--replace")
            one.now, one.snapshots, one.former = before, taken, one.now
            self.check(one)
        else:
            server, pool = self.a_place()
            copy = Kept(server, "bt" if is_optimized else pool, self.new_name(), one.now, taken)
            self.must("import", f"{copy.server}:", file, copy.name, "-s", copy.pool)
            self.enter(copy)
        file.unlink()

    def since(self, one: Kept) -> None:
        """Take a copy up to date by a file with what is newer than the last snapshot."""
        if one.pool != "bt" or not one.snapshots or self.is_full():
            return
        whole, newer, base = self.scratch / "whole", self.scratch / "newer", list(one.snapshots)[-1]
        copy = Kept(self.a_place()[0], "bt", self.new_name(), one.now, dict(one.snapshots))
        self.must("export", one.word, whole, "--optimized-storage", "--compression", "none")
        self.must("import", f"{copy.server}:", whole, copy.name, "-s", "bt")
        self.kept.append(copy)
        self.change(one)
        if self.draw.random() < 0.7:
            self.snapshot(one)
            self.change(one)
        done = self.desk.run("export", one.word, newer, "--since", base)
        if done.returncode and any(each in done.stderr for each in ("was written apart", "has subvolumes inside")):
            return
        assert done.returncode == 0, done.stderr
        self.must("import", f"{copy.server}:", newer, "--onto", copy.name)
        copy.now, copy.snapshots, copy.former = one.now, dict(one.snapshots), copy.now
        self.check(copy)

    def one_moment(self, one: Kept) -> None:
        """Make an instance of a snapshot: by a copy, or by a file."""
        if not one.snapshots or self.is_full():
            return
        name, file = self.draw.choice(list(one.snapshots)), self.scratch / "moment"
        copy = Kept(one.server, self.draw.choice(POOLS), self.new_name(), one.snapshots[name])
        if self.draw.random() < 0.5:
            copy.server = self.a_place()[0]
            source, *target = self.between(one, copy)
            self.must("copy", f"{source}/{name}", *target, "-s", copy.pool)
        else:
            self.must("export", one.word, file, "--snapshot", name, "--compression", "none")
            self.must("import", f"{copy.server}:", file, copy.name, "-s", copy.pool)
        self.enter(copy)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, HoldfastServer]]:
    with two_of_ours() as found:
        yield found


@pytest.fixture(scope="module")
def desk(servers: dict[str, HoldfastServer], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk.knowing(tmp_path_factory.mktemp("conf"), servers)


@pytest.mark.parametrize("seed", seeds(6))
def test_any_sequence(desk: Desk, servers: dict[str, HoldfastServer], tmp_path: Path, seed: int) -> None:
    try:
        Instances(desk, servers, tmp_path, seed).play(STEPS)
    finally:
        for server in servers.values():
            for name in server.lxc.run("list", "--format", "csv", "-c", "n").split():
                server.lxc.run("delete", "--force", name)
