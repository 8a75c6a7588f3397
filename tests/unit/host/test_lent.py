"""Files that another process lends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.host.lent import LentDescriptor, open_lent
from holdfast.model.errors import StorageError
from holdfast.streams.growing import LentFile

_HOLD = "import os, sys; os.open(sys.argv[1], int(sys.argv[2])); print('open', flush=True); sys.stdin.read()"


@contextmanager
def lender(path: Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    """Give a process that has the file open, as its first descriptor after the three."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path), str(flags)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == b"open\n"
        yield process.pid
        process.stdin.close()


def of(path: Path) -> LentDescriptor:
    facts = path.stat()
    return LentDescriptor(3, facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    return path


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_RDWR])
def test_what_a_process_reads_can_be_read(file: Path, flags: int) -> None:
    with lender(file, flags) as process:
        descriptor = open_lent(process, of(file))
    assert descriptor is not None
    lent = LentFile(descriptor)
    assert lent.expected_bytes == 7
    for _ in range(2):
        with lent.open() as opened:
            assert opened.read() == b"content"
    lent.remove()
    lent.remove()
    with pytest.raises(StorageError, match="given back"):
        lent.open()
    assert file.read_bytes() == b"content", "it is its owner's"


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_PATH])
def test_threat_a_process_lends_what_it_may_not_read(file: Path, flags: int) -> None:
    with lender(file, flags) as process:
        assert open_lent(process, of(file)) is None


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_RDWR])
def test_what_a_process_writes_can_be_written(file: Path, flags: int) -> None:
    with lender(file, flags) as process:
        descriptor = open_lent(process, of(file), is_written=True)
    assert descriptor is not None
    with os.fdopen(descriptor, "r+b", 0) as opened:
        assert opened.read(3) == b"con"
        opened.write(b"!")
    assert file.read_bytes() == b"con!ent"


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_PATH, os.O_WRONLY | os.O_APPEND])
def test_threat_a_process_lends_what_it_may_not_write(file: Path, flags: int) -> None:
    with lender(file, flags) as process:
        assert open_lent(process, of(file), is_written=True) is None


def test_threat_the_number_stands_for_something_else_meanwhile(tmp_path: Path) -> None:
    """A process shows one file, which it only names, and one that it may write, by turns under the same number."""
    secret, own = tmp_path / "secret", tmp_path / "own"
    for path in (secret, own):
        path.touch()
    swap = (
        "import os, sys; a = os.open(sys.argv[1], os.O_PATH); b = os.open(sys.argv[2], os.O_RDWR)\n"
        "os.dup2(a, 9); print('open', flush=True)\n"
        "while os.getppid() == int(sys.argv[3]): os.dup2(b, 9); os.dup2(a, 9)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", swap, str(secret), str(own), str(os.getpid())], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(20_000):
            found = open_lent(process.pid, replace(of(secret), number=9), is_written=True)
            if found is not None:
                os.close(found)
            assert found is None
        process.kill()


@pytest.mark.parametrize("wrong", [{"number": 99}, {"device": 1}, {"inode": 1}, {"size_bytes": 8}, {"mtime_ns": 1}])
def test_what_is_not_the_file_is_not_taken(file: Path, wrong: dict[str, int]) -> None:
    with lender(file) as process:
        assert open_lent(process, replace(of(file), **wrong)) is None


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in (Path("/dev/null"), tmp_path, fifo):
        with lender(path, os.O_RDWR if path == fifo else os.O_RDONLY) as process:
            assert open_lent(process, of(path)) is None


def test_a_process_that_has_gone_lends_nothing(file: Path) -> None:
    with lender(file) as process:
        pass
    assert open_lent(process, of(file)) is None
