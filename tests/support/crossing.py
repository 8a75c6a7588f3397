"""What crosses between two servers: instances and custom volumes, made, changed, looked at and copied alike."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from support.frame_relay import Relay
from support.holdfast import HoldfastServer
from support.pools import rootfs, volume_tree


class Kind(Protocol):
    """One kind of what crosses; servers that make instances have the image `tiny`, and a profile that says the pool."""

    noun: str
    """What its changes are called in crash points."""
    title: str

    def make(self, server: HoldfastServer, pool: str, name: str) -> None: ...

    def names(self, server: HoldfastServer, pool: str) -> set[str]:
        """Return those that are there, without snapshots."""
        ...

    def tree(self, server: HoldfastServer, pool: str, name: str, snapshot: str = "") -> Path: ...

    def large(self, server: HoldfastServer, pool: str, name: str) -> Path:
        """Return where a large file of it is, or is to be."""
        ...

    def snapshot(self, server: HoldfastServer, pool: str, name: str, snapshot: str) -> None: ...

    def restore(self, server: HoldfastServer, pool: str, name: str, snapshot: str) -> None: ...

    def duplicate(self, server: HoldfastServer, pool: str, name: str, other: str) -> None:
        """Copy it, with its snapshots, on the same server."""
        ...

    def move(self, server: HoldfastServer, pool: str, name: str, other: str) -> None:
        """Move it to another pool of the same server."""
        ...

    def rename(self, server: HoldfastServer, pool: str, name: str, other: str) -> None: ...

    def delete(self, server: HoldfastServer, pool: str, name: str) -> None:
        """Delete it, or one snapshot (`name/snapshot`), if that is there."""
        ...

    def copy(
        self, relay: Relay, pool: str, name: str, taken: str, *, refresh: bool = False, alone: bool = False
    ) -> str:
        """Carry it over, without snapshots if `alone`; return what `Relay.copy` does."""
        ...


class Instances:
    """Stopped instances."""

    noun = title = "instance"

    def make(self, server: HoldfastServer, pool: str, name: str) -> None:
        server.lxc.run("init", "tiny", name, "-s", pool)

    def names(self, server: HoldfastServer, pool: str) -> set[str]:
        return set(server.lxc.run("list", "--format", "csv", "-c", "n").split())

    def tree(self, server: HoldfastServer, pool: str, name: str, snapshot: str = "") -> Path:
        return rootfs(server, pool, name, snapshot)

    def large(self, server: HoldfastServer, pool: str, name: str) -> Path:
        return rootfs(server, pool, name) / "large"

    def snapshot(self, server: HoldfastServer, pool: str, name: str, snapshot: str) -> None:
        server.lxc.run("snapshot", name, snapshot)

    def restore(self, server: HoldfastServer, pool: str, name: str, snapshot: str) -> None:
        server.lxc.run("restore", name, snapshot)

    def duplicate(self, server: HoldfastServer, pool: str, name: str, other: str) -> None:
        server.lxc.run("copy", name, other)

    def move(self, server: HoldfastServer, pool: str, name: str, other: str) -> None:
        server.lxc.run("move", name, "--storage", other, name)

    def rename(self, server: HoldfastServer, pool: str, name: str, other: str) -> None:
        server.lxc.run("rename", name, other)

    def delete(self, server: HoldfastServer, pool: str, name: str) -> None:
        server.lxc.run("delete", "--force", name, expect=None)

    def copy(
        self, relay: Relay, pool: str, name: str, taken: str, *, refresh: bool = False, alone: bool = False
    ) -> str:
        return relay.copy(name, taken, refresh=refresh, instance_only=alone)


@dataclass
class Volumes:
    """Custom volumes that nothing uses; those of blocks are of 4 MiB."""

    content_type: str = "filesystem"
    title: str = "volume"
    noun = "volume"

    def make(self, server: HoldfastServer, pool: str, name: str) -> None:
        size = ("size=4MiB",) if self.content_type == "block" else ()
        server.lxc.run("storage", "volume", "create", pool, name, "--type", self.content_type, *size)

    def names(self, server: HoldfastServer, pool: str) -> set[str]:
        found = json.loads(server.lxc.run("query", f"/1.0/storage-pools/{pool}/volumes/custom?recursion=1"))
        return {each["name"] for each in found if "/" not in each["name"]}

    def tree(self, server: HoldfastServer, pool: str, name: str, snapshot: str = "") -> Path:
        return volume_tree(server, pool, name, snapshot)

    def large(self, server: HoldfastServer, pool: str, name: str) -> Path:
        return volume_tree(server, pool, name) / ("root.img" if self.content_type == "block" else "large")

    def snapshot(self, server: HoldfastServer, pool: str, name: str, snapshot: str) -> None:
        server.lxc.run("storage", "volume", "snapshot", pool, name, snapshot)

    def restore(self, server: HoldfastServer, pool: str, name: str, snapshot: str) -> None:
        server.lxc.run("storage", "volume", "restore", pool, name, snapshot)

    def duplicate(self, server: HoldfastServer, pool: str, name: str, other: str) -> None:
        server.lxc.run("storage", "volume", "copy", f"{pool}/{name}", f"{pool}/{other}")

    def move(self, server: HoldfastServer, pool: str, name: str, other: str) -> None:
        server.lxc.run("storage", "volume", "move", f"{pool}/{name}", f"{other}/{name}")

    def rename(self, server: HoldfastServer, pool: str, name: str, other: str) -> None:
        server.lxc.run("storage", "volume", "rename", pool, name, other)

    def delete(self, server: HoldfastServer, pool: str, name: str) -> None:
        server.lxc.run("storage", "volume", "delete", pool, name, expect=None)

    def copy(
        self, relay: Relay, pool: str, name: str, taken: str, *, refresh: bool = False, alone: bool = False
    ) -> str:
        options: dict[str, Any] = {"refresh": refresh, "volume_only": alone}
        return relay.copy_volume(pool, name, taken, content_type=self.content_type, **options)


KINDS: dict[str, Kind] = {"instance": Instances(), "volume": Volumes(), "block": Volumes("block", "volume of blocks")}


def fill(path: Path, size_bytes: int, *, at_bytes: int = 0) -> None:
    """Give a file, or a disk, content there that doesn't get smaller."""
    with path.open("r+b" if path.exists() else "wb") as file:
        file.seek(at_bytes)
        file.write(os.urandom(size_bytes))
