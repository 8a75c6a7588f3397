"""Items of btrfs' trees by the kernel's own search (linux/btrfs_tree.h): one, or all of a kind.

search   tree u64, object from u64, to u64, offset from u64, to u64, transaction from u64, to u64,
         kind from u32, to u32, items u32, 36 bytes, then what is found                         (4096 bytes)
many     the same, 0 items for any number, room u64 in the place of what is unused      (112 bytes, then room for found)
found    transaction u64, object u64, offset u64, kind u32, size u32, data
"""

from __future__ import annotations

import fcntl
import struct
from collections.abc import Iterator
from typing import Final

_TREE_SEARCH: Final = 0xD0009411
_TREE_SEARCH_V2: Final = 0xC0709411
_ANY_TRANSACTION: Final = 2**64 - 1
_ANY_OBJECT: Final = 2**64 - 1
_ANY_KIND: Final = 255
_ANY_NUMBER: Final = 2**32 - 1
_ITEMS_AT, _FOUND_AT, _DATA_AT = 64, 104, 136
_ROOM_BYTES: Final = 2**20
_KEY: Final = struct.Struct("<7Q4I32xQ")
_FOUND: Final = struct.Struct("<3Q2I")


def find_item(descriptor: int, tree: int, key: tuple[int, int, int]) -> bytes | None:
    """Return the data of the item with this key (object, kind, offset) in a tree of the descriptor's file system."""
    owner, kind, offset = key
    arguments = bytearray(4096)
    struct.pack_into("<7Q3I", arguments, 0, tree, owner, owner, offset, offset, 0, _ANY_TRANSACTION, kind, kind, 1)
    fcntl.ioctl(descriptor, _TREE_SEARCH, arguments)
    if struct.unpack_from("<I", arguments, _ITEMS_AT)[0] == 0:
        return None
    size = struct.unpack_from("<I", arguments, _FOUND_AT + 28)[0]
    return bytes(arguments[_DATA_AT : _DATA_AT + size])


def find_items(descriptor: int, tree: int, kind: int, *, since: int = 0) -> Iterator[tuple[int, memoryview]]:
    """Yield object and data of all items of a kind in a tree; the data is gone when the next is asked for.

    `since`: only those in leaves that were written in this transaction or a later one, and some more may be told.
    """
    found = bytearray(_KEY.size + _ROOM_BYTES)
    view, first = memoryview(found), (0, 0, 0)
    while True:
        owner, first_kind, offset = first
        span = (tree, owner, _ANY_OBJECT, offset, _ANY_OBJECT, since, _ANY_TRANSACTION)
        _KEY.pack_into(found, 0, *span, first_kind, _ANY_KIND, _ANY_NUMBER, 0, _ROOM_BYTES)
        fcntl.ioctl(descriptor, _TREE_SEARCH_V2, found)
        (number,) = struct.unpack_from("<I", found, _ITEMS_AT)
        if number == 0:
            return
        at = _KEY.size
        for _ in range(number):
            _, last, offset, found_kind, size = _FOUND.unpack_from(found, at)
            at += _FOUND.size
            if found_kind == kind:
                yield last, view[at : at + size]
            at += size
        first = (last, found_kind, offset + 1)
