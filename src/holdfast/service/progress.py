"""Progress of long work in words, in the form that LXD's clients show."""

from __future__ import annotations

import time


def size_text(size_bytes: float) -> str:
    """Return "12.34MB", with powers of a thousand."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f}B" if unit == "B" else f"{size_bytes:.2f}{unit}"
        size_bytes /= 1000
    return f"{size_bytes:.2f}TB"


def transfer_text(what: str, done_bytes: int, total_bytes: int) -> str:
    """Return "Unpack: 42%", or "Unpack: 1.20GB" where the total is not known (0)."""
    if not total_bytes:
        return f"{what}: {size_text(done_bytes)}"
    return f"{what}: {min(100, done_bytes * 100 // total_bytes)}%"


class RateMeter:
    """Tells the amount and the pace of work whose end isn't known: "12.34MB (5.60MB/s)"."""

    def __init__(self) -> None:
        self._start_s = time.monotonic()

    def text(self, done_bytes: int) -> str:
        elapsed_s = max(time.monotonic() - self._start_s, 0.001)
        return f"{size_text(done_bytes)} ({size_text(done_bytes / elapsed_s)}/s)"

    def percent_text(self, done_bytes: int, total_bytes: int) -> str:
        """Return "42% (5.60MB/s)", as LXD tells of downloads."""
        rate = self.text(done_bytes).partition(" ")[2]
        return f"{min(100, done_bytes * 100 // max(total_bytes, 1))}% {rate}"
