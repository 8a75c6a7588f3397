"""A small but real Debian: systemd, D-Bus, apt, network by DHCP on eth0; made by mmdebstrap from the host's mirror."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from holdfast.host.debian_mirror import find_mirror
from holdfast.host.processes import PIPE, find_program, pipe
from holdfast.model.errors import InternalError, UnsupportedError

PACKAGES: Final = (
    "systemd-sysv",
    "dbus",
    "systemd-resolved",
    "libnss-myhostname",
    "iproute2",
    "iputils-ping",
    "netbase",
    "login",
    "passwd",
    "sudo",
    "ca-certificates",
    "less",
    "vim-tiny",
    "procps",
)
_HOOK: Final = (
    'chroot "$1" systemctl enable systemd-networkd systemd-resolved && '
    'chroot "$1" systemctl disable systemd-networkd-wait-online'
)
_NETWORK: Final = """[Match]
Name=eth0

[Network]
DHCP=yes

[DHCPv4]
ClientIdentifier=mac
UseDomains=yes
"""
_MASKED_UNITS: Final = (
    "systemd-udevd.service",
    "systemd-udevd-kernel.socket",
    "systemd-udevd-control.socket",
    "systemd-udev-trigger.service",
    "systemd-journald-audit.socket",
    "systemd-modules-load.service",
    "systemd-firstboot.service",
    "dev-hugepages.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "proc-sys-fs-binfmt_misc.automount",
)
"""What belongs to the host's kernel: in a container these units only fail."""
_TAIL_LINES: Final = 12


class Builder:
    """Builds one release, by its code name."""

    def __init__(self, codename: str) -> None:
        self._codename = codename

    def __call__(
        self,
        root: Path,
        *,
        report: Callable[[str], None],
        on_cancel: Callable[[Callable[[], None]], None],
    ) -> None:
        """Fill `root`, an empty directory; takes about half a minute and as many megabytes of downloads as 80."""
        program = find_program("mmdebstrap")
        if program is None:
            raise UnsupportedError(
                "Building a Debian image needs mmdebstrap, which is not installed: apt install mmdebstrap"
            )
        sources = find_mirror().lines(self._codename)
        self._bootstrap(program, root, sources, report, on_cancel)
        report("finishing the system")
        _finish(root, sources)

    def _bootstrap(
        self,
        program: Path,
        root: Path,
        sources: list[str],
        report: Callable[[str], None],
        on_cancel: Callable[[Callable[[], None]], None],
    ) -> None:
        """Run it in namespaces of its own, so that a kill takes every child and every mount along."""
        argv: list[str | Path] = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            program,
            "--mode=root",
        ]
        argv += ["--format=directory", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
        argv += ["--logfile=/proc/self/fd/1", f"--customize-hook={_HOOK}", self._codename, root, *sources]
        lines: list[str] = []
        with pipe(argv, stdout=PIPE) as process:
            on_cancel(process.kill)
            for raw in process.stdout:
                line = raw.decode(errors="replace").strip()
                lines = [*lines, line][-_TAIL_LINES:]
                if line.startswith("I: ") and "hook" not in line:
                    report(line[3:].removesuffix("..."))
            code = process.wait(allowed_codes=range(-64, 256))
        if code != 0:
            text = "\n".join(lines) + process.stderr
            raise InternalError(f"mmdebstrap could not build {self._codename} (exit code {code}): {text}")


def _finish(root: Path, sources: list[str]) -> None:
    """Make a container's system of it: network, name resolution, nothing that two containers may not share."""
    _write(root / "etc/apt/sources.list", "".join(f"{line}\n" for line in sources))
    _write(root / "etc/systemd/network/10-eth0.network", _NETWORK)
    _write(root / "etc/default/locale", "LANG=C.UTF-8\n")
    _write(root / "etc/machine-id", "")
    _write(root / "etc/hosts", "127.0.0.1\tlocalhost\n::1\t\tlocalhost ip6-localhost ip6-loopback\n")
    _link(root / "etc/resolv.conf", "../run/systemd/resolve/stub-resolv.conf")
    _link(root / "var/lib/dbus/machine-id", "/etc/machine-id")
    for unit in _MASKED_UNITS:
        _link(root / "etc/systemd/system" / unit, "/dev/null")
    # Without the file the system keeps the name that the container was started with.
    (root / "etc/hostname").unlink(missing_ok=True)
    for folder in ("dev", "run", "tmp", "var/lib/apt/lists", "var/cache/apt", "var/log/journal"):
        _empty(root / folder)
    for log in (root / "var/log").rglob("*.log"):
        log.unlink()


def _write(path: Path, text: str) -> None:
    """Replace, never write through, what is there: it may be a link out of the tree."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o644)


def _link(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def _empty(folder: Path) -> None:
    if not folder.is_dir() or folder.is_symlink():
        return
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
