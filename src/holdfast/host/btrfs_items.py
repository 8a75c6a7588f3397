"""Items of btrfs' trees by the kernel's own search (linux/btrfs_tree.h), one at a time.

search   tree u64, object from u64, to u64, offset from u64, to u64, transaction from u64, to u64,
         kind from u32, to u32, items u32, 36 bytes, then what is found                         (4096 bytes)
found    transaction u64, object u64, offset u64, kind u32, size u32, data
"""

from __future__ import annotations

import fcntl
import struct
from typing import Final

_TREE_SEARCH: Final = 0xD0009411
_ANY_TRANSACTION: Final = 2**64 - 1
_ITEMS_AT, _FOUND_AT, _DATA_AT = 64, 104, 136


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
