"""One server per directory; the directories are for its owner only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast.model.errors import ConflictError
from holdfast.service.directory_lock import DirectoryLock
from holdfast.service.paths import Paths

HOLD = """
import sys, pathlib
from holdfast.service.directory_lock import DirectoryLock
DirectoryLock(pathlib.Path(sys.argv[1])).take()
print("held", flush=True)
sys.stdin.read()
"""


def test_second_one_is_refused_by_name_and_a_death_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    other = subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None
    assert other.stdout.readline() == b"held\n"
    with pytest.raises(ConflictError, match=f"process {other.pid}"):
        DirectoryLock(path).take()
    other.kill()
    other.communicate()
    lock = DirectoryLock(path)
    lock.take()
    assert path.read_text() == f"{os.getpid()}\n"
    lock.release()
    DirectoryLock(path).take()


def test_threat_directories_are_readable_by_local_users(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        paths = Paths(tmp_path / "root")
        paths.prepare()
    finally:
        os.umask(before)
    below = [path for path in paths.root.rglob("*") if path.is_dir()]
    assert len(below) >= 8
    assert {path.stat().st_mode & 0o777 for path in below} == {0o700}
    assert paths.root.stat().st_mode & 0o777 == 0o711
    below[0].chmod(0o755)
    paths.prepare()
    assert below[0].stat().st_mode & 0o777 == 0o700
