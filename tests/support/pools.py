"""Where servers keep what is in their pools: ours, LXD and Incus lay them out alike."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Keeper(Protocol):
    """A server with a directory of its own."""

    @property
    def directory(self) -> Path: ...


def rootfs(server: Keeper, pool: str, name: str, snapshot: str = "") -> Path:
    """Return where a stopped instance's root file system is on disk."""
    folder = f"containers-snapshots/{name}/{snapshot}" if snapshot else f"containers/{name}"
    return server.directory / "storage-pools" / pool / folder / "rootfs"


def volume_tree(server: Keeper, pool: str, name: str, snapshot: str = "") -> Path:
    """Return where the content of a custom volume of the default project is on disk."""
    folder = f"custom-snapshots/default_{name}/{snapshot}" if snapshot else f"custom/default_{name}"
    return server.directory / "storage-pools" / pool / folder
