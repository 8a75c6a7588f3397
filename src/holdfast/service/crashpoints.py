"""Points where a test lets the server die, or a step fail, to prove that all ends well. In production no-ops."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from typing import Final

VARIABLE: Final = "HOLDFAST_CRASH_AT"
FAILURE_VARIABLE: Final = "HOLDFAST_FAIL_AT"
"""`<point>=<errno>`, for example `restore:staged=ENOSPC`."""

FILE_MARK: Final = "@"
"""`@<path>` in either variable: what the file says when a point is reached, so that a running server can be told."""

_STEPS: Final = {
    "instance-create": ("intent", "staged", "synced", "published", "committed"),
    "instance-import": ("intent", "staged", "synced", "publishing", "published", "committed"),
    "backup-test": ("intent", "imported", "started"),
    "instance-replace": (
        "intent",
        "staged",
        "synced",
        "noted",
        "swapped",
        "withdrawn",
        "kept",
        "published",
        "committed",
    ),
    "instance-delete": ("intent", "withdrawn", "committed"),
    "instance-rename": ("intent", "renamed", "committed"),
    "instance-refresh": ("intent", "staged", "synced", "swapped", "committed"),
    "instance-move": ("intent", "staged", "published", "committed"),
    "instance-shift": ("intent", "staged", "synced", "swapped", "committed"),
    "snapshot-create": ("intent", "staged", "synced", "published", "committed"),
    "snapshot-delete": ("intent", "withdrawn", "committed"),
    "snapshot-rename": ("intent", "renamed", "committed"),
    "restore": ("intent", "staged", "synced", "swapped", "kept", "committed"),
    "volume-create": ("intent", "staged", "synced", "published", "committed"),
    "volume-update": ("intent", "applied", "committed"),
    "volume-delete": ("intent", "withdrawn", "committed"),
    "volume-rename": ("intent", "renamed", "committed"),
    "volume-refresh": ("intent", "staged", "synced", "swapped", "committed"),
    "volume-move": ("intent", "staged", "published", "committed"),
    "volume-restore": ("intent", "staged", "synced", "swapped", "committed"),
    "volume-snapshot-create": ("intent", "staged", "synced", "published", "committed"),
    "volume-snapshot-delete": ("intent", "withdrawn", "committed"),
    "volume-snapshot-rename": ("intent", "renamed", "committed"),
    "volume-test": ("intent", "imported"),
    "volume-set-snapshot": ("intent", "staged", "synced", "publishing", "published", "committed"),
    "volume-set-restore": ("intent", "staged", "synced", "swapping", "swapped", "committed"),
    "backup-create": ("intent", "staged", "synced", "published", "committed"),
    "backup-delete": ("intent", "withdrawn", "committed"),
    "backups-move": ("intent", "copied", "recorded"),
    "backup-rename": ("intent", "renamed", "committed"),
    "export-stream": ("intent", "staged", "written"),
    "export-volumes": ("cloned",),
    "image-add": ("intent", "staged", "synced", "published", "committed"),
    "image-delete": ("intent", "withdrawn", "committed"),
    "pool-create": ("intent", "created", "committed"),
    "pool-delete": ("intent", "withdrawn", "committed"),
}

ALL_POINTS: Final = tuple(f"{kind}:{step}" for kind, steps in _STEPS.items() for step in steps)


def reach(point: str) -> None:
    """Kill this process, as a power cut would, or fail once, as a system call does, if the environment says so."""
    if _said(VARIABLE) == point:
        os.kill(os.getpid(), signal.SIGKILL)
    name, _, number = _said(FAILURE_VARIABLE).partition("=")
    if name == point:
        _forget(FAILURE_VARIABLE)
        code = int(getattr(errno, number))
        raise OSError(code, os.strerror(code))


def _said(variable: str) -> str:
    value = os.environ.get(variable, "")
    if not value.startswith(FILE_MARK):
        return value
    try:
        return Path(value.removeprefix(FILE_MARK)).read_text()
    except FileNotFoundError:
        return ""


def _forget(variable: str) -> None:
    value = os.environ[variable]
    if value.startswith(FILE_MARK):
        Path(value.removeprefix(FILE_MARK)).unlink()
    else:
        del os.environ[variable]
