"""The book of instances: what every server that speaks the API can do with them."""

from __future__ import annotations

import json
from pathlib import Path

from support.book import Book, Kept, contents
from support.pools import rootfs


class InstanceBook(Book):
    """Instances, by one set of words for all servers."""

    def top(self, one: Kept, snapshot: str = "") -> Path:
        return rootfs(self.servers[one.server], one.pool, one.name, snapshot)

    def workplace(self, one: Kept) -> Path:
        return self.top(one) / "data"

    def listed(self, one: Kept) -> set[str]:
        urls = json.loads(self.servers[one.server].lxc.run("query", f"/1.0/instances/{one.name}/snapshots"))
        return {each.rpartition("/")[2] for each in urls}

    def make(self) -> None:
        one = Kept(*self.a_place(), self.new_name(), {})
        self.must("init", f"{one.server}:tiny", one.word, "-s", one.pool)
        one.now = contents(self.top(one))
        self.kept.append(one)

    def drop(self, one: Kept) -> None:
        self.must("delete", "--force", one.word)
        self.kept.remove(one)

    def snapshot(self, one: Kept) -> None:
        name = self.new_snapshot_name(one)
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
            old, name = self.draw.choice(list(one.snapshots)), self.new_snapshot_name(one)
            self.must("rename", f"{one.word}/{old}", f"{one.word}/{name}")
            self.renamed(one, old, name)

    def between(self, one: Kept, other: Kept) -> tuple[str, ...]:
        """Return both words and maybe a mode, that fit together."""
        mode = self.mode()
        if one.server == other.server:
            return one.word, other.word
        prefix = "" if mode == "relay" else "s"
        return f"{prefix}{one.word}", f"{prefix}{other.word}", "--mode", mode
