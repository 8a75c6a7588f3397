"""Make system calls of this very process fail, by strace, as a failing or full disk does."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.waiting import LONG_S

DISK_CALLS = (
    *("renameat2", "mkdir", "mkdirat", "link", "linkat", "symlinkat", "mknodat", "unlinkat", "unlink", "rmdir"),
    *("fsync", "fdatasync", "syncfs", "pwrite64", "ftruncate", "copy_file_range", "ioctl"),
    *("fchown", "fchownat", "fchmod", "utimensat", "fsetxattr", "lsetxattr", "setxattr"),
)
"""What changes of snapshots use of the kernel to change the disk. `ioctl`: clones, subvolumes, their protection."""


_CALL = re.compile(r"\d+ +(?:<\.\.\. )?(\w+)")


@dataclass
class Injection:
    """What was made to fail: lines of strace, complete when the injection has ended."""

    calls: list[str] = field(default_factory=list)


@dataclass
class Watched:
    """Names of the calls that were made; complete when the watching has ended."""

    names: set[str] = field(default_factory=set)


@contextmanager
def watching() -> Iterator[Watched]:
    """While the body runs, note which of `DISK_CALLS` this process and what it starts make."""
    watched = Watched()
    with _traced(f"--trace={','.join(DISK_CALLS)}") as lines:
        yield watched
    watched.names |= {found[1] for line in lines if (found := _CALL.match(line))}


@contextmanager
def failing(call: str, errno_name: str, number: int) -> Iterator[Injection]:
    """While the body runs, let a call fail once in each thread of this process and of what it starts: the N-th."""
    injection = Injection()
    with _traced(f"--trace={call}", f"--inject={call}:error={errno_name}:when={number}") as lines:
        yield injection
    injection.calls += [line for line in lines if "(INJECTED)" in line]


@contextmanager
def _traced(*options: str) -> Iterator[list[str]]:
    """Give the lines that strace writes; they are there when the body has ended."""
    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="hf-strace-") as directory:
        report = Path(directory) / "report"
        words = ["strace", "--follow-forks", "--quiet=attach,exit", f"--output={report}", f"--attach={os.getpid()}"]
        process = subprocess.Popen([*words, *options], stderr=subprocess.PIPE)
        try:
            _wait_until_traced(process)
            yield lines
        finally:
            process.terminate()
            process.wait(timeout=LONG_S)
            lines += report.read_text(errors="replace").splitlines() if report.exists() else []
            assert process.stderr is not None
            process.stderr.close()


def _wait_until_traced(process: subprocess.Popen[bytes]) -> None:
    """Wait until every thread is traced: one that isn't would not see its call fail."""
    while process.poll() is None:
        if all(_tracer(thread) == process.pid for thread in Path("/proc/self/task").iterdir()):
            return
        threading.Event().wait(0.002)  # no event tells it: the kernel only shows it in /proc
    assert process.stderr is not None
    raise AssertionError(f"strace has ended: {process.stderr.read().decode()}")


def _tracer(thread: Path) -> int:
    try:
        lines = (thread / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return -1
    return next(int(line.split()[1]) for line in lines if line.startswith("TracerPid:"))
