"""Files sent in pieces: where the connection breaks, the server tells how far it is, and the rest follows.

The piece that is under way is held in memory, so that pipes and decrypted files go on, too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from holdfast.client.connection import Connection, decode_answer, path_of
from holdfast.client.errors import ApiError, BrokenConnectionError, ClientError, UnreachableServerError
from holdfast.client.resumed_download import FIRST_WAIT_S, MOST_VAIN_ATTEMPTS
from holdfast.client.shapes import Upload

EXTENSION: Final = "holdfast_uploads"
PIECE_BYTES: Final = 8 * 1024 * 1024
"""Large enough that a request for each costs nothing, small enough to be held."""
_BROKEN: Final = (BrokenConnectionError, UnreachableServerError)


class SentFile:
    """A file that is on the server, whole, until an import takes it; leaving the block with an error removes it."""

    def __init__(self, connection: Connection, chunks: Iterator[bytes], size_bytes: int | None) -> None:
        self._connection, self._chunks, self._size_bytes = connection, chunks, size_bytes
        self._id = ""

    def __enter__(self) -> str:
        """Send it; return the id of the upload."""
        body = {} if self._size_bytes is None else {"size": self._size_bytes}
        answer = self._connection.request("POST", path_of("uploads"), body=body)
        assert isinstance(answer.metadata, dict)
        self._id = str(answer.metadata["id"])
        try:
            done = 0
            for piece in _pieces(self._chunks):
                self._deliver(piece, done)
                done += len(piece)
        except BaseException:
            self._remove()
            raise
        return self._id

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._remove()

    def _deliver(self, piece: bytes, begin: int) -> None:
        """Send one piece, in as many attempts as it takes; raise when it is vain too often in a row."""
        offset, vain = begin, 0
        while offset < begin + len(piece):
            try:
                if vain:
                    offset, before = self._offset(begin, len(piece)), offset
                    vain = vain if offset == before else 1
                offset = self._append(piece[offset - begin :], offset)
                vain = 0
            except (*_BROKEN, ApiError) as error:
                if isinstance(error, ApiError) and error.status != HTTPStatus.CONFLICT:
                    raise  # a conflict: what was sent before the break was still on its way
                vain += 1
                if vain >= MOST_VAIN_ATTEMPTS:
                    raise
                if vain > 1:
                    time.sleep(FIRST_WAIT_S * 2 ** (vain - 2))

    def _append(self, data: bytes, offset: int) -> int:
        headers = {"Content-Type": "application/octet-stream", "X-Holdfast-offset": str(offset)}
        path = path_of("uploads", self._id)
        answer = decode_answer(self._connection.open("PATCH", path, content=data, headers=headers), f"PATCH {path}")
        assert isinstance(answer.metadata, dict)
        return int(answer.metadata["offset"])

    def _offset(self, begin: int, size: int) -> int:
        offset = self._connection.get(Upload, path_of("uploads", self._id))["offset"]
        if not begin <= offset <= begin + size:
            raise ClientError(f"The server has {offset} bytes of the file, where {begin} were there: send it again")
        return offset

    def _remove(self) -> None:
        with suppress(ClientError):  # the first error is the one to tell; the server removes what was abandoned
            self._connection.request("DELETE", path_of("uploads", self._id))


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    gathered: list[bytes] = []
    size = 0
    for chunk in chunks:
        gathered.append(chunk)
        size += len(chunk)
        if size >= PIECE_BYTES:
            yield b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)
