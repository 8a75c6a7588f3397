"""Background work on the server: wait for it with progress, list it, cancel it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from holdfast.client.connection import Connection, path_of
from holdfast.client.errors import ApiError, OperationFailedError
from holdfast.client.shapes import Operation, OperationListed

OnProgress = Callable[[str], None]
"""Is called with a line such as "Unpack: 40% (60MB/s)" whenever the server tells a new one."""
FINAL = 200
SUCCESS = 200
FAILED = 400
CANCELLED = 401
POLL_S = 1
"""How long one question to /wait lasts while somebody watches the progress."""


class RunningOperation:
    """Work that the server has begun for us. Call `wait` once; nothing is lost when it is never called."""

    def __init__(self, connection: Connection, first: Operation) -> None:
        self._connection = connection
        self.document = first

    @property
    def id(self) -> str:
        """The operation's id, as `holdfast operation show` takes it."""
        return self.document["id"]

    def wait(self, on_progress: OnProgress | None = None) -> Operation:
        """Block until the work has ended, and return its last document.

        Raises OperationFailedError with the server's text when it did not succeed.
        """
        told = ""
        while self.document["status_code"] < FINAL:
            self.document = self._ask(str(POLL_S) if on_progress else "-1")
            line = progress_line(self.document)
            if on_progress and line and line != told:
                on_progress(line)
                told = line
        code = self.document["status_code"]
        if code != SUCCESS:
            cancelled = "The operation was cancelled"
            raise OperationFailedError(code, self.document["err"] or cancelled)
        return self.document

    def cancel(self) -> None:
        """Ask the server to stop the work; one that cannot be stopped is refused with ApiError 400."""
        self._connection.request("DELETE", path_of("operations", self.id))

    def _ask(self, timeout_s: str) -> Operation:
        try:
            return self._connection.get(Operation, path_of("operations", self.id, "wait"), {"timeout": timeout_s})
        except ApiError as error:
            if error.status != 404:
                raise
            text = f"The server no longer knows operation {self.id}: it was restarted, or the work ended long ago"
            raise OperationFailedError(400, text) from error

    def results(self) -> dict[str, object]:
        """Return what the work has told so far, such as `fingerprint` or `return`."""
        return self.document["metadata"] or {}

    def names(self, kind: str) -> list[str]:
        """Return the names of the things of a kind ("instances", "backups") that the work is about."""
        urls = (self.document["resources"] or {}).get(kind) or []
        return [url.partition("?")[0].rpartition("/")[2] for url in urls]


def progress_line(operation: Operation) -> str:
    """Return what to show of an operation's progress: its `*_progress` values, or an empty line."""
    metadata = operation["metadata"] or {}
    return "  ".join(str(value) for key, value in sorted(metadata.items()) if key.endswith("_progress") and value)


def begin(connection: Connection, method: str, path: str, body: object = None, etag: str = "") -> RunningOperation:
    """Send a request that the server carries out in the background."""
    answer = connection.request(method, path, body=body, etag=etag)
    return RunningOperation(connection, cast(Operation, answer.metadata))


def change(connection: Connection, method: str, path: str, body: object = None, etag: str = "") -> None:
    """Send a change and wait for its end, whether the server carries it out at once or in the background."""
    answer = connection.request(method, path, body=body, etag=etag)
    if answer.operation_url:
        RunningOperation(connection, cast(Operation, answer.metadata)).wait()


class Operations:
    """The background work that the server knows of."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, all_projects: bool = False) -> Iterator[OperationListed]:
        """Yield running and just ended operations."""
        query = {"recursion": "1"} | ({"all-projects": "true"} if all_projects else {})
        by_status = self._connection.get(dict[str, list[OperationListed] | None], path_of("operations"), query)
        for found in by_status.values():
            yield from found or []

    def get(self, operation_id: str) -> Operation:
        """Return one operation; ended ones are known for some seconds only."""
        return self._connection.get(Operation, path_of("operations", operation_id))

    def cancel(self, operation_id: str) -> None:
        """Cancel one operation."""
        self._connection.request("DELETE", path_of("operations", operation_id))
