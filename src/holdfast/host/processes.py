"""The one door for starting processes.

Every process gets `LC_ALL=C`, no standard input unless given one, a process group of its own (so that killing it takes
its children along), and its standard error captured for the error text. No shell, ever.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from holdfast.model.errors import CancelledOperationError, CommandError

PIPE: Final = subprocess.PIPE
ORDINARY_UMASK: Final = 0o022
"""What every system starts its processes with. The server's own, for its files, must never get into a container."""
Argument = str | bytes | os.PathLike[str]
Stream = int | IO[bytes] | None
Listener = Callable[[bytes], None]
"""Gets all of standard error piece by piece, in a thread of its own; must not raise, as nobody would read on."""

_STDERR_TAIL_BYTES: Final = 64 * 1024
_LAST_WORDS_TRIES: Final = 60
_LAST_WORDS_TRY_S: Final = 1.0
_CANCEL_POLL_S: Final = 0.1
_CODE_NOT_FOUND: Final = 127
_PIPE_BYTES: Final = 1024 * 1024
"""What a pipe holds, so that both ends work on while the other one is busy; the kernel gives 64 KiB by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    """What a finished process left."""

    stdout: bytes
    stderr: str
    code: int = 0


class Process:
    """A running process. `stdin` and `stdout` are there when they were asked for as `PIPE`."""

    def __init__(self, argv: Sequence[Argument], popen: subprocess.Popen[bytes], listener: Listener | None) -> None:
        self._argv = argv
        self._popen = popen
        self._listener = listener
        self._tail = b""
        self._tail_lock = threading.Lock()
        self._drain = threading.Thread(target=self._read_stderr, daemon=True, name=f"stderr of {popen.pid}")
        self._drain.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def stdin(self) -> IO[bytes]:
        """The pipe that the process reads from; close it to say that all is written."""
        assert self._popen.stdin is not None, "started without stdin=PIPE"
        return self._popen.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """The pipe that the process writes to."""
        assert self._popen.stdout is not None, "started without stdout=PIPE"
        return self._popen.stdout

    @property
    def stderr(self) -> str:
        """The last 64 KiB of standard error; complete once `wait` has returned."""
        return self._tail.decode(errors="replace")

    def wait(self, *, allowed_codes: Collection[int] = (0,), timeout_s: float | None = None) -> int:
        """Wait for the end and return the exit code; raise `CommandError` for one that isn't allowed or too late."""
        try:
            code = self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise CommandError(_shown(self._argv), -signal.SIGKILL, f"killed after {timeout_s} s") from None
        self._await_last_words()
        if code not in allowed_codes:
            raise CommandError(_shown(self._argv), code, self.stderr)
        return code

    def kill(self) -> None:
        """End the process and its children at once, and reap it. Idempotent, callable from any thread."""
        _kill(self._popen)

    def finish_badly(self) -> None:
        """Wait for one that reads no more, and raise the `CommandError` that tells why, if it failed."""
        self.close()
        self.wait()

    def close(self) -> None:
        """Close our ends of its pipes."""
        for stream in (self._popen.stdin, self._popen.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _read_stderr(self) -> None:
        stderr = self._popen.stderr
        assert stderr is not None
        to_read = select.poll()
        to_read.register(stderr.fileno(), select.POLLIN)
        while True:
            to_read.poll()
            with self._tail_lock:
                chunk = os.read(stderr.fileno(), 16384)
                if not chunk:
                    stderr.close()
                    return
                self._tail = (self._tail + chunk)[-_STDERR_TAIL_BYTES:]
                if self._listener is not None:
                    self._listener(chunk)

    def _await_last_words(self) -> None:
        """Wait until all is read that the process wrote; not for what others write who have its standard error, too."""
        for _ in range(_LAST_WORDS_TRIES):
            self._drain.join(_LAST_WORDS_TRY_S)
            if not self._drain.is_alive() or not self._has_unread_words():
                return

    def _has_unread_words(self) -> bool:
        stderr = self._popen.stderr
        assert stderr is not None
        with self._tail_lock:
            if stderr.closed:
                return False
            to_read = select.poll()
            to_read.register(stderr.fileno(), select.POLLIN)
            return bool(to_read.poll(0))


def run(
    argv: Sequence[Argument],
    *,
    stdin: Stream = None,
    input: bytes | None = None,
    cwd: Path | None = None,
    pass_fds: Collection[int] = (),
    timeout_s: float | None = None,
    env: Mapping[str, str] | None = None,
    allowed_codes: Collection[int] = (0,),
    cancelled: Callable[[], bool] | None = None,
) -> Completed:
    """Run a process to its end; its output is held in memory.

    `env` is added to our environment. Raises `CommandError` for an exit code that is not allowed, a program that is not
    there (127) or a timeout; `CancelledOperationError` within 0.1 s of `cancelled` becoming true.
    """
    with contextlib.ExitStack() as stack:
        given = stdin if input is None else stack.enter_context(_memory_file(input))
        popen = _start(argv, stdin=given, stdout=subprocess.PIPE, cwd=cwd, pass_fds=pass_fds, env=env)
    try:
        stdout, stderr = _communicate(argv, popen, timeout_s, cancelled)
    except BaseException:
        _kill(popen)
        for stream in (popen.stdin, popen.stdout, popen.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        raise
    text = stderr.decode(errors="replace")
    if popen.returncode not in allowed_codes:
        raise CommandError(_shown(argv), popen.returncode, text)
    return Completed(stdout=stdout, stderr=text, code=popen.returncode)


@contextlib.contextmanager
def pipe(
    argv: Sequence[Argument],
    *,
    stdin: Stream = None,
    stdout: Stream = None,
    cwd: Path | None = None,
    pass_fds: Collection[int] = (),
    env: Mapping[str, str] | None = None,
    listener: Listener | None = None,
) -> Iterator[Process]:
    """Run a process beside the body; `stdin=PIPE` and `stdout=PIPE` give pipes, the default is `/dev/null`.

    A body that raises kills the process. A body that ends waits for it, and raises `CommandError` when it failed; call
    `wait` in the body to allow other exit codes. `listener` has heard all of standard error once `wait` has returned.
    """
    popen = _start(argv, stdin=stdin, stdout=stdout, cwd=cwd, pass_fds=pass_fds, env=env)
    _widen(popen)
    process = Process(argv, popen, listener)
    try:
        yield process
        if popen.returncode is None:
            process.close()
            process.wait()
    finally:
        process.kill()
        process.close()


def find_program(name: str) -> Path | None:
    """Return where a program is, also looking in the sbin directories that a service's PATH may lack."""
    found = shutil.which(name, path=_search_path())
    return Path(found) if found else None


def _search_path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"


def _start(
    argv: Sequence[Argument],
    *,
    stdin: Stream,
    stdout: Stream,
    cwd: Path | None,
    pass_fds: Collection[int],
    env: Mapping[str, str] | None,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.DEVNULL if stdout is None else stdout,
            stderr=subprocess.PIPE,
            cwd=cwd,
            pass_fds=tuple(pass_fds),
            env={**os.environ, "PATH": _search_path(), "LC_ALL": "C", **(env or {})},
            process_group=0,
            umask=ORDINARY_UMASK,
        )
    except FileNotFoundError as error:
        raise CommandError(_shown(argv), _CODE_NOT_FOUND, f"{error.filename}: not found") from error


def _widen(popen: subprocess.Popen[bytes]) -> None:
    for stream in (popen.stdin, popen.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # the system's limit for pipes is lower, or reached
                fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _communicate(
    argv: Sequence[Argument],
    popen: subprocess.Popen[bytes],
    timeout_s: float | None,
    cancelled: Callable[[], bool] | None,
) -> tuple[bytes, bytes]:
    """Read from the process until it ends; look after the time limit and the wish to cancel."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        left_s = None if deadline is None else max(0.0, deadline - time.monotonic())
        slice_s = left_s if cancelled is None else min(_CANCEL_POLL_S, left_s if left_s is not None else 1.0)
        try:
            return popen.communicate(timeout=slice_s)
        except subprocess.TimeoutExpired as late:
            if cancelled is not None and cancelled():
                raise CancelledOperationError("Operation cancelled") from None
            if left_s is not None and left_s <= (slice_s or 0.0):
                stderr = (late.stderr or b"").decode(errors="replace")
                text = f"killed after {timeout_s} s {stderr}"
                raise CommandError(_shown(argv), -signal.SIGKILL, text) from None


def _memory_file(data: bytes) -> IO[bytes]:
    """Hold a process's input in memory: `communicate` can't go on writing to a pipe after a look at the clock."""
    file = os.fdopen(os.memfd_create("input", os.MFD_CLOEXEC), "w+b")
    file.write(data)
    file.seek(0)
    return file


def _kill(popen: subprocess.Popen[bytes]) -> None:
    if popen.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()


def _shown(argv: Sequence[Argument]) -> list[str]:
    return [os.fsdecode(argument) for argument in argv]
