"""A book of what there has to be on several servers, and the hand that changes it: for sequences of drawn steps.

What is kept (instances, volumes) has a tree as it is now, and one for each of its snapshots. After a step all trees of
what it was about are compared with the book, entry by entry.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from support.desk import Desk
from support.rich import Server
from support.trees import Entry, describe, differences

POOLS = ("default", "bt")
MOST_KEPT = 4
NAMES = ("a", "b", "c", "d", "e")
SNAPSHOT_NAMES = ("s1", "s2", "s3", "s10", "kept")
ACL = "system.posix_acl_access"

Tree = dict[str, Entry]


def seeds(number: int) -> range:
    """Return which sequences to try: so many, or what is said by hand, as in `HOLDFAST_SEQUENCES=100-200`."""
    return range(*map(int, os.environ.get("HOLDFAST_SEQUENCES", f"0-{number}").split("-")))


@dataclass
class Kept:
    """Something in the book."""

    server: str
    pool: str
    name: str
    now: Tree
    snapshots: dict[str, Tree] = field(default_factory=dict)
    """By name, oldest first."""
    former: Tree | None = None
    """What an undo brings back."""

    @property
    def word(self) -> str:
        return f"{self.server}:{self.name}"


class Book(ABC):
    """Draws steps, takes them, and knows what has to come out. Its kinds say what the steps are."""

    steps: ClassVar[tuple[str, ...]]
    """Names of methods that take something kept; those that are there twice come twice as often."""
    nests: ClassVar[bool] = True
    """Whether subvolumes are made in trees on btrfs."""

    def __init__(self, desk: Desk, servers: Mapping[str, Server], scratch: Path, seed: int) -> None:
        self.desk, self.servers, self.scratch, self.draw = desk, servers, scratch, random.Random(seed)
        self.kept: list[Kept] = []
        self.done: list[str] = []
        self._number = 0

    @abstractmethod
    def top(self, one: Kept, snapshot: str = "") -> Path:
        """Return where the tree is on disk."""

    @abstractmethod
    def listed(self, one: Kept) -> set[str]:
        """Return the names of the snapshots that the server tells."""

    @abstractmethod
    def make(self) -> None:
        """Make something new."""

    @abstractmethod
    def drop(self, one: Kept) -> None:
        """Delete it."""

    def workplace(self, one: Kept) -> Path:
        """Return the directory in which entries are made and changed."""
        return self.top(one)

    def play(self, steps: int) -> None:
        """Take so many steps, and look at everything in the end; a failure is told with all that led to it."""
        try:
            for _ in range(steps):
                self.step()
            for one in self.kept:
                self.check(one)
        except BaseException:
            print("\n".join(self.done))
            raise

    def step(self) -> None:
        """Do one thing."""
        if not self.kept or (len(self.kept) < MOST_KEPT and self.draw.random() < 0.1):
            self.make()
            return
        one = self.draw.choice(self.kept)
        for _ in range(self.draw.randint(0, 3)):
            self.change(one if self.draw.random() < 0.7 else self.draw.choice(self.kept))
        getattr(self, self.draw.choice(self.steps))(one)

    def new_name(self) -> str:
        self._number += 1
        return f"n{self._number}"

    def new_snapshot_name(self, one: Kept) -> str:
        """Return a name that is free; there are few, so that it may have been another snapshot's."""
        return self.draw.choice([each for each in SNAPSHOT_NAMES if each not in one.snapshots] or [self.new_name()])

    def is_full(self) -> bool:
        return len(self.kept) >= MOST_KEPT

    def must(self, *words: str | Path) -> None:
        self.done.append(" ".join(map(str, words)))
        self.desk.must(*words)

    def check(self, one: Kept) -> None:
        """Compare every tree with the book."""
        for snapshot, wanted in (*one.snapshots.items(), ("", one.now)):
            found = differences(wanted, contents(self.top(one, snapshot)))
            assert found == [], f"{one.word}/{snapshot}:\n" + "\n".join(found[:20])
        assert self.listed(one) == set(one.snapshots)

    def enter(self, one: Kept) -> None:
        """Begin to keep something, and look at it."""
        self.kept.append(one)
        self.check(one)

    def renamed(self, one: Kept, old: str, new: str) -> None:
        one.snapshots = {(new if each == old else each): tree for each, tree in one.snapshots.items()}
        self.check(one)

    def a_place(self) -> tuple[str, str]:
        """Draw a server and a pool."""
        return self.draw.choice(list(self.servers)), self.draw.choice(POOLS)

    def mode(self) -> str:
        return self.draw.choice(("pull", "push", "relay"))

    def change(self, one: Kept) -> None:
        """Change something in the tree, as an instance would."""
        top = self.workplace(one)
        top.mkdir(exist_ok=True)
        path = top / self.draw.choice(NAMES)
        other = top / self.draw.choice(NAMES)
        kind = self.draw.choice(_CHANGES)
        self.done.append(f"  {kind} {path.name} {other.name} in {one.word}")
        is_file = path.is_file() and not path.is_symlink()
        if kind == "attributes" and os.path.lexists(path) and not path.is_symlink():
            _change_attributes(path, self.draw)
        elif kind == "append" and is_file:
            with path.open("ab") as file:
                file.write(self.draw.randbytes(100))
        elif kind == "same size" and is_file:
            path.write_bytes(self.draw.randbytes(path.stat().st_size))
        elif kind == "rename" and os.path.lexists(path) and path != other:
            gone(other)
            path.rename(other)
        elif kind == "link" and is_file and path != other:
            gone(other)
            os.link(path, other)
        elif kind == "nest" and self.nests and one.pool == "bt":
            gone(path)
            subprocess.run(["btrfs", "-q", "subvolume", "create", path], check=True)
            (path / "nested").write_bytes(self.draw.randbytes(100))
        elif kind != "gone":
            gone(path)
            _MAKERS[self.draw.randrange(len(_MAKERS))](path, self.draw)
        else:
            gone(path)
        one.now = contents(self.top(one))


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


def _change_attributes(path: Path, draw: random.Random) -> None:
    os.chown(path, draw.randrange(3), draw.randrange(3))
    path.chmod(draw.choice((0o600, 0o750, 0o4755, 0o1777)))
    if path.is_file() or path.is_dir():
        os.setxattr(path, "user.note", bytes([draw.randrange(256)]))
        if draw.random() < 0.3:
            os.setxattr(path, ACL, _acl(user=draw.randrange(1000, 1010)))


def _acl(*, user: int) -> bytes:
    """Return what lets a user read, beside owner and group."""
    nobody = 0xFFFFFFFF
    entries = ((1, 6, nobody), (2, 4, user), (4, 4, nobody), (16, 5, nobody), (32, 0, nobody))
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries)


def _make_sparse(path: Path, draw: random.Random) -> None:
    with path.open("wb") as file:
        file.truncate(2**20)
        file.seek(draw.randrange(2**20))
        file.write(b"x")


def _make_directory(path: Path, draw: random.Random) -> None:
    path.mkdir()
    for name in NAMES[: draw.randrange(4)]:
        (path / name).write_bytes(draw.randbytes(10))


_CHANGES = ("make", "make", "make", "gone", "rename", "append", "same size", "attributes", "link", "nest")
_MAKERS: tuple[Callable[[Path, random.Random], object], ...] = (
    lambda path, draw: path.write_bytes(draw.randbytes(draw.choice((0, 10, 5000, 300_000)))),
    lambda path, draw: path.symlink_to(draw.choice(("a", "../etc", "/usr/bin", "nowhere"))),
    lambda path, _: os.mkfifo(path),
    _make_sparse,
    _make_directory,
)
