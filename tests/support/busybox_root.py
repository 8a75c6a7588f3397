"""A root file system that boots in milliseconds: a static busybox, its links, an inittab without a login."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

BUSYBOX = Path("/bin/busybox")
_INITTAB = "::sysinit:/bin/true\nconsole::respawn:/bin/sh -c 'echo ready >/dev/console; exec sleep 100000'\n"


def build_busybox_root(target: Path) -> Path:
    """Make the tree, owned by root as seen inside; return its directory."""
    for folder in ("bin", "sbin", "dev", "proc", "sys", "etc", "root", "run", "var", "usr/bin", "mnt"):
        (target / folder).mkdir(parents=True)
    (target / "tmp").mkdir()
    (target / "tmp").chmod(0o1777)
    (target / "var/run").symlink_to("/run")
    shutil.copy(BUSYBOX, target / "bin/busybox")
    for applet in subprocess.check_output([BUSYBOX, "--list"], text=True).split():
        if applet != "busybox":
            (target / "bin" / applet).symlink_to("busybox")
    (target / "sbin/init").symlink_to("../bin/busybox")
    (target / "etc/inittab").write_text(_INITTAB)
    (target / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/tmp:/bin/sh\n")
    (target / "etc/group").write_text("root:x:0:\nuser:x:1000:\n")
    os.chmod(target, 0o755)
    return target
