"""Extended attributes that could not be set. Tar only warns of them, and ends as if all was there.

What a file holds must not get lost without a word. Left out, with a line in the log, is what belongs to a system and
not to the file: labels of the host's security module, and attributes of a kind that only other file systems know.

Tar may write any number of warnings: each is judged as it comes, and no more is kept than what is told of in the end.
Unsquashfs fails itself (code 1 where there is no room, else 2), so only its words are put into ours.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.model.errors import StorageError

_BEGINNING: Final = re.compile(rb"setxattr(?:at)?: Cannot set '")
_WARNING: Final = re.compile(
    _BEGINNING.pattern + rb"(.*?)' extended attribute for file '(.*?)': ([A-Z][^'\n]*)\n", re.DOTALL
)
"""Names stand in it as they are: they may hold quotes and ends of lines, too."""
_OF_UNSQUASHFS: Final = re.compile(r"failed to write xattr (.*?) for file (.*?) because ([^\n]+)", re.DOTALL)
_LONGEST_BYTES: Final = 16 * 1024
"""A path has at most 4 KiB, the name of an attribute 255 bytes: what is longer can't be judged, and counts as lost."""
_CUT_BYTES: Final = 32
"""More than a beginning has of which the rest comes with the next piece."""
_OF_THE_HOST: Final = tuple(f"security.{module}" for module in ("selinux", "SMACK64", "apparmor", "ima", "evm"))
_OF_THE_FILE: Final = ("user.", "trusted.", "security.", "system.posix_acl_")
_UNKNOWN_KIND: Final = "Operation not supported"
_SHOWN: Final = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LostAttribute:
    """What tar said of one."""

    name: str
    entry: str
    reason: str

    @classmethod
    def of_unsquashfs(cls, stderr: str) -> LostAttribute | None:
        """Return the first one that unsquashfs failed for."""
        found = _OF_UNSQUASHFS.search(stderr)
        return None if found is None else cls(*found.groups())

    @property
    def is_of_system(self) -> bool:
        """Tell whether another system needn't have it: a label of the host, or what btrfs or NFS alone can hold."""
        if self.name.startswith(_OF_THE_HOST):
            return True
        return self.reason == _UNKNOWN_KIND and not self.name.startswith(_OF_THE_FILE)

    def error(self, target: Path) -> StorageError:
        """Return what to raise for it, and what to do about it."""
        return StorageError(
            f'Unpacking into {target} failed: extended attribute "{self.name[:_SHOWN]}" of "{self.entry[:_SHOWN]}" '
            f"can't be set ({self.reason[:_SHOWN]}): use a pool whose file system can hold it, such as btrfs or zfs, "
            "or remove the attribute where the file comes from"
        )


class LostAttributes:
    """Reads what tar writes to its standard error, piece by piece as it comes; millions of warnings take no memory."""

    def __init__(self) -> None:
        self.of_file: LostAttribute | None = None
        """The first that a file would lose; after it no more is read."""
        self.of_system: LostAttribute | None = None
        """The first that is left out."""
        self.left_out = 0
        self._unread = b""

    def read(self, piece: bytes) -> None:
        """Take the next piece. Never raises: who calls it has to go on reading."""
        if self.of_file is not None:
            return
        text = self._unread + piece
        done = 0
        for found in _WARNING.finditer(text):
            self._note(LostAttribute(*(part.decode(errors="replace") for part in found.groups())))
            done = found.end()
        begun = _BEGINNING.search(text, done)
        if begun is None:
            self._unread = text[max(done, len(text) - _CUT_BYTES) :]
            return
        self._unread = text[begun.start() :]
        if len(self._unread) > _LONGEST_BYTES:
            self._note_unreadable()

    def check(self, target: Path) -> None:
        """Raise `StorageError` for the first attribute that a file in `target` lost; call it once all is read."""
        if self.of_file is None and _BEGINNING.search(self._unread) is not None:
            self._note_unreadable()
        if self.of_file is not None:
            raise self.of_file.error(target)
        if self.of_system is not None:
            _log.warning(
                "%d extended attributes that only another system can hold are left out in %s, such as %s of %s",
                self.left_out,
                target,
                self.of_system.name[:_SHOWN],
                self.of_system.entry[:_SHOWN],
            )

    def _note(self, lost: LostAttribute) -> None:
        if not lost.is_of_system:
            self.of_file = self.of_file or lost
            return
        self.of_system = self.of_system or lost
        self.left_out += 1

    def _note_unreadable(self) -> None:
        name, _, entry = self._unread.partition(b"'")[2].partition(b"' extended attribute for file '")
        reason = "the warning of it can't be read"
        self.of_file = LostAttribute(name.decode(errors="replace"), entry.decode(errors="replace"), reason)
