"""The size of a terminal."""

from __future__ import annotations

import fcntl
import struct
import termios

_WINSIZE = struct.Struct("4H")
_LARGEST = 0xFFFF


def set_size(descriptor: int, columns: int, rows: int) -> None:
    """Set it if both are sensible; clients without a terminal send zeros."""
    if 0 < columns <= _LARGEST and 0 < rows <= _LARGEST:
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, _WINSIZE.pack(rows, columns, 0, 0))
