"""The smallest system that boots: one static program, an init that ends when it is asked to. Needs no network."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from holdfast.host.processes import find_program, run
from holdfast.model.errors import UnsupportedError

_FOLDERS: Final = (
    "bin",
    "dev",
    "etc",
    "home",
    "mnt",
    "proc",
    "root",
    "run",
    "sbin",
    "sys",
    "tmp",
    "usr/bin",
    "usr/sbin",
    "var/log",
    "var/tmp",
)
_WORLD_WRITABLE: Final = ("tmp", "var/tmp")
_OWN_FILES: Final = {
    "etc/passwd": (0o644, "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
    "etc/group": (0o644, "root:x:0:\nnogroup:x:65534:\n"),
    "etc/os-release": (0o644, 'ID=busybox\nNAME="BusyBox"\nPRETTY_NAME="BusyBox"\n'),
    "etc/profile": (0o644, "PS1='\\h:\\w\\$ '\n"),
    "sbin/init": (
        0o755,
        """#!/bin/sh
# Clean halt: the signals of LXD (PWR), lxc (RTMIN+3) and people; reboot: INT.
trap 'exit 0' PWR TERM USR2 RTMIN+3
trap 'reboot -f' INT
export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root
hostname >/etc/hostname
ip link set lo up 2>/dev/null
[ -e /sys/class/net/eth0 ] && udhcpc -i eth0 -b -S -s /etc/dhcp.sh >/dev/null 2>&1 </dev/null
if [ -c /dev/console ]; then
    while :; do
        cd /root
        setsid -c sh -l </dev/console >/dev/console 2>&1
        sleep 1
    done &
fi
while :; do
    sleep 86400 &
    wait $!
done
""",
    ),
    "etc/dhcp.sh": (
        0o755,
        """#!/bin/sh
case $1 in
    deconfig) ip address flush dev "$interface"; ip link set "$interface" up ;;
    bound | renew)
        ip address replace "$ip/$mask" dev "$interface"
        for gateway in $router; do ip route replace default via "$gateway" dev "$interface"; break; done
        for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf
        ;;
esac
""",
    ),
}
_NOT_LINKED: Final = ("busybox", "init", "linuxrc")


def build(
    root: Path,
    *,
    report: Callable[[str], None],
    on_cancel: Callable[[Callable[[], None]], None],
) -> None:
    """Fill `root`, an empty directory; over in a moment, so there is nothing to cancel."""
    busybox = find_program("busybox")
    if busybox is None:
        raise UnsupportedError("Building the busybox image needs busybox: apt install busybox-static")
    if not _is_static(busybox):
        raise UnsupportedError("Building the busybox image needs a static busybox: apt install busybox-static")
    report("copying busybox")
    for folder in _FOLDERS:
        _make_folder(root, Path(folder))
    for folder in _WORLD_WRITABLE:
        (root / folder).chmod(0o1777)
    (root / "root").chmod(0o700)
    shutil.copy(busybox, root / "bin/busybox")
    for applet in map(Path, run([busybox, "--list-full"]).stdout.decode().split()):
        if applet.name not in _NOT_LINKED:
            (root / applet).symlink_to("../" * (len(applet.parts) - 1) + "bin/busybox")
    for name, (mode, text) in _OWN_FILES.items():
        (root / name).write_text(text)
        (root / name).chmod(mode)


def _make_folder(root: Path, folder: Path) -> None:
    """Make it and those above it for everybody to enter, whatever our umask is."""
    for path in reversed([folder, *folder.parents][:-1]):
        (root / path).mkdir(exist_ok=True)
        (root / path).chmod(0o755)


def _is_static(program: Path) -> bool:
    """Tell whether an ELF file names no interpreter (no program header of type 3)."""
    data = program.read_bytes()[:4096]
    if data[:4] != b"\x7fELF" or data[4] != 2:
        return False
    offset = int.from_bytes(data[32:40], "little")
    size = int.from_bytes(data[54:56], "little")
    count = int.from_bytes(data[56:58], "little")
    kinds = [int.from_bytes(data[offset + n * size : offset + n * size + 4], "little") for n in range(count)]
    return 3 not in kinds
