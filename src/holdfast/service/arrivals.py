"""Files on their way to a service that begins to read before they are whole."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from holdfast.streams.growing import ArrivingFile, Growth

_PATIENCE_S: Final = 60.0
"""How long a service waits while nothing comes."""


class Arrival:
    """What the writing side tells of a file; `file` is for the service, which removes it in the end."""

    def __init__(self, path: Path, *, is_whole: bool = False, size_bytes: int = 0, expected_bytes: int = 0) -> None:
        """`size_bytes` is written already; 0 as `expected_bytes` says that the end isn't known."""
        self._growth = Growth(_PATIENCE_S)
        self._growth.grow(size_bytes)
        self.file = ArrivingFile(path, growth=None if is_whole else self._growth, expected_bytes=expected_bytes)

    @property
    def is_wanted(self) -> bool:
        """False when the service has given the file up: nobody reads what still comes."""
        return not self.file.is_removed

    def grow(self, count: int) -> None:
        """Tell that so many bytes more are written."""
        self._growth.grow(count)

    def complete(self) -> None:
        """Tell that all of it is written."""
        self._growth.complete()

    def abandon(self) -> None:
        """Tell that the rest will not come."""
        self._growth.abandon()
