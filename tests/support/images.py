"""Make the small image that interop tests feed to every server: a static busybox with an init of its own."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import time
from collections.abc import Collection
from pathlib import Path

import pytest

INIT = """#!/bin/sh
mount -t proc proc /proc 2>/dev/null
trap 'exit 0' PWR TERM USR2 RTMIN+3
echo booted > /dev/console 2>/dev/null
while :; do sleep 3600 & wait $!; done
"""
METADATA = """architecture: x86_64
creation_date: {now}
properties:
  description: busybox for tests
  os: Busybox
  release: "1"
"""
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n",
    "etc/group": "root:x:0:\nuser:x:1000:\n",
    "etc/hostname": "image\n",
}


FEW_APPLETS = ("cat", "cut", "echo", "ls", "mkdir", "mount", "ps", "rm", "sh", "sleep", "stat", "touch", "true", "wc")


def make_tiny_image(target: Path, *, applets: Collection[str] | None = None) -> Path:
    """Write a unified gzip image of about 1 MB to `target` and return it.

    It has a link for every command of busybox, some 270, or for those given: less to copy where a test does it often.
    """
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("needs busybox (package busybox-static)")
    if applets is None:
        applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    with tarfile.open(target, "w:gz", compresslevel=1) as archive:
        _add(archive, "metadata.yaml", METADATA.format(now=int(time.time())).encode(), 0o644)
        for name in ("", "bin", "sbin", "etc", "proc", "sys", "dev", "tmp", "run", "var", "root", "home", "home/user"):
            folder = tarfile.TarInfo(f"rootfs/{name}".rstrip("/"))
            folder.type, folder.mode, folder.mtime = tarfile.DIRTYPE, 0o755, 1_700_000_000
            archive.addfile(folder)
        _add(archive, "rootfs/bin/busybox", Path(busybox).read_bytes(), 0o755)
        _add(archive, "rootfs/sbin/init", INIT.encode(), 0o755)
        for name, text in FILES.items():
            _add(archive, f"rootfs/{name}", text.encode(), 0o644)
        for applet in applets:
            if applet not in ("busybox", "init"):
                link = tarfile.TarInfo(f"rootfs/bin/{applet}")
                link.type, link.linkname, link.mtime = tarfile.SYMTYPE, "busybox", 1_700_000_000
                archive.addfile(link)
    return target


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = len(content), mode, 1_700_000_000
    archive.addfile(entry, io.BytesIO(content))
