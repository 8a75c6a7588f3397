"""Directories with the facts of what is in them. Of Holdfast alone."""

from __future__ import annotations

import msgspec


class FileEntry(msgspec.Struct, kw_only=True):
    """One entry: `type` is "file", "directory", "symlink" or "other"; ids as seen inside; `mode` in octal digits."""

    name: str
    type: str
    size: int
    mode: str
    uid: int
    gid: int
    modified: str
    target: str
