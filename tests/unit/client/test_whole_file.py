"""A file is whole under its name or not there at all, whatever the file system can do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.client.errors import FileExistsAlreadyError, TargetInUseError, UnfitTargetError
from holdfast.client.whole_file import WholeFile


@pytest.fixture(params=["unnamed", "named"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """With files that have no name, and as on a file system that has no such files (it answers EISDIR)."""
    if request.param == "named":
        monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY)
    yield request.param


@pytest.mark.usefixtures("way")
def test_an_older_file_is_replaced_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "f"
    target.write_text("old")
    target.chmod(0o644)
    with WholeFile(target) as file:
        file.write(b"new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.usefixtures("way")
def test_a_file_of_many_steps_is_whole(tmp_path: Path) -> None:
    """The kernel is told again and again that what was written isn't needed."""
    pieces = [os.urandom(3 * 1024**2 + number) for number in range(9)]
    with WholeFile(tmp_path / "file") as target:
        for piece in pieces:
            target.write(piece)
    assert (tmp_path / "file").read_bytes() == b"".join(pieces)


def test_no_clobber_refuses_before_and_after(tmp_path: Path) -> None:
    target = tmp_path / "f"
    with pytest.raises(FileExistsAlreadyError), WholeFile(target, may_replace=False) as file:
        file.write(b"mine")
        target.write_text("came meanwhile")
    assert target.read_text() == "came meanwhile"
    with pytest.raises(FileExistsAlreadyError):
        WholeFile(target, may_replace=False).check()
    assert os.listdir(tmp_path) == ["f"]
    target.unlink()
    with WholeFile(target, may_replace=False) as file:
        file.write(b"mine")
    assert target.read_text() == "mine"
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.usefixtures("way")
def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "f").symlink_to("elsewhere")
    with WholeFile(tmp_path / "f") as file:
        file.write(b"x")
    assert not (tmp_path / "f").is_symlink()
    assert os.listdir(tmp_path) == ["f"]


@pytest.mark.parametrize("kind", ["fifo", "directory"])
def test_what_is_no_file_is_never_replaced(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "t"
    os.mkfifo(target) if kind == "fifo" else target.mkdir()
    with pytest.raises(UnfitTargetError, match="no regular file"), WholeFile(target):
        pass
    with pytest.raises(UnfitTargetError):
        WholeFile(Path("/dev/null")).check()


def test_a_link_to_a_pipe_or_into_proc_stays(tmp_path: Path) -> None:
    """As root /dev/stdout could be replaced by an export."""
    os.mkfifo(tmp_path / "pipe")
    link = tmp_path / "stdout"
    for target in ("pipe", "/dev/null", "/proc/self/fd/1", "/proc/self/cmdline"):
        link.symlink_to(target)
        with pytest.raises(UnfitTargetError, match='"-" to write to standard output'), WholeFile(link):
            pass
        assert os.readlink(link) == target
        link.unlink()


def test_two_writers_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY)
    with WholeFile(tmp_path / "f") as file:
        file.write(b"first")
        with pytest.raises(TargetInUseError), WholeFile(tmp_path / "f"):
            pass
    assert (tmp_path / "f").read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["f"]


def test_what_a_dead_writer_left_is_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY)
    (tmp_path / "f.part").write_text("much longer than what comes now")
    with WholeFile(tmp_path / "f") as file:
        file.write(b"short")
    assert (tmp_path / "f").read_bytes() == b"short"
    assert os.listdir(tmp_path) == ["f"]


def test_a_killed_writer_leaves_nothing(tmp_path: Path) -> None:
    script = (
        "import sys, os, pathlib\n"
        "from holdfast.client.whole_file import WholeFile\n"
        "with WholeFile(pathlib.Path(sys.argv[1])) as file:\n"
        "    file.write(b'x' * 100000); file.flush(); print('written', flush=True); sys.stdin.read()\n"
    )
    (tmp_path / "f").write_text("good")
    words = [sys.executable, "-c", script, str(tmp_path / "f")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    assert os.listdir(tmp_path) == ["f"]
    assert (tmp_path / "f").read_text() == "good"
