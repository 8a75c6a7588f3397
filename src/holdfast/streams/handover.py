"""A stream from a thread to one that must not wait, through a queue of bounded size: who writes waits for who reads.

Small writes are gathered into blocks. Nothing of it is known to be whole until `finish` was called: an end that never
came and a short stream are told apart.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from holdfast.model.errors import CancelledOperationError, HoldfastError

BLOCK_BYTES: Final = 512 * 1024
"""One block: large enough that waking the other side costs nothing beside it."""
CAPACITY_BYTES: Final = 4 * 1024 * 1024
"""What may wait for the reader: some blocks, so that neither side stops for a hiccup of the other."""


class StalledReaderError(HoldfastError):
    """Report a reader that holds up the work and takes nothing."""

    status = 400

    def __init__(self, patience_s: float) -> None:
        super().__init__(f"The reader took nothing for {patience_s:g} seconds")


class Handover:
    """The queue; thread-safe, for one writer and one reader."""

    def __init__(
        self, *, block_bytes: int = BLOCK_BYTES, capacity_bytes: int = CAPACITY_BYTES, patience_s: float | None = None
    ) -> None:
        self._block_bytes, self._capacity_bytes, self._patience_s = block_bytes, capacity_bytes, patience_s
        self._gathered: list[bytes] = []
        self._gathered_bytes = 0
        self._blocks: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._is_finished = self._is_abandoned = False
        self._changed = threading.Condition()
        self._on_change: Callable[[], None] | None = None

    # --- for who writes -----------------------------------------------------------------------------------------------

    def write(self, data: memoryview | bytes, /) -> int:
        """Take all of it, waiting for room; raise `CancelledOperationError` once nobody reads any more."""
        if data:
            self._gathered.append(_kept(data))
        self._gathered_bytes += len(data)
        if self._gathered_bytes >= self._block_bytes:
            self._flush()
        return len(data)

    def finish(self) -> None:
        """Tell that this was all, and that it is whole; raise as `write` does if nobody reads any more. Idempotent."""
        self._flush()
        with self._changed:
            self._check_reader()
            self._is_finished = True
        self._tell()

    # --- for who reads ------------------------------------------------------------------------------------------------

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call back, in the writer's thread, whenever there is more to take or nothing more to come."""
        self._on_change = callback
        callback()

    def take(self) -> bytes | None:
        """Return the next block if there is one."""
        with self._changed:
            return self._take()

    @property
    def is_finished(self) -> bool:
        """Tell whether all was written, and all of it taken."""
        with self._changed:
            return self._is_finished and not self._blocks

    # --- for both -----------------------------------------------------------------------------------------------------

    @property
    def has_all(self) -> bool:
        """Tell whether all was written."""
        return self._is_finished

    @property
    def is_abandoned(self) -> bool:
        return self._is_abandoned

    def abandon(self) -> None:
        """Give an unfinished stream up: what waits in it is dropped, and neither side waits any longer. Idempotent."""
        with self._changed:
            if self._is_finished:
                return
            self._is_abandoned = True
            self._blocks.clear()
            self._waiting_bytes = 0
        self._tell()

    def _flush(self) -> None:
        if self._gathered_bytes:
            gathered, self._gathered, self._gathered_bytes = self._gathered, [], 0
            self._enqueue(gathered[0] if len(gathered) == 1 else b"".join(gathered))

    def _enqueue(self, block: bytes) -> None:
        with self._changed:
            while not self._has_room(len(block)):
                waiting_bytes = self._waiting_bytes
                if not self._changed.wait(self._patience_s) and waiting_bytes == self._waiting_bytes:
                    raise StalledReaderError(self._patience_s or 0)
            self._check_reader()
            self._blocks.append(block)
            self._waiting_bytes += len(block)
        self._tell()

    def _check_reader(self) -> None:
        if self._is_abandoned:
            raise CancelledOperationError("Nobody reads the stream any more")

    def _has_room(self, size_bytes: int) -> bool:
        return self._is_abandoned or not self._blocks or self._waiting_bytes + size_bytes <= self._capacity_bytes

    def _take(self) -> bytes | None:
        if not self._blocks:
            return None
        block = self._blocks.popleft()
        self._waiting_bytes -= len(block)
        self._changed.notify_all()
        return block

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()
        if self._on_change is not None:
            self._on_change()


def _kept(data: memoryview | bytes) -> bytes:
    """Return bytes that stay as they are: those that are looked at, or a copy where they may change."""
    if isinstance(data, memoryview):
        owner = data.obj
        return owner if isinstance(owner, bytes) and data.contiguous and len(owner) == data.nbytes else bytes(data)
    return bytes(data)
