"""How the files of an image are called when they are downloaded: by what they are, not by what was once uploaded."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_EXTENSIONS: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x1f\x8b", ".tar.gz"),
    (b"BZ", ".tar.bz2"),
    (b"\xfd7zXZ", ".tar.xz"),
    (b"\x28\xb5\x2f\xfd", ".tar.zst"),
    (b"\x5d\x00\x00", ".tar.lzma"),
    (b"hsqs", ".squashfs"),
)


def extension_of(path: Path) -> str:
    """Return the extension that fits the first bytes; a file of no known kind is a plain tar."""
    with path.open("rb") as file:
        head = file.read(8)
    return next((extension for magic, extension in _EXTENSIONS if head.startswith(magic)), ".tar")
