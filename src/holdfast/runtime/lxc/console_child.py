"""Helper process of a console: joins the container's console with the terminal on its standard input."""

from __future__ import annotations

import fcntl
import sys
import termios
from collections.abc import Sequence

from holdfast.runtime.lxc.liblxc import Container, LiblxcError


def main(arguments: Sequence[str]) -> None:
    """Relay until the terminal is closed or the container ends. We lead a session: the terminal becomes its own."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    try:
        Container(arguments[0], arguments[1], arguments[2]).console()
    except LiblxcError:
        sys.exit(1)
