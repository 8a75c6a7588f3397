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
