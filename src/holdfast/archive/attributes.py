"""Extended attributes on their way from an archive to a disk: ids mapped, ACLs in the form that is restored.

GNU tar restores ACLs from the raw `SCHILY.xattr.system.posix_acl_*` records, the ones that LXD writes too; the textual
`SCHILY.acl.*` of other writers is turned into that.

| raw ACL        | bytes (little endian)                   | capability v3 | bytes (little endian)                 |
|----------------|-----------------------------------------|---------------|---------------------------------------|
| version 2      | 4                                       | magic, flags  | 4 (0x03000000 or 0x03000001)          |
| each entry     | 2 tag, 2 permissions, 4 id              | sets          | 16                                    |
|                | tag 2: user, tag 8: group               | root id       | 4                                     |
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from holdfast.archive.idmap import HostMap
from holdfast.model.errors import ArchiveError

_XATTR: Final = b"SCHILY.xattr."
_RAW_ACCESS: Final = _XATTR + b"system.posix_acl_access"
_RAW_DEFAULT: Final = _XATTR + b"system.posix_acl_default"
_TEXTUAL: Final = {b"SCHILY.acl.access": _RAW_ACCESS, b"SCHILY.acl.default": _RAW_DEFAULT}
_CAPABILITY: Final = _XATTR + b"security.capability"
_RESTORED: Final = (b"user.", b"trusted.", b"security.", b"system.posix_acl_")

_ACL_VERSION: Final = 2
_USER, _GROUP = 0x02, 0x08
_NO_ID: Final = 0xFFFFFFFF
_TAGS: Final = {
    (b"user", False): 0x01,
    (b"user", True): _USER,
    (b"group", False): 0x04,
    (b"group", True): _GROUP,
    (b"mask", False): 0x10,
    (b"other", False): 0x20,
}
_CAPABILITY_V2, _CAPABILITY_V3 = 0x02000000, 0x03000000
_CAPABILITY_REVISION_MASK: Final = 0xFF000000


def mapped_attributes(records: Mapping[bytes, bytes], host_map: HostMap | None) -> dict[bytes, bytes]:
    """Return the records to unpack with: unknown name spaces dropped, ACLs raw, ids taken back through the map."""
    kept: dict[bytes, bytes] = {}
    for key, value in records.items():
        if key in _TEXTUAL:
            raw = _raw_acl(value)
            if raw is not None:
                kept.setdefault(_TEXTUAL[key], raw)
        elif not key.startswith(_XATTR) or key[len(_XATTR) :].startswith(_RESTORED):
            kept[key] = value
    if host_map is not None:
        for key in (_RAW_ACCESS, _RAW_DEFAULT):
            if key in kept:
                kept[key] = _mapped_acl(kept[key], host_map)
        if _CAPABILITY in kept:
            kept[_CAPABILITY] = _mapped_capability(kept[_CAPABILITY], host_map)
    return kept


def _mapped_acl(raw: bytes, host_map: HostMap) -> bytes:
    if len(raw) < 4 or (len(raw) - 4) % 8:
        raise ArchiveError("An entry's access control list is damaged")
    out = [raw[:4]]
    for tag, permissions, owner in struct.iter_unpack("<HHI", raw[4:]):
        mapped = host_map.uid(owner) if tag == _USER else host_map.gid(owner) if tag == _GROUP else owner
        out.append(struct.pack("<HHI", tag, permissions, mapped))
    return b"".join(out)


def _mapped_capability(raw: bytes, host_map: HostMap) -> bytes:
    """Make a capability that belongs to the map's root a plain one, as the file has it inside."""
    if len(raw) != 24:
        return raw
    magic, root = struct.unpack("<I", raw[:4])[0], struct.unpack("<I", raw[20:])[0]
    if magic & _CAPABILITY_REVISION_MASK != _CAPABILITY_V3 or host_map.uid(root) != 0:
        return raw
    return struct.pack("<I", _CAPABILITY_V2 | (magic & ~_CAPABILITY_REVISION_MASK)) + raw[4:20]


def _raw_acl(text: bytes) -> bytes | None:
    """Turn `user:1234:rw-,group::r--,…` into raw form; None when it names users instead of numbers."""
    entries = []
    for line in text.replace(b"\n", b",").split(b","):
        entry = line.split(b"#")[0].strip()
        if not entry:
            continue
        fields = entry.split(b":")
        if len(fields) == 4 and fields[3].isdigit():
            fields = [fields[0], fields[3], fields[2]]
        if len(fields) != 3 or (fields[1] and not fields[1].isdigit()):
            return None
        tag = _TAGS.get((fields[0], bool(fields[1])))
        owner = int(fields[1]) if fields[1] else _NO_ID
        if tag is None or owner > _NO_ID:
            return None
        permissions = (4 * (b"r" in fields[2])) | (2 * (b"w" in fields[2])) | (b"x" in fields[2])
        entries.append((tag, permissions, owner))
    if not entries:
        return None
    entries.sort(key=lambda entry: (entry[0], entry[2]))
    return struct.pack("<I", _ACL_VERSION) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
