"""Nothing below a root leads out of it."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from holdfast.host.beneath import beneath, directory, join, open_beneath, open_file_beneath
from support.descriptors import open_below


def refused(root: Path, path: bytes) -> int | None:
    with directory(root) as descriptor:
        try:
            os.close(open_beneath(descriptor, path, os.O_RDONLY))
        except OSError as error:
            return error.errno
    return None


def test_opens_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").write_text("inside")
    assert refused(tmp_path, b"a/b/file") is None
    with directory(tmp_path) as root, beneath(root, b"a/b") as below:
        assert os.listdir(below) == ["file"]
    with directory(tmp_path) as root, beneath(root, b"") as same:
        assert os.listdir(same) == ["a"]


@pytest.mark.parametrize("path", [b"../escape", b"a/../../escape", b"/etc/passwd"])
def test_dots_and_absolute_paths_stay_inside(tmp_path: Path, path: bytes) -> None:
    (tmp_path / "root/a").mkdir(parents=True)
    (tmp_path / "escape").touch()
    assert refused(tmp_path / "root", path) == errno.EXDEV


def test_links_are_not_followed_anywhere_in_the_path(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/file").touch()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real/last").symlink_to("file")
    assert refused(tmp_path, b"link/file") == errno.ELOOP
    assert refused(tmp_path, b"real/last") == errno.ELOOP


def test_mounts_are_not_crossed() -> None:
    assert refused(Path("/"), b"proc/self") in (errno.EXDEV, errno.ELOOP)
    assert refused(Path("/"), b"proc/version") == errno.EXDEV


def test_long_paths_are_opened_in_steps_and_no_descriptor_leaks(tmp_path: Path) -> None:
    path = b"/".join([b"d" * 200] * 30)
    with directory(tmp_path) as root:
        here = os.dup(root)
        for _ in range(30):
            os.mkdir("d" * 200, dir_fd=here)
            deeper = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = deeper
        wanted = os.fstat(here).st_ino
        os.close(here)
        with beneath(root, path) as found:
            assert os.fstat(found).st_ino == wanted
        with pytest.raises(FileNotFoundError):
            open_beneath(root, path + b"/missing", os.O_RDONLY)
    assert open_below(tmp_path) == []


def test_join_keeps_names_of_any_bytes() -> None:
    assert join(b"", os.fsdecode(b"\xff")) == b"\xff"
    assert join(b"a", "b") == b"a/b"


def test_a_file_is_opened_as_such(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    with directory(tmp_path) as root:
        descriptor = open_file_beneath(root, b"file")
        assert os.read(descriptor, 100) == b"content"
        os.close(descriptor)


def test_threat_what_is_no_file_is_not_even_opened(tmp_path: Path) -> None:
    """Opening is all that some devices need: here it would let a writer go on who waits for a reader."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to("pipe")
    waiting = threading.Thread(target=lambda: os.close(os.open(pipe, os.O_WRONLY)), daemon=True)
    waiting.start()
    with directory(tmp_path) as root:
        for path in (b"pipe", b"link", b"."):
            with pytest.raises(OSError):
                open_file_beneath(root, path)
    waiting.join(0.3)
    assert waiting.is_alive()
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    waiting.join(60)
    os.close(reader)
    assert not waiting.is_alive()
