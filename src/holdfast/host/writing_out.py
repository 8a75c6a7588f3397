"""Let the disk work on large files that are complete while the next ones come: a sync follows, with less to do."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from holdfast.host.kernel import start_writing_out

LARGE_BYTES: Final = 1024 * 1024
"""Smaller files are written out together: one by one they cost more than they gain."""
_WAITING: Final = 8
"""How many files may wait for their turn: then who writes waits for the disk, too."""


class WritingOut:
    """Tells the disk in a thread: the kernel takes as long to be told as to hand the pages on, 15 ms for 64 MB."""

    def __init__(self) -> None:
        self._teller = ThreadPoolExecutor(1, thread_name_prefix="writing out")
        self._places = threading.BoundedSemaphore(_WAITING)

    def __enter__(self) -> WritingOut:
        return self

    def __exit__(self, *_: object) -> None:
        self._teller.shutdown()

    def begin(self, descriptor: int, size: int) -> None:
        """Begin with a file if it is large; the caller may close it at once."""
        if size < LARGE_BYTES:
            return
        self._places.acquire()
        try:
            self._teller.submit(self._tell, os.dup(descriptor))
        except BaseException:
            self._places.release()
            raise

    def _tell(self, descriptor: int) -> None:
        try:
            start_writing_out(descriptor)
        finally:
            os.close(descriptor)
            self._places.release()
