"""Threads of the server share the memory that one of them has given back."""

from __future__ import annotations

import subprocess
import sys

import pytest

COUNT = """
import ctypes, os, sys, threading
from holdfast.host.kernel import share_memory_among_threads

libc = ctypes.CDLL(None)
if not hasattr(libc, "malloc_info"):
    sys.exit(77)
if sys.argv[1] == "shared":
    share_memory_among_threads()
libc.malloc.restype = ctypes.c_void_p
all_there = threading.Barrier(12)

def take():
    all_there.wait()
    libc.malloc(100)
    all_there.wait()

threads = [threading.Thread(target=take) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.fdopen.restype = ctypes.c_void_p
out = libc.fdopen(1, b"w")
libc.malloc_info(0, ctypes.c_void_p(out))
libc.fflush(ctypes.c_void_p(out))
"""


def places(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", COUNT, how], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("the C library is not glibc")
    assert done.returncode == 0, done.stderr
    return done.stdout.count("<heap nr=")


def test_two_places_for_all_threads() -> None:
    assert places("own") > 2
    assert places("shared") <= 2
