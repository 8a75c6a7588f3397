"""Any sequence of what users do, on dir and btrfs, between two servers: every tree stays what it has to be.

A book is kept of what each instance and each snapshot of it holds. Each step is drawn: files change, snapshots come,
go, are renamed and restored, instances are copied, refreshed, moved between pools and servers, exported and imported in
each form. After a step all trees of the instance that it was about are compared with the book, entry by entry.
"""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from support.desk import Desk
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.pools import rootfs
from support.relay import add_https, relaying
from support.trees import Entry, describe, differences

pytestmark = [pytest.mark.root, pytest.mark.long, pytest.mark.needs("mkfs.btrfs", "rsync")]
POOLS = ("default", "bt")
SEEDS = range(*map(int, os.environ.get("HOLDFAST_SEQUENCES", "0-6").split("-")))
"""More of them by hand: `HOLDFAST_SEQUENCES=100-200`."""
STEPS = 40
MOST_INSTANCES = 4
NAMES = ("a", "b", "c", "d", "e")

Tree = dict[str, Entry]


@dataclass
class Kept:
    """An instance in the book."""

    server: str
    pool: str
    name: str
    now: Tree
    snapshots: dict[str, Tree] = field(default_factory=dict)
    """By name, oldest first."""

    @property
    def word(self) -> str:
        return f"{self.server}:{self.name}"


class Book:
    """What there has to be, and the hand that changes it."""

    def __init__(self, desk: Desk, servers: dict[str, HoldfastServer], scratch: Path, seed: int) -> None:
        self.desk, self.servers, self.scratch, self.draw = desk, servers, scratch, random.Random(seed)
        self.kept: list[Kept] = []
        self.done: list[str] = []
        self._number = 0

    def new_name(self) -> str:
        self._number += 1
        return f"n{self._number}"

    def must(self, *words: str | Path) -> None:
        self.done.append(" ".join(map(str, words)))
        self.desk.must(*words)

    def top(self, one: Kept, snapshot: str = "") -> Path:
        return rootfs(self.servers[one.server], one.pool, one.name, snapshot)

    def check(self, one: Kept) -> None:
        """Compare every tree of an instance with the book."""
        for snapshot, wanted in (*one.snapshots.items(), ("", one.now)):
            found = differences(wanted, contents(self.top(one, snapshot)))
            assert found == [], f"{one.word}/{snapshot}:\n" + "\n".join(found[:20])
        listed = json.loads(self.servers[one.server].lxc.run("query", f"/1.0/instances/{one.name}/snapshots"))
        assert {each.rpartition("/")[2] for each in listed} == set(one.snapshots)

    def step(self) -> None:
        """Do one thing."""
        if not self.kept or (len(self.kept) < MOST_INSTANCES and self.draw.random() < 0.1):
            self.make()
            return
        one = self.draw.choice(self.kept)
        for _ in range(self.draw.randint(0, 3)):
            self.change(one)
        self.draw.choice(STEPS_OF)(self, one)

    def make(self) -> None:
        one = Kept(self.draw.choice(list(self.servers)), self.draw.choice(POOLS), self.new_name(), {})
        self.must("init", f"{one.server}:tiny", one.word, "-s", one.pool)
        one.now = contents(self.top(one))
        self.kept.append(one)

    def change(self, one: Kept) -> None:
        """Change something in the tree, as an instance would."""
        top = self.top(one) / "data"
        top.mkdir(exist_ok=True)
        path = top / self.draw.choice(NAMES)
        other = top / self.draw.choice(NAMES)
        kind = self.draw.choice(CHANGES)
        self.done.append(f"  {kind} {path.name} {other.name} in {one.word}")
        if kind == "attributes" and os.path.lexists(path) and not path.is_symlink():
            path.chmod(self.draw.choice((0o600, 0o750, 0o4755, 0o1777)))
            if path.is_file() or path.is_dir():
                os.setxattr(path, "user.note", bytes([self.draw.randrange(256)]))
            os.chown(path, self.draw.randrange(3), self.draw.randrange(3))
        elif kind == "append" and path.is_file() and not path.is_symlink():
            with path.open("ab") as file:
                file.write(self.draw.randbytes(100))
        elif kind == "same size" and path.is_file() and not path.is_symlink():
            path.write_bytes(self.draw.randbytes(path.stat().st_size))
        elif kind == "rename" and os.path.lexists(path) and path != other:
            gone(other)
            path.rename(other)
        elif kind == "link" and path.is_file() and not path.is_symlink() and path != other:
            gone(other)
            os.link(path, other)
        elif kind != "gone":
            gone(path)
            MAKERS[self.draw.randrange(len(MAKERS))](path, self.draw)
        else:
            gone(path)
        one.now = contents(self.top(one))

    def snapshot(self, one: Kept) -> None:
        name = self.new_name()
        self.must("snapshot", one.word, name)
        one.snapshots[name] = one.now
        self.check(one)

    def forget(self, one: Kept) -> None:
        if one.snapshots:
            name = self.draw.choice(list(one.snapshots))
            self.must("delete", f"{one.word}/{name}")
            del one.snapshots[name]
            self.check(one)

    def rename(self, one: Kept) -> None:
        if one.snapshots:
            old, name = self.draw.choice(list(one.snapshots)), self.new_name()
            self.must("rename", f"{one.word}/{old}", f"{one.word}/{name}")
            one.snapshots = {(name if each == old else each): tree for each, tree in one.snapshots.items()}
            self.check(one)

    def restore(self, one: Kept) -> None:
        if one.snapshots:
            name, before = self.draw.choice(list(one.snapshots)), one.now
            self.must("restore", one.word, name)
            one.now = one.snapshots[name]
            self.check(one)
            if self.draw.random() < 0.4:
                self.must("restore", one.word, "--undo")
                one.now = before
                self.check(one)

    def copy(self, one: Kept) -> None:
        if len(self.kept) >= MOST_INSTANCES:
            self.drop(one)
            return
        target = self.draw.choice(list(self.servers))
        copy = Kept(target, self.draw.choice(POOLS), self.new_name(), one.now, dict(one.snapshots))
        options = []
        if self.draw.random() < 0.2:
            copy.snapshots, options = {}, ["--instance-only"]
        self.must("copy", *self.between(one, copy), "-s", copy.pool, *options)
        self.kept.append(copy)
        self.check(copy)

    def refresh(self, one: Kept) -> None:
        others = [each for each in self.kept if each is not one]
        if others:
            copy = self.draw.choice(others)
            self.must("copy", *self.between(one, copy), "--refresh")
            copy.now, copy.snapshots = one.now, dict(one.snapshots)
            self.check(copy)

    def move(self, one: Kept) -> None:
        target = self.draw.choice(list(self.servers))
        moved = Kept(target, self.draw.choice(POOLS), self.new_name(), one.now, dict(one.snapshots))
        self.must("move", *self.between(one, moved), "-s", moved.pool)
        self.kept.remove(one)
        self.kept.append(moved)
        self.check(moved)

    def between(self, one: Kept, other: Kept) -> tuple[str, ...]:
        """Return both words and maybe a mode, that fit together."""
        mode = self.draw.choice(("pull", "push", "relay"))
        if one.server == other.server:
            return one.word, other.word
        prefix = "" if mode == "relay" else "s"
        return f"{prefix}{one.word}", f"{prefix}{other.word}", "--mode", mode

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
        if self.draw.random() < 0.3 or len(self.kept) >= MOST_INSTANCES:
            before = one.now
            self.change(one)
            self.must("import", f"{one.server}:", file, one.name, "--replace")
            one.now, one.snapshots = before, taken
            self.check(one)
        else:
            pool = "bt" if is_optimized else self.draw.choice(POOLS)
            copy = Kept(self.draw.choice(list(self.servers)), pool, self.new_name(), one.now, taken)
            self.must("import", f"{copy.server}:", file, copy.name, "-s", pool)
            self.kept.append(copy)
            self.check(copy)
        file.unlink()

    def since(self, one: Kept) -> None:
        """Take a copy up to date by a file with what is newer than the last snapshot."""
        if one.pool != "bt" or not one.snapshots or len(self.kept) >= MOST_INSTANCES:
            return
        whole, newer, base = self.scratch / "whole", self.scratch / "newer", list(one.snapshots)[-1]
        copy = Kept(self.draw.choice(list(self.servers)), "bt", self.new_name(), one.now, dict(one.snapshots))
        self.must("export", one.word, whole, "--optimized-storage", "--compression", "none")
        self.must("import", f"{copy.server}:", whole, copy.name, "-s", "bt")
        self.kept.append(copy)
        self.change(one)
        if self.draw.random() < 0.7:
            self.snapshot(one)
            self.change(one)
        done = self.desk.run("export", one.word, newer, "--since", base)
        if done.returncode and "was written apart" in done.stderr:
            return
        assert done.returncode == 0, done.stderr
        self.must("import", f"{copy.server}:", newer, "--onto", copy.name)
        copy.now, copy.snapshots = one.now, dict(one.snapshots)
        self.check(copy)

    def one_moment(self, one: Kept) -> None:
        """Make an instance of a snapshot: by a copy, or by a file."""
        if not one.snapshots or len(self.kept) >= MOST_INSTANCES:
            return
        name, file = self.draw.choice(list(one.snapshots)), self.scratch / "moment"
        copy = Kept(one.server, self.draw.choice(POOLS), self.new_name(), one.snapshots[name])
        if self.draw.random() < 0.5:
            self.must("copy", f"{one.word}/{name}", copy.word, "-s", copy.pool)
        else:
            self.must("export", one.word, file, "--snapshot", name, "--compression", "none")
            self.must("import", f"{copy.server}:", file, copy.name, "-s", copy.pool)
        self.kept.append(copy)
        self.check(copy)

    def drop(self, one: Kept) -> None:
        self.must("delete", "--force", one.word)
        self.kept.remove(one)


CHANGES = ("make", "make", "make", "gone", "rename", "append", "same size", "attributes", "link")


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, HoldfastServer]]:
    directory = short_directory()
    image = make_tiny_image(directory / "tiny.tar.gz")
    with HoldfastServer(directory / "h") as one, HoldfastServer(directory / "i") as other:
        for server in (one, other):
            server.lxc.run("image", "import", image, "--alias", "tiny")
        add_https(relaying(directory / "relay", h=one.socket, i=other.socket), sh=one, si=other)
        yield {"h": one, "i": other}
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def desk(servers: dict[str, HoldfastServer], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    found = Desk(tmp_path_factory.mktemp("conf"))
    for name, server in servers.items():
        found.know(name, server)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_any_sequence(desk: Desk, servers: dict[str, HoldfastServer], tmp_path: Path, seed: int) -> None:
    book = Book(desk, servers, tmp_path, seed)
    try:
        for _ in range(STEPS):
            book.step()
        for one in book.kept:
            book.check(one)
    except BaseException:
        print("\n".join(book.done))
        raise
    finally:
        for server in servers.values():
            for name in server.lxc.run("list", "--format", "csv", "-c", "n").split():
                server.lxc.run("delete", "--force", name)


def contents(top: Path) -> Tree:
    """Describe a tree; a file with more names elsewhere, such as in the state before a restore, has one here."""
    found = describe(top)
    several = Counter(entry.links for entry in found.values())
    return {name: entry if several[entry.links] > 1 else replace(entry, links="") for name, entry in found.items()}


def gone(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def make_sparse(path: Path, draw: random.Random) -> None:
    with path.open("wb") as file:
        file.truncate(2**20)
        file.seek(draw.randrange(2**20))
        file.write(b"x")


def make_directory(path: Path, draw: random.Random) -> None:
    path.mkdir()
    for name in NAMES[: draw.randrange(4)]:
        (path / name).write_bytes(draw.randbytes(10))


MAKERS: tuple[Callable[[Path, random.Random], object], ...] = (
    lambda path, draw: path.write_bytes(draw.randbytes(draw.choice((0, 10, 5000, 300_000)))),
    lambda path, draw: path.symlink_to(draw.choice(("a", "../etc", "/usr/bin", "nowhere"))),
    lambda path, _: os.mkfifo(path),
    make_sparse,
    make_directory,
)
STEPS_OF: tuple[Callable[[Book, Kept], None], ...] = (
    Book.snapshot,
    Book.snapshot,
    Book.snapshot,
    Book.forget,
    Book.rename,
    Book.restore,
    Book.restore,
    Book.copy,
    Book.copy,
    Book.refresh,
    Book.refresh,
    Book.move,
    Book.export,
    Book.export,
    Book.since,
    Book.one_moment,
)
