"""Fresh single-threaded Python processes that run one of our modules beside the server, and outlive it.

Used where a process must enter namespaces, fork or own a terminal: things that a threaded process can't do soundly.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from holdfast.host.processes import ORDINARY_UMASK

_PACKAGE_PARENT: Final = str(Path(__file__).resolve().parents[2])
_LAUNCH: Final = "import sys; sys.path.insert(0, sys.argv[1]); from {module} import main; main(sys.argv[2:])"


def start_helper(
    module: str,
    arguments: Sequence[str] = (),
    *,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
    pass_fds: Collection[int] = (),
    with_libraries: bool = False,
) -> subprocess.Popen[bytes]:
    """Start `main(arguments)` of a module that needs nothing but the standard library, unless `with_libraries`.

    It gets a session of its own, an empty environment, `/` as directory, and no descriptors but those named here.
    Isolated mode without `site`, where the libraries are, keeps its start at about 10 ms.
    """
    mode = ["-I"] if with_libraries else ["-I", "-S"]
    return subprocess.Popen(
        [sys.executable, *mode, "-c", _LAUNCH.format(module=module), _PACKAGE_PARENT, *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        pass_fds=tuple(pass_fds),
        cwd="/",
        env={"LC_ALL": "C"},
        start_new_session=True,
        umask=ORDINARY_UMASK,
    )
