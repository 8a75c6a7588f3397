"""`backup/manifest.yaml`, the last member of an export of ours: the check sums of everything before it.

The last line is the SHA-256 of all lines before it, so that the document vouches for itself.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec
import yaml

from holdfast.wire.strict_yaml import StrictYamlError, load

FORMAT: Final = 1
_CHECK: Final = b"check: "


class ManifestFormatError(ValueError):
    """The document is not what it must be; the text says why."""


class TreeEntry(msgspec.Struct, kw_only=True):
    """A part of the file, and how many bytes of the tar stream it takes."""

    name: str
    bytes: int


class BackupManifest(msgspec.Struct, kw_only=True):
    format: int
    tool: str
    version: str
    created_at: str
    name: str
    type: str
    snapshots: list[str]
    trees: list[TreeEntry]
    stream_bytes: int
    """Of the tar stream before this member."""
    piece_bytes: int
    pieces: list[str]
    """XXH3 with 128 bits, as `xxh128sum` shows it."""


def dump_manifest(manifest: BackupManifest) -> bytes:
    """Write the document with its own check sum."""
    lines: bytes = yaml.dump(
        msgspec.to_builtins(manifest),
        Dumper=yaml.CSafeDumper,
        sort_keys=False,
        allow_unicode=True,
        encoding="utf-8",
        width=2**20,
    )
    return lines + _check_line(lines)


def parse_manifest(document: bytes) -> BackupManifest:
    """Read the document; raise `ManifestFormatError` when its own check sum or anything else is wrong."""
    lines, found, _ = document.rpartition(_CHECK)
    if not found or document != lines + _check_line(lines):
        raise ManifestFormatError("its own check sum is wrong")
    try:
        loaded = load(lines)
        if isinstance(loaded, dict) and loaded.get("format") != str(FORMAT):
            raise ManifestFormatError(f"its format is {loaded.get('format')}, and this version knows {FORMAT} only")
        return msgspec.convert(loaded, BackupManifest, strict=False)
    except (StrictYamlError, msgspec.ValidationError) as error:
        raise ManifestFormatError(str(error)) from error


def _check_line(lines: bytes) -> bytes:
    return _CHECK + hashlib.sha256(lines).hexdigest().encode() + b"\n"
