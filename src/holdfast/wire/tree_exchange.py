"""The documents of our own way of sending trees, MessagePack: what the source lists, part by part.

Names, targets and values are bytes, as the file system has them.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

Owner = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 2)]
"""The last number means "as it is" to the kernel."""
Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Time = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]


class TreeFormatError(ValueError):
    """The document is not what it must be; the text says where."""


class Entry(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """An entry of a directory with its attributes.

    `size` is that of a file in bytes, the number of a device, else 0. `target` is a symbolic link's. Files with the
    same `group`, unless that is 0, are names of one file.
    """

    name: bytes
    mode: Annotated[int, msgspec.Meta(ge=0, le=0o177777)]
    uid: Owner
    gid: Owner
    mtime_ns: Time
    size: Number
    target: bytes
    group: Number
    attributes: list[tuple[bytes, bytes]]


class Directory(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Entries of a directory, all of them or some; the last have `is_complete`. Its own name is left out."""

    path: bytes
    itself: Entry
    entries: list[Entry]
    is_complete: bool


class Part(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """Part of a tree: no directory comes before the one that it is in."""

    directories: list[Directory]
    is_last: bool


_decoder = msgspec.msgpack.Decoder(Part)


def encode_part(part: Part) -> bytes:
    return msgspec.msgpack.encode(part)


def decode_part(data: bytes) -> Part:
    """Read a part; raise `TreeFormatError` for anything else."""
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise TreeFormatError(str(error)) from error
