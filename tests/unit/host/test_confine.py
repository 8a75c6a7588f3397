from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.host.confine import confined
from holdfast.host.processes import PIPE
from holdfast.model.errors import CommandError

pytestmark = pytest.mark.root


def shell(script: str, directory: Path, given: Path | None = None) -> str:
    with confined("sh", ["-c", script], directory, given=given, stdout=PIPE) as process:
        return process.stdout.read().decode()


def test_writes_arrive_in_the_directory(tmp_path: Path) -> None:
    shell("echo hello > file && mknod device c 1 3 && chown 33:44 file && chmod 4755 file", tmp_path)
    info = (tmp_path / "file").stat()
    assert (info.st_uid, info.st_gid, info.st_mode & 0o7777) == (33, 44, 0o4755)
    assert (tmp_path / "device").lstat().st_rdev == os.makedev(1, 3)


def test_given_file_is_readable_only(tmp_path: Path) -> None:
    given = tmp_path / "given"
    given.write_text("data")
    inside = tmp_path / "inside"
    inside.mkdir()
    assert shell("cat /input; echo x 2>&- >/input || echo refused", inside, given) == "datarefused\n"
    assert given.read_text() == "data"


def test_threat_unpacker_reaches_only_its_directory(tmp_path: Path) -> None:
    """Even a program that an archive took over sees no host files, processes, devices or network."""
    secret = tmp_path / "secret"
    secret.write_text("host data")
    inside = tmp_path / "inside"
    inside.mkdir()
    for attack in (
        f"cat {secret}",
        f"test -e {secret}",
        "test -e /proc/1",
        "test -e /var || test -e /home || test -e /root || test -e /dev",
        "ls /",
        "cat ../secret",
        "cat /etc/shadow",
        "echo x > /usr/x",
        "chmod 700 /usr",
        "chmod 777 /",
        "mkdir /x",
        "mount -t tmpfs none /target",
        "mount -t proc none /target",
        "ls /proc/1",
        "mknod c c 1 3 && cat c",
        "echo > /dev/tcp/127.0.0.1/22",
    ):
        with pytest.raises(CommandError):
            shell(f"({attack}) >/target/out", inside)
    assert secret.read_text() == "host data"


def test_failure_carries_the_programs_words(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="what went wrong"):
        shell("echo what went wrong >&2; exit 3", tmp_path)
