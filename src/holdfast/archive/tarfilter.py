"""The rules that every entry of a foreign archive must keep before it may reach a disk.

A filter sees one tree (one instance or snapshot) and remembers what is in it. It returns the entry as it may be
unpacked, with a clean relative name and mapped owners, or raises `ArchiveError`. Pure: no file system, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from holdfast.archive.attributes import mapped_attributes
from holdfast.archive.idmap import HostMap
from holdfast.archive.layout import Layout
from holdfast.archive.members import Kind, Member, printable
from holdfast.model.errors import ArchiveError

_COMPONENT_CAP_BYTES: Final = 255
_ENTRIES_CAP: Final = 20_000_000

TOP_LEVEL: Final[Mapping[bytes, Kind]] = {
    b"rootfs": Kind.DIRECTORY,
    b"templates": Kind.DIRECTORY,
    b"exec-output": Kind.DIRECTORY,
    b"state": Kind.DIRECTORY,
    b"metadata.yaml": Kind.FILE,
    b"backup.yaml": Kind.FILE,
}
"""What an instance's volume holds at its top, and what it must be. Anything else there is a plain file or directory."""

_PLAIN: Final = (Kind.FILE, Kind.DIRECTORY)
VOLUME_TOP: Final = b"."
"""The name under which the top of a volume is unpacked: the directory that the rest goes into."""


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """The reason why an entry may not pass, still without its name."""

    reason: str


class TreeFilter:
    """Checks the entries of one tree in their order; `host_map` takes host ids back to the ids the instance sees."""

    def __init__(self, where: str, host_map: HostMap | None = None, layout: Layout = Layout.INSTANCE) -> None:
        self._where, self._host_map, self._layout = where, host_map, layout
        self._kinds: dict[bytes, Kind] = {}

    def admit(self, member: Member, name: bytes, target: bytes) -> Member | None:
        """Return the entry to unpack under `name`, None for the top directory of what isn't a volume with files.

        `name`, and for a hard link `target`, are relative to the tree already.
        """
        try:
            return self._admit(member, name, target)
        except Refused as refused:
            shown = printable(name)
            raise ArchiveError(f'Entry "{shown}" of {self._where} is refused: {refused.reason}') from None

    def _admit(self, member: Member, name: bytes, target: bytes) -> Member | None:
        parts = components(name)
        if not parts:
            if member.kind is not Kind.DIRECTORY:
                raise Refused("the top of a tree must be a directory")
            if self._layout is not Layout.FILES:
                return None
            return self._as_unpacked(member, VOLUME_TOP)
        clean = b"/".join(parts)
        self._check_place(parts, member.kind)
        if member.kind is Kind.HARD_LINK:
            member = replace(member, target=self._hard_link(target, parts[0]))
        self._note(clean, member.kind if member.kind is not Kind.HARD_LINK else self._kinds[member.target])
        return self._as_unpacked(member, clean)

    def _as_unpacked(self, member: Member, name: bytes) -> Member:
        uid, gid, records = member.uid, member.gid, member.records
        if self._host_map is not None:
            uid, gid = self._host_map.uid(uid), self._host_map.gid(gid)
        return Member(
            name=name,
            kind=member.kind,
            mode=member.mode,
            uid=uid,
            gid=gid,
            size_bytes=member.size_bytes,
            mtime_s=member.mtime_s,
            target=member.target,
            device=member.device,
            records=mapped_attributes(records, self._host_map) if records else records,
            lead=member.lead,
        )

    def _check_place(self, parts: list[bytes], kind: Kind) -> None:
        if self._layout is Layout.INSTANCE:
            self._check_top(parts, kind)
        elif self._layout is Layout.DISK and kind is not Kind.FILE:
            raise Refused("the disk of a volume must be a file")
        if self._kinds.get(b"/".join(parts[:-1])) is Kind.DIRECTORY:
            return  # and so are those above it: a directory stays one
        parent = b""
        for part in parts[:-1]:
            parent = parent + b"/" + part if parent else part
            if self._kinds.setdefault(parent, Kind.DIRECTORY) is not Kind.DIRECTORY:
                shown = printable(parent)
                raise Refused(f'its parent "{shown}" is no directory')

    def _check_top(self, parts: list[bytes], kind: Kind) -> None:
        top = parts[0]
        if len(parts) == 1:
            expected = TOP_LEVEL.get(top)
            if (expected is not None and kind is not expected) or kind not in _PLAIN:
                wanted = "file or directory" if expected is None else expected.name.lower()
                raise Refused(f"it must be a {wanted}, not a {kind.name.lower().replace('_', ' ')}")
        elif top != b"rootfs" and kind not in _PLAIN:
            raise Refused("only the root file system may hold links and special files")

    def _hard_link(self, target: bytes, top: bytes) -> bytes:
        parts = components(target)
        clean = b"/".join(parts)
        found = self._kinds.get(clean)
        if found is None or found is Kind.DIRECTORY:
            raise Refused("it is a hard link to something that is not in the archive before it")
        if self._layout is Layout.INSTANCE and parts[0] != top:
            raise Refused("it is a hard link out of its top directory")
        return clean

    def _note(self, clean: bytes, kind: Kind) -> None:
        before = self._kinds.get(clean)
        if before is not None and not (before is kind is Kind.DIRECTORY):
            raise Refused("it is in the archive twice")
        if len(self._kinds) >= _ENTRIES_CAP:
            raise Refused(f"there are more than {_ENTRIES_CAP} entries")
        self._kinds[clean] = kind


def components(name: bytes) -> list[bytes]:
    """Split a relative name into its parts; refuse what would lead elsewhere."""
    if name.startswith(b"/"):
        raise Refused("its name is absolute")
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    for part in parts:
        if part == b"..":
            raise Refused('its name holds ".."')
        if len(part) > _COMPONENT_CAP_BYTES:
            raise Refused("a part of its name is longer than 255 bytes")
    return parts
