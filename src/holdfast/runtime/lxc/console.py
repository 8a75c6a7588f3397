"""The console of a running container: a terminal of ours, joined to it by a helper process (`console_child`)."""

from __future__ import annotations

import os
import pty
import subprocess
import termios
import time
from pathlib import Path
from typing import Final

from holdfast.host.helper import start_helper
from holdfast.model.errors import RuntimeFailure
from holdfast.runtime.lxc.naming import LXC_PATH

_OUTPUT_FLAGS, _LOCAL_FLAGS = 1, 3
_JOIN_TIMEOUT_S: Final = 10.0
_JOIN_POLL_S: Final = 0.002


def open_console(name: str, config: Path) -> int:
    """Return the descriptor of a terminal joined to the console; closing it ends the helper."""
    ours, theirs = pty.openpty()
    try:
        arguments = (LXC_PATH, name, str(config))
        helper = start_helper(
            "holdfast.runtime.lxc.console_child", arguments, stdin=theirs, stdout=theirs, stderr=theirs
        )
        _wait_joined(ours, helper, name)
        _pass_output_through(ours)
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    return ours


def _wait_joined(terminal: int, helper: subprocess.Popen[bytes], name: str) -> None:
    """Wait until liblxc has set the terminal up, which it does last: it throws away what was typed before."""
    deadline = time.monotonic() + _JOIN_TIMEOUT_S
    while termios.tcgetattr(terminal)[_LOCAL_FLAGS] & termios.ECHO:
        if helper.poll() is not None or time.monotonic() > deadline:
            raise RuntimeFailure(f'The console of container "{name}" can\'t be reached: is someone connected to it?')
        time.sleep(_JOIN_POLL_S)


def _pass_output_through(terminal: int) -> None:
    """Add no carriage returns: the console's own terminal did."""
    attributes = termios.tcgetattr(terminal)
    attributes[_OUTPUT_FLAGS] &= ~termios.OPOST
    termios.tcsetattr(terminal, termios.TCSANOW, attributes)
