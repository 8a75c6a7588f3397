"""Mount, unmount, and see what is mounted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.host.processes import run

_MOUNTINFO: Final = Path("/proc/self/mountinfo")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    """One line of mountinfo: `root` is the part of the file system that is seen at `target`."""

    target: Path
    root: str
    file_system: str
    source: str
    device: str


def parse_mountinfo(text: str) -> list[Mount]:
    """Read the kernel's table (proc(5)): fields before and after the separator ` - `, octal escapes in names."""
    found = []
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        fields, more = before.split(" "), after.split(" ")
        found.append(
            Mount(
                target=Path(_unescape(fields[4])),
                root=_unescape(fields[3]),
                file_system=more[0],
                source=_unescape(more[1]),
                device=fields[2],
            )
        )
    return found


def mounted() -> list[Mount]:
    """Return all mounts of our namespace, oldest first."""
    return parse_mountinfo(_MOUNTINFO.read_text(errors="surrogateescape"))


def mount_at(target: Path) -> Mount | None:
    """Return the topmost mount exactly at `target`."""
    wanted = target.resolve()
    return next((mount for mount in reversed(mounted()) if mount.target == wanted), None)


def mount(source: str | Path, target: Path, *, file_system: str, options: Sequence[str] = ()) -> None:
    """Mount a device."""
    more = ["-o", ",".join(options)] if options else []
    run(["mount", "--no-mtab", "-t", file_system, *more, "--", source, target])


def bind(source: Path, target: Path) -> None:
    """Show a directory at a second place, without the mounts below it."""
    run(["mount", "--no-mtab", "--bind", "--", source, target])


def remount(target: Path, options: Sequence[str]) -> None:
    """Change the options of what is mounted at `target`."""
    run(["mount", "--no-mtab", "-o", ",".join(["remount", *options]), "--", target])


def unmount(target: Path) -> None:
    """Unmount all that is stacked exactly at `target`. Idempotent; raises `CommandError` while it is in use."""
    while mount_at(target) is not None:
        run(["umount", "--no-mtab", "--", target])


def file_system_of(path: Path) -> str:
    """Return the type of the file system that holds `path` ("ext4", "btrfs", ...)."""
    device = path.stat().st_dev
    wanted = path.resolve()
    holders = [mount for mount in mounted() if wanted.is_relative_to(mount.target)]
    exact = [mount for mount in holders if mount.target.exists() and mount.target.stat().st_dev == device]
    best = max(exact or holders, key=lambda mount: len(mount.target.parts))
    return best.file_system


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
