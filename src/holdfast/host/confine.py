"""Run a program that handles bytes from outside so that it can reach one directory and nothing else.

The work is done by `confine_child.py` in a fresh single-threaded process; a daemon with threads can't enter namespaces.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from holdfast.host.processes import Listener, Process, Stream, find_program, pipe
from holdfast.model.errors import InternalError

_CHILD: Final = Path(__file__).with_name("confine_child.py")
INPUT: Final = "/input"
"""Where a confined program finds the file that was given to it."""
FORMER: Final = "/former"
"""Where it finds the directory that it may only look at."""
LOG: Final = "/log"
"""Where it finds the file that it may write beside the directory."""


@contextmanager
def confined(
    program: str,
    arguments: Sequence[str],
    directory: Path,
    *,
    given: Path | None = None,
    former: Path | None = None,
    log: Path | None = None,
    stdin: Stream = None,
    stdout: Stream = None,
    listener: Listener | None = None,
    is_read_only: bool = False,
    spare_pipes: bool = False,
) -> Iterator[Process]:
    """Run the program with `directory` as all that it can change; `given` is readable as `INPUT`.

    The directory `former` is shown read-only as `FORMER`; the file `log`, which is there, can be written as `LOG`.
    `is_read_only`: it can't change the directory either. `spare_pipes`: it finds `stdin` and `stdout` as descriptors 5
    and 6, for a process that it starts, while its own are empty.

    As `processes.pipe`: the body's end waits for the program and raises `CommandError` when it failed.
    """
    found = find_program(program)
    if found is None:
        raise InternalError(f'The program "{program}" is not installed on the server')
    options = [
        *(["--read-only"] if is_read_only else []),
        *(["--spare-pipes"] if spare_pipes else []),
        *([] if given is None else ["--input", str(given)]),
        *([] if former is None else ["--former", str(former)]),
        *([] if log is None else ["--log", str(log)]),
    ]
    argv = [sys.executable, "-I", "-S", str(_CHILD), *options, "--", str(found), *arguments]
    with pipe(argv, cwd=directory, stdin=stdin, stdout=stdout, listener=listener) as process:
        yield process
