"""What a container is called outside: for liblxc, and for the kernel's control groups.

liblxc wants its own path to be searchable by the container's root, and ours is not. So every container is told to live
below `/run`, where nothing is written, under a name that says whose it is: other servers may run on this host, with
other directories and instances of the same name.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LXC_PATH: Final = "/run"


@dataclass(frozen=True, slots=True)
class Naming:
    """Names for the containers of one directory, by their key."""

    tag: str

    @classmethod
    def of(cls, directory: Path) -> Naming:
        """Return the names for a directory (resolved: two ways to it are one)."""
        return cls(hashlib.sha256(os.fsencode(directory)).hexdigest()[:8])

    def container(self, key: str) -> str:
        """The name for liblxc."""
        return f"holdfast-{self.tag}-{key}"

    def payload(self, key: str) -> str:
        """The control group of the container's processes."""
        return f"holdfast.payload.{self.tag}.{key}"

    def monitor(self, key: str) -> str:
        """The control group of liblxc's monitor process."""
        return f"holdfast.monitor.{self.tag}.{key}"
