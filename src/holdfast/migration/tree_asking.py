"""What the receiver of a tree asks for: contents of files, with sums of what it has in their place."""

from __future__ import annotations

import os
import secrets
import stat
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from holdfast.host.failures import explained
from holdfast.host.tree_edit import Dress, opened_to_read
from holdfast.migration.channels import DataChannel
from holdfast.migration.tree_frames import BLOCK_BYTES, REQUEST, SEED_BYTES, StreamWriter, block_sums
from holdfast.migration.tree_ground import Ground, OpenDirectory
from holdfast.model.errors import HoldfastError, MigrationError

_WITH_SUMS_BYTES: Final = 2 * BLOCK_BYTES
"""Smaller files come whole."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file whose content must come; `facts` are of what is in its place now."""

    number: int
    path: bytes
    name: str
    size: int
    dress: Dress
    facts: os.stat_result | None

    @property
    def former(self) -> os.stat_result | None:
        """Return the facts of the file here whose blocks the source is told the sums of; None: it comes whole."""
        if self.facts is None or not stat.S_ISREG(self.facts.st_mode):
            return None
        return self.facts if min(self.facts.st_size, self.size) >= _WITH_SUMS_BYTES else None


class Asking(threading.Thread):
    """Sends the requests, reading what is here for their sums."""

    def __init__(self, channel: DataChannel, ground: Ground, wanted: Sequence[Wanted]) -> None:
        super().__init__(daemon=True, name="migration requests")
        self._channel, self._ground, self._wanted = channel, ground, wanted
        self.error: HoldfastError | None = None

    def run(self) -> None:
        try:
            with explained("Failed reading what is here", MigrationError):
                ask(self._channel, self._ground, self._wanted)
        except HoldfastError as error:
            self.error = error
            self._channel.socket.abort()


def ask(channel: DataChannel, ground: Ground, wanted: Sequence[Wanted]) -> None:
    """Send the requests for all of it, with the sums of what is here."""
    out = StreamWriter(channel)
    seed = secrets.token_bytes(SEED_BYTES)
    out.write(seed)
    with OpenDirectory(ground) as opened:
        for each in wanted:
            former_bytes = 0 if each.former is None else each.former.st_size
            out.write(REQUEST.pack(each.number, -(-former_bytes // BLOCK_BYTES)))
            if former_bytes:
                with opened_to_read(opened.at(each.path), each.name) as descriptor:
                    out.write(*block_sums(descriptor, former_bytes, int.from_bytes(seed, "big")))
                out.flush()
    out.end()
