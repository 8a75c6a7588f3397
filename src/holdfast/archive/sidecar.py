"""The file beside an export, `<file>.manifest`: its SHA-256 as `sha256sum --check` reads it, and what is in it.

| line                         |                                            |
|------------------------------|--------------------------------------------|
| `# key: value`, …            | the contents, for people                   |
| `# size: 123`                | of the file in bytes                       |
| `<64 digits>  <name>`        | the only line that `sha256sum` looks at    |
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.model.errors import ArchiveError

_CAP_BYTES: Final = 1024 * 1024
_SIZE: Final = re.compile(r"^# size: ([0-9]{1,19})$", re.MULTILINE)
_SUM: Final = re.compile(r"^([0-9a-f]{64}) [ *][^\n]+$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What must be true of the file."""

    sha256: str
    size_bytes: int


def sidecar_path(file: Path) -> Path:
    """Return where the file beside it is."""
    return file.with_name(f"{file.name}.manifest")


def format_sidecar(file_name: str, sha256: str, size_bytes: int, contents: Mapping[str, str]) -> str:
    """Write the text; `contents` are lines for people."""
    escaped = file_name.replace("\\", "\\\\").replace("\n", "\\n")
    mark = "\\" if escaped != file_name else ""
    lines = [f"# {key}: {' '.join(value.split())}" for key, value in contents.items()]
    return "\n".join([*lines, f"# size: {size_bytes}", f"{mark}{sha256}  {escaped}", ""])


def read_sidecar(file: Path) -> Sidecar | None:
    """Return what the file beside it says; None when there is none. Raises `ArchiveError` for one that is damaged."""
    try:
        with sidecar_path(file).open("rb") as opened:
            text = opened.read(_CAP_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return None
    sizes, sums = _SIZE.findall(text), _SUM.findall(text.replace("\n\\", "\n"))
    if len(sizes) != 1 or len(sums) != 1:
        raise ArchiveError(f"{sidecar_path(file).name} is damaged: it must hold one size and one SHA-256")
    return Sidecar(sums[0], int(sizes[0]))


def check_sidecar(sidecar: Sidecar, sha256: str, size_bytes: int) -> None:
    """Raise `ArchiveError` when the file is another than the one that was written."""
    if sidecar.size_bytes != size_bytes:
        raise ArchiveError(f"The file has {size_bytes} bytes, and its .manifest tells of {sidecar.size_bytes}")
    if sidecar.sha256 != sha256:
        raise ArchiveError("The SHA-256 of the file is not the one in its .manifest")
