"""A download that goes on where it broke off, as long as the server's file is still the same one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPResponse
from typing import Final, TypeVar

from holdfast.client.connection import Connection
from holdfast.client.errors import BrokenConnectionError, ClientError, ShortTransferError, UnreachableServerError
from holdfast.client.transfer import Body, OnBytes, Pace

MOST_VAIN_ATTEMPTS: Final = 6
"""So often in a row it is tried again without a byte having come."""
FIRST_WAIT_S: Final = 0.25
"""Before the second of them; each later one waits twice as long, 4 s at last: enough for a restart of the server."""
_BROKEN: Final = (BrokenConnectionError, ShortTransferError, UnreachableServerError)
_T = TypeVar("_T")
_CONTENT_RANGE: Final = re.compile(r"bytes ([0-9]+)-[0-9]+/[0-9]+")


class ReplacedFileError(ClientError):
    """The file on the server is another one than when the download began."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The download of {name} broke off, and the server's file is another one now: begin again")


class ResumedDownload:
    """A file of the server, read once from its beginning to its end; close it at the end."""

    def __init__(
        self, connection: Connection, path: str, name: str, on_bytes: OnBytes | None = None, pace: Pace | None = None
    ) -> None:
        self._connection, self._path, self._name = connection, path, name
        self._on_bytes, self._pace = on_bytes, pace or Pace()
        self._answer: HTTPResponse | None = None
        self._body: Body | None = None
        self._entity_tag = ""
        self.done = 0

    def read(self, size: int = -1, /) -> bytes:
        """Return some bytes, at most so many; b"" at the proven end. Raise what could not be got over."""
        return self._counted(lambda body: body.read(size), len)

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill the buffer from its start, maybe not all of it; return 0 at the proven end."""
        return self._counted(lambda body: body.readinto(buffer), int)

    def _counted(self, take: Callable[[Body], _T], size_of: Callable[[_T], int]) -> _T:
        """Take the next bytes, from a new connection where the old one breaks."""
        vain = 0
        while True:
            try:
                taken = take(self._opened())
            except _BROKEN:
                self.close()
                vain += 1
                if not self._entity_tag or vain >= MOST_VAIN_ATTEMPTS:
                    raise
                if vain > 1:
                    time.sleep(FIRST_WAIT_S * 2 ** (vain - 2))
            else:
                self.done += size_of(taken)
                return taken

    def close(self) -> None:
        """End the connection. What comes next in `read` makes a new one."""
        answer, self._answer, self._body = self._answer, None, None
        if answer is not None:
            with suppress(OSError):
                answer.close()

    def _opened(self) -> Body:
        if self._body is None:
            headers = {"Range": f"bytes={self.done}-", "If-Range": self._entity_tag} if self.done else {}
            self._answer = self._connection.open("GET", self._path, headers=headers)
            self._check(self._answer)
            self._body = Body(self._answer, self._name, self._on_bytes, pace=self._pace, start=self.done)
        return self._body

    def _check(self, answer: HTTPResponse) -> None:
        """Raise unless what comes is the rest of what is there."""
        entity_tag = answer.headers.get("ETag") or ""
        if not self.done:
            self._entity_tag = entity_tag
            return
        match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range") or "")
        if answer.status != 206 or match is None or int(match[1]) != self.done or entity_tag != self._entity_tag:
            raise ReplacedFileError(self._name)
