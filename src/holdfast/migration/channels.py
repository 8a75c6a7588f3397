"""The two channels between source and target, whoever connected them: messages for control, streams for data.

| channel | frames                                                                                          |
|---------|-------------------------------------------------------------------------------------------------|
| control | one message in each binary frame                                                                |
| fs      | bytes in binary frames of any size; an empty text frame ends a stream, the next one may follow   |

A connection that closes in the middle of a stream is a failure, never its end.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Final, Protocol

from holdfast.migration.header import Outcome, decode_outcome, encode_outcome, is_outcome
from holdfast.model.errors import MigrationError
from holdfast.streams.copy import Source, fill

FRAME_BYTES: Final = 256 * 1024
"""What we send in one frame: large enough that the cost of each vanishes."""
FRAME_CAP_BYTES: Final = 16 * 1024 * 1024
"""The largest frame that is taken."""
STALLED_S: Final = 1800.0
"""How long a side may take nothing, or send nothing, in the middle of a transfer: then it counts as gone."""
_LOCAL_S: Final = 0.001
"""Round trips of wired local networks take less, those by radio and to anywhere else more."""
_DOCUMENT_CAP_BYTES: Final = 16 * 1024 * 1024
"""The definition of an instance with thousands of snapshots has some MiB."""


class Socket(Protocol):
    """A websocket that is connected: read by one thread, written by one thread, ended by any."""

    def send(self, message: bytes | str) -> None:
        """Send a frame, waiting while the other side is slow; raise `MigrationError` when it has gone."""

    def receive(self) -> bytes | str | None:
        """Return the next frame, None once the other side has closed; raise `MigrationError` for a cut connection."""

    def round_trip_s(self) -> float | None:
        """Return the shortest time that the line took to answer, None where that isn't known."""

    def close(self) -> None:
        """Say farewell, when all that was sent is out. Idempotent."""

    def abort(self) -> None:
        """Cut the connection at once; whoever waits in it is woken with an error. Idempotent."""


class Connector(Protocol):
    """Brings the channels of one migration about."""

    @property
    def secrets(self) -> Mapping[str, str]:
        """Return the key to each channel that the other side is to connect; empty where we connect to it."""

    def connect(self, name: str) -> Socket:
        """Return the socket of that channel once it is there; raise `MigrationError` if it doesn't come in time."""

    def abort(self) -> None:
        """Cut what is connected, and end the wait for what isn't. Idempotent; callable from any thread."""

    def close(self) -> None:
        """Say farewell on what is connected, and give everything back. Idempotent."""


class RemoteFailureError(MigrationError):
    """Report what the other server says that it failed with."""


class ControlChannel:
    """Headers at first, then watched for the end of the other side by a thread of its own."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._done = threading.Event()
        self._outcome: Outcome | None = None
        self._error: MigrationError | None = None

    def send_header(self, data: bytes) -> None:
        self._socket.send(data)

    def receive_header(self) -> bytes:
        """Return the other side's header; raise what it failed with instead."""
        message = self._receive()
        if is_outcome(message):
            raise RemoteFailureError(decode_outcome(message).message or "The other server gave up")
        return message

    def send_outcome(self, outcome: Outcome) -> None:
        self._socket.send(encode_outcome(outcome))

    def watch(self, other: Socket) -> None:
        """From now on read in a thread; a failure that is told, or a cut, ends the `other` channel, too."""
        threading.Thread(target=self._watch, args=(other,), daemon=True, name="migration control").start()

    def wait(self) -> Outcome:
        """Wait for the other side to say how it ended; raise `MigrationError` if it doesn't."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        assert self._outcome is not None
        return self._outcome

    def failure(self, patience_s: float) -> MigrationError | None:
        """Return what the other side failed with, if it said so or says so within that time."""
        if not self._done.wait(patience_s):
            return None
        if self._outcome is not None and not self._outcome.is_success:
            return RemoteFailureError(self._outcome.message or "The other server gave up")
        return None

    def _watch(self, other: Socket) -> None:
        try:
            self._outcome = decode_outcome(self._receive())
        except MigrationError as error:
            self._error = error
        self._done.set()
        if self._outcome is None or not self._outcome.is_success:
            other.abort()

    def _receive(self) -> bytes:
        message = self._socket.receive()
        if not isinstance(message, bytes):
            raise MigrationError("The other server closed the connection before the end")
        return message


class _WholePieces:
    def __init__(self, channel: DataChannel) -> None:
        self._channel, self._is_ended = channel, False

    def readinto(self, buffer: memoryview, /) -> int:
        return fill(self._next, buffer)

    def _next(self, buffer: memoryview) -> int:
        """Ask no more once the stream has ended: what comes then is the next one."""
        count = 0 if self._is_ended else self._channel.readinto(buffer)
        self._is_ended = not count
        return count


class DataChannel:
    """Streams, one after the other, in both directions at once: one thread reads and one writes."""

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self._rest = memoryview(b"")
        self.sent_bytes = self.received_bytes = 0

    @property
    def is_local(self) -> bool:
        """Tell whether the other side is on this machine or in the same house: the line is faster than compression."""
        round_trip_s = self.socket.round_trip_s()
        return round_trip_s is not None and round_trip_s < _LOCAL_S

    # --- out --------------------------------------------------------------------------------------------------------

    def write(self, data: memoryview | bytes, /) -> int:
        """Send some of a stream."""
        view = memoryview(data)
        for start in range(0, len(view), FRAME_BYTES):
            self.socket.send(bytes(view[start : start + FRAME_BYTES]))
        self.sent_bytes += len(view)
        return len(view)

    def end(self) -> None:
        """End the stream."""
        self.socket.send("")

    def send_document(self, document: bytes) -> None:
        self.write(document)
        self.end()

    # --- in ---------------------------------------------------------------------------------------------------------

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer with some of the stream; 0 at its end, after which the next one is read."""
        while not self._rest:
            message = self.socket.receive()
            if message is None:
                raise MigrationError("The connection closed in the middle of the data")
            if isinstance(message, str):
                return 0
            self._rest = memoryview(message)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        self.received_bytes += count
        return count

    def whole_pieces(self) -> Source:
        """Return the next stream as one that fills each buffer before it gives it: others send in small frames.

        Not for a stream whose sender waits for an answer.
        """
        return _WholePieces(self)

    def receive_document(self) -> bytes:
        """Return a whole stream that is a small document."""
        gathered, buffer = bytearray(), memoryview(bytearray(FRAME_BYTES))
        while count := self.readinto(buffer):
            gathered += buffer[:count]
            if len(gathered) > _DOCUMENT_CAP_BYTES:
                raise MigrationError(f"The other server sent a document larger than {_DOCUMENT_CAP_BYTES} bytes")
        return bytes(gathered)
