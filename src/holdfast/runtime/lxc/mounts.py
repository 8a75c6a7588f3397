"""What is mounted into a container by us rather than by liblxc, and the plan of it that the hooks read.

liblxc mounts with the rights of the container's root: that one can't walk through our 0700 directories, and liblxc
makes missing mount points by following the links of an image. Our hooks (`mounts_child`) take the sources with the
host's rights, and attach them below the container's root without leaving it. Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

PLAN_NAME: Final = "mounts.json"
ERROR_NAME: Final = "mounts.error"
_ROOTS: Final = Path("/run/holdfast-roots")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedMount:
    """One bind mount; `path` as seen inside."""

    source: str
    path: str
    is_read_only: bool
    is_recursive: bool
    use_idmap: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class MountPlan:
    """What the hooks do. `root` is bound to `stage` for as long as the start takes; None: liblxc reaches it itself."""

    is_privileged: bool
    root: str
    stage: str | None
    mounts: tuple[PlannedMount, ...]

    def write(self, folder: Path) -> None:
        """Store it beside the container's configuration, in one step: a reboot may read it at any moment."""
        beside = folder / f"{PLAN_NAME}.new"
        beside.write_text(json.dumps(asdict(self)))
        beside.replace(folder / PLAN_NAME)

    @classmethod
    def read(cls, folder: Path) -> MountPlan:
        """Load what `write` stored."""
        stored = json.loads((folder / PLAN_NAME).read_text())
        mounts = tuple(PlannedMount(**mount) for mount in stored.pop("mounts"))
        return cls(mounts=mounts, **stored)


def stage_of(name: str) -> Path:
    """Return where the root of a container is bound while it starts."""
    return _ROOTS / name


def path_parts(path: str) -> Sequence[str]:
    """Split a mount's path; raises ValueError for the root itself and for `..`."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise ValueError(f'"{path}" is no path for a mount')
    return parts
