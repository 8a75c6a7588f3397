"""Progress on standard error, in one line that is written over; nothing at all where no terminal watches."""

from __future__ import annotations

import shutil
import sys
import time

from holdfast.cli.units import format_bytes

UPDATE_S = 0.1
BAR_COLUMNS = 24


class ProgressLine:
    """A line that is replaced again and again, and is gone at the end."""

    def __init__(self, title: str, *, is_quiet: bool = False) -> None:
        self._title = title
        self.is_shown = not is_quiet and sys.stderr.isatty()
        self._is_dirty = False

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Take the line away, if one is there."""
        if self._is_dirty:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._is_dirty = False

    def show(self, text: str) -> None:
        """Replace the line, cut to the width of the terminal; control characters are not passed on."""
        if not self.is_shown:
            return
        width = shutil.get_terminal_size().columns - 1
        line = "".join(letter if letter.isprintable() else "?" for letter in f"{self._title}: {text}")
        sys.stderr.write(f"\r\x1b[K{line[:width]}")
        sys.stderr.flush()
        self._is_dirty = True


class ByteProgress:
    """A bar for bytes on the move: how many, of how many, how fast."""

    def __init__(self, title: str) -> None:
        self._line = ProgressLine(title)
        self._began = time.monotonic()
        self._shown = 0.0

    def clear(self) -> None:
        """Take the line away: the end of a transfer shows only where its size was known."""
        self._line.clear()

    def __call__(self, done: int, total: int | None) -> None:
        now = time.monotonic()
        is_end = total is not None and done >= total
        if now - self._shown < UPDATE_S and not is_end:
            return
        self._shown = now
        if is_end:
            self._line.clear()
        else:
            self._line.show(bar_text(done, total, now - self._began))


def bar_text(done: int, total: int | None, elapsed_s: float) -> str:
    """Return a line such as `[######      ] 50% 1.0MiB of 2.0MiB (3.0MiB/s)`."""
    speed = f"({format_bytes(int(done / elapsed_s) if elapsed_s > 0 else 0)}/s)"
    if not total:
        return f"{format_bytes(done)} {speed}"
    part = min(1.0, done / total)
    bar = "#" * int(part * BAR_COLUMNS)
    return f"[{bar:{BAR_COLUMNS}}] {part:4.0%} {format_bytes(done)} of {format_bytes(total)} {speed}"
