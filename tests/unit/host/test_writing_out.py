"""Files are handed to the disk beside, and each descriptor of it is given back."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

import pytest

from holdfast.host.writing_out import WritingOut
from support.descriptors import open_below

CACHESTAT = 451
SIZE = 2**20


def test_many_files_that_are_closed_at_once(tmp_path: Path) -> None:
    with WritingOut() as writing_out:
        for number in range(40):
            with (tmp_path / str(number)).open("wb") as file:
                file.write(bytes(SIZE))
                file.flush()
                writing_out.begin(file.fileno(), SIZE)
    assert open_below(tmp_path) == []
    assert all((tmp_path / str(number)).read_bytes() == bytes(SIZE) for number in range(40))


def dirty_pages(descriptor: int) -> int:
    """Return how many pages of a file nobody has begun to write out."""
    whole, found = (ctypes.c_uint64 * 2)(0, 0), (ctypes.c_uint64 * 5)()
    done = ctypes.CDLL(None, use_errno=True).syscall(CACHESTAT, descriptor, whole, found, 0)
    if done != 0 and ctypes.get_errno() == errno.ENOSYS:
        pytest.skip("the kernel has no cachestat: it came with Linux 6.5")
    assert done == 0
    return found[1]


def test_large_files_are_begun_with(tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.write(os.urandom(16 * SIZE))
        file.flush()
        if not dirty_pages(file.fileno()):
            pytest.skip("the file system writes at once")
        with WritingOut() as writing_out:
            writing_out.begin(file.fileno(), 16 * SIZE)
        assert dirty_pages(file.fileno()) == 0
