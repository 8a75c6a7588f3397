"""Any sequence of what users do with custom volumes, on dir and btrfs, between two servers: as for instances."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.between import two_of_ours
from support.book import POOLS, Book, Kept, contents, seeds
from support.desk import Desk
from support.holdfast import HoldfastServer
from support.pools import volume_tree

pytestmark = [pytest.mark.root, pytest.mark.long, pytest.mark.needs("mkfs.btrfs", "rsync")]
STEPS = 40


def pool(one: Kept) -> str:
    """Return the pool as the command takes it."""
    return f"{one.server}:{one.pool}"


class Volumes(Book):
    """All that Holdfast can do with custom volumes of files."""

    steps = (
        *("snapshot", "snapshot", "snapshot", "reuse", "forget", "rename_snapshot", "rename", "restore", "restore"),
        *("copy", "copy", "refresh", "refresh", "refresh", "move", "export", "export", "one_moment", "one_moment"),
    )

    def top(self, one: Kept, snapshot: str = "") -> Path:
        return volume_tree(self.servers[one.server], one.pool, one.name, snapshot)

    def listed(self, one: Kept) -> set[str]:
        path = f"/1.0/storage-pools/{one.pool}/volumes/custom/{one.name}/snapshots"
        return {each.rpartition("/")[2] for each in json.loads(self.servers[one.server].lxc.run("query", path))}

    def volume(self, word: str, *words: str | Path) -> None:
        self.must("storage", "volume", word, *words)

    def make(self) -> None:
        one = Kept(*self.a_place(), self.new_name(), {})
        self.volume("create", pool(one), one.name)
        one.now = contents(self.top(one))
        self.kept.append(one)

    def drop(self, one: Kept) -> None:
        self.volume("delete", pool(one), one.name)
        self.kept.remove(one)
        assert not self.top(one).exists()

    def snapshot(self, one: Kept) -> None:
        name = self.new_snapshot_name(one)
        self.volume("snapshot", pool(one), one.name, name)
        one.snapshots[name] = one.now
        self.check(one)

    def reuse(self, one: Kept) -> None:
        if one.snapshots:
            name = self.draw.choice(list(one.snapshots))
            self.volume("snapshot", pool(one), one.name, name, "--reuse")
            del one.snapshots[name]
            one.snapshots[name] = one.now
            self.check(one)

    def forget(self, one: Kept) -> None:
        if one.snapshots:
            name = self.draw.choice(list(one.snapshots))
            self.volume("delete", pool(one), f"{one.name}/{name}")
            del one.snapshots[name]
            self.check(one)

    def rename_snapshot(self, one: Kept) -> None:
        if one.snapshots:
            old, name = self.draw.choice(list(one.snapshots)), self.new_snapshot_name(one)
            self.volume("rename", pool(one), f"{one.name}/{old}", f"{one.name}/{name}")
            self.renamed(one, old, name)

    def rename(self, one: Kept) -> None:
        name = self.new_name()
        self.volume("rename", pool(one), one.name, name)
        one.name = name
        self.check(one)

    def restore(self, one: Kept) -> None:
        if one.snapshots:
            name = self.draw.choice(list(one.snapshots))
            self.volume("restore", pool(one), one.name, name)
            one.now = one.snapshots[name]
            self.check(one)

    def copy(self, one: Kept) -> None:
        if self.is_full():
            self.drop(one)
            return
        copy = Kept(*self.a_place(), self.new_name(), one.now, dict(one.snapshots))
        options = []
        if self.draw.random() < 0.2:
            copy.snapshots, options = {}, ["--volume-only"]
        self.volume("copy", *self.between(one, copy), *options)
        self.enter(copy)

    def refresh(self, one: Kept) -> None:
        others = [each for each in self.kept if each is not one]
        if others:
            copy = self.draw.choice(others)
            alone = self.draw.random() < 0.2
            option = "--volume-only" if alone else "--prune-snapshots"
            self.volume("copy", *self.between(one, copy), "--refresh", option)
            copy.now, copy.snapshots = one.now, copy.snapshots if alone else dict(one.snapshots)
            self.check(copy)

    def move(self, one: Kept) -> None:
        moved = Kept(*self.a_place(), self.new_name(), one.now, dict(one.snapshots))
        self.volume("move", *self.between(one, moved))
        self.kept.remove(one)
        assert not self.top(one).exists()
        self.enter(moved)

    def export(self, one: Kept) -> None:
        """Export in a form, and import that."""
        file = self.scratch / self.new_name()
        options = ["--compression", self.draw.choice(("none", "zstd", "gzip"))]
        is_optimized = one.pool == "bt" and self.draw.random() < 0.5
        if is_optimized:
            options.append("--optimized-storage")
        taken = dict(one.snapshots)
        if self.draw.random() < 0.2:
            taken, options = {}, [*options, "--volume-only"]
        if self.draw.random() < 0.2:
            options.append("--staged")
        self.volume("export", pool(one), one.name, file, *options)
        self.must("backup", "verify", file)
        server, any_pool = self.a_place()
        copy = Kept(server, "bt" if is_optimized else any_pool, self.new_name(), one.now, taken)
        if self.is_full():
            self.drop(one)
        self.volume("import", pool(copy), file, copy.name)
        self.enter(copy)
        file.unlink()

    def one_moment(self, one: Kept) -> None:
        """Make a volume of a snapshot: by a copy, or by a file."""
        if not one.snapshots or self.is_full():
            return
        name, file = self.draw.choice(list(one.snapshots)), self.scratch / "moment"
        copy = Kept(*self.a_place(), self.new_name(), one.snapshots[name])
        if self.draw.random() < 0.5:
            source, *target = self.between(one, copy)
            self.volume("copy", f"{source}/{name}", *target)
        else:
            self.volume("export", pool(one), one.name, file, "--snapshot", name, "--compression", "none")
            self.volume("import", pool(copy), file, copy.name)
            file.unlink()
        self.enter(copy)

    def between(self, one: Kept, other: Kept) -> tuple[str, ...]:
        """Return both words and maybe a mode, that fit together."""
        mode = self.mode()
        is_here = one.server == other.server
        prefix = "" if mode == "relay" or is_here else "s"
        words = tuple(f"{prefix}{each.server}:{each.pool}/{each.name}" for each in (one, other))
        return words if is_here else (*words, "--mode", mode)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, HoldfastServer]]:
    with two_of_ours() as found:
        yield found


@pytest.fixture(scope="module")
def desk(servers: dict[str, HoldfastServer], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk.knowing(tmp_path_factory.mktemp("conf"), servers)


@pytest.mark.parametrize("seed", seeds(4))
def test_any_sequence_of_volumes(desk: Desk, servers: dict[str, HoldfastServer], tmp_path: Path, seed: int) -> None:
    try:
        Volumes(desk, servers, tmp_path, seed).play(STEPS)
    finally:
        for server in servers.values():
            for place in POOLS:
                path = f"/1.0/storage-pools/{place}/volumes/custom"
                for url in json.loads(server.lxc.run("query", path)):
                    if "/snapshots/" not in url:
                        server.lxc.run("storage", "volume", "delete", place, url.rpartition("/")[2])
