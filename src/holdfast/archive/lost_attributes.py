"""Extended attributes that tar could not set: it only warns of them, and ends as if all was there.

What a file holds must not get lost without a word. Left out, with a line in the log, is what belongs to a system and
not to the file: labels of the host's security module, and attributes of a kind that only other file systems know.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.model.errors import StorageError

_WARNING: Final = re.compile(
    r"Cannot set '(.*?)' extended attribute for file '(.*?)': ([A-Z][A-Za-z ]+)$", re.DOTALL | re.MULTILINE
)
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

    @property
    def is_of_system(self) -> bool:
        """Tell whether another system needn't have it: a label of the host, or what btrfs or NFS alone can hold."""
        if self.name.startswith(_OF_THE_HOST):
            return True
        return self.reason == _UNKNOWN_KIND and not self.name.startswith(_OF_THE_FILE)


def lost_attributes(stderr: str) -> Sequence[LostAttribute]:
    return [LostAttribute(*found) for found in _WARNING.findall(stderr)]


def check_none_lost(stderr: str, target: Path) -> None:
    """Raise `StorageError` for the first attribute that tar, which wrote this, lost of the entries in `target`."""
    lost = lost_attributes(stderr)
    for each in lost:
        if not each.is_of_system:
            raise StorageError(
                f'Unpacking into {target} failed: extended attribute "{each.name[:_SHOWN]}" of "{each.entry[:_SHOWN]}" '
                f"can't be set ({each.reason}): use a pool whose file system can hold it, such as btrfs or zfs, or "
                "remove the attribute where the file comes from"
            )
    if lost:
        first = lost[0]
        _log.warning(
            "%d extended attributes that only another system can hold are left out in %s, such as %s of %s",
            len(lost),
            target,
            first.name[:_SHOWN],
            first.entry[:_SHOWN],
        )
