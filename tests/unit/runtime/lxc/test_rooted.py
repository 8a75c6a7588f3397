"""Paths below a root, looked up while the host is busy."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.runtime.lxc.rooted import RootedFiles

RENAME_FOR_EVER = """
import os, sys
print(flush=True)
while True:
    os.rename("a", "b")
    os.rename("b", "a")
"""
LOOK_UPS = 20_000
"""Of which some twenty meet a rename on two cores."""


@pytest.fixture
def files(tmp_path: Path) -> Iterator[RootedFiles]:
    """A tree with a link `up` through many `..` to its /etc."""
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "srv").mkdir()
    (root / "srv/up").symlink_to("../" * 8 + "etc")
    files = RootedFiles(os.open(root, os.O_PATH | os.O_DIRECTORY))
    yield files
    files.close()


@pytest.fixture
def busy_host(tmp_path: Path) -> Iterator[None]:
    """Elsewhere on the host, files are renamed all the time."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a").touch()
    process = subprocess.Popen([sys.executable, "-c", RENAME_FOR_EVER], cwd=elsewhere, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.usefixtures("busy_host")
def test_threat_renames_elsewhere_disturb_no_look_up(files: RootedFiles, tmp_path: Path) -> None:
    """The kernel gives up a path with `..` where something is renamed meanwhile (EAGAIN of openat2)."""
    for _ in range(LOOK_UPS):
        assert files.folder("/srv/up") == str(tmp_path / "root/etc")
