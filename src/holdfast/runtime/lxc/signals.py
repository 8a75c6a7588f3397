"""How the first process of a container is asked to end or to begin anew: each init system has its own signal."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import Final

_SYSTEMD_HALT: Final = signal.SIGRTMIN + 3
_SYSTEMD_REBOOT: Final = signal.SIGRTMIN + 5
_BUSYBOX_HALT: Final = signal.SIGUSR2
_BUSYBOX_REBOOT: Final = signal.SIGTERM


def halt_signal(pid: int, config_text: str) -> int | None:
    """Return the signal that makes this init end now; None while it would ignore all we know (it may be starting)."""
    configured = _configured(config_text, "lxc.signal.halt")
    if configured is not None:
        return configured
    blocked, caught = _signal_sets(pid)
    if _SYSTEMD_HALT in blocked:  # systemd takes its signals from a signalfd
        return _SYSTEMD_HALT
    if _is_busybox_init(pid):
        return _BUSYBOX_HALT if signal.SIGTSTP in caught else None  # set last, when it is ready
    for number in (signal.SIGPWR, signal.SIGTERM):
        if number in caught or number in blocked:
            return number
    return None


def reboot_signal(pid: int, config_text: str) -> int:
    """Return the signal that makes this init reboot."""
    configured = _configured(config_text, "lxc.signal.reboot")
    if configured is not None:
        return configured
    if _SYSTEMD_HALT in _signal_sets(pid)[0]:
        return _SYSTEMD_REBOOT
    return _BUSYBOX_REBOOT if _is_busybox_init(pid) else signal.SIGINT


def _configured(config_text: str, key: str) -> int | None:
    for line in reversed(config_text.splitlines()):
        name, _, value = line.partition("=")
        if name.strip() == key:
            return _parse(value.strip())
    return None


def _parse(text: str) -> int | None:
    """Read "SIGPWR", "37" or "SIGRTMIN+3"."""
    if text.isdigit():
        return int(text)
    name, sign, offset = text.partition("+") if "+" in text else text.partition("-")
    base = getattr(signal, name if name.startswith("SIG") else f"SIG{name}", None)
    if not isinstance(base, int) or (sign and not offset.isdigit()):
        return None
    return base + int(f"{sign}{offset or 0}")


def _signal_sets(pid: int) -> tuple[set[int], set[int]]:
    """Return the numbers that are blocked and those that are caught."""
    blocked: set[int] = set()
    caught: set[int] = set()
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name in ("SigBlk", "SigCgt"):
                mask = int(value, 16)
                (blocked if name == "SigBlk" else caught).update(n for n in range(1, 65) if mask >> (n - 1) & 1)
    return blocked, caught


def _is_busybox_init(pid: int) -> bool:
    """Tell BusyBox's init from a shell script that BusyBox's shell runs as init and that sets its own traps."""
    with contextlib.suppress(OSError):
        program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        called = Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0]
        return program == "busybox" and os.path.basename(called) in (b"init", b"linuxrc")
    return False
