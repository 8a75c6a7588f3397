"""Files inside an instance, running or stopped, or a custom volume: read, write, list, delete."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from types import TracebackType
from typing import BinaryIO, Final, Literal

from holdfast.client.connection import Connection
from holdfast.client.errors import ApiError, MissingPathError, SpecialFileError
from holdfast.client.owners import Owner, path_below
from holdfast.client.transfer import OnBytes, copy_body, read_chunks

_NOT_REGULAR: Final = "is not a regular file"
"""How the server ends its refusal."""

FileKind = Literal["file", "directory", "symlink"]


@dataclass(frozen=True)
class FileAttributes:
    """What a path is and whose it is; the mode is that of chmod."""

    kind: str
    uid: int
    gid: int
    mode: int


class OpenedFile:
    """A path that is being read. Use it as a context manager, and read one of entries, link target or content."""

    def __init__(self, answer: HTTPResponse, path: str) -> None:
        self._answer = answer
        self._path = path
        self.attributes = _attributes_of(answer)

    def __enter__(self) -> OpenedFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answer.close()

    def entries(self) -> list[str]:
        """Return the names in a directory."""
        names: list[str] = json.loads(self._answer.read())["metadata"] or []
        return names

    def link_target(self) -> str:
        """Return what a symbolic link points to."""
        return self._answer.read().decode("utf-8", "surrogateescape").rstrip("\n")

    def copy_to(self, target: BinaryIO, on_bytes: OnBytes | None = None) -> int:
        """Write the content of a file to `target`; a short transfer is an error."""
        return copy_body(self._answer, target, self._path, on_bytes)


class Files:
    """The files inside instances and custom volumes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, owner: Owner, path: str, *, snapshot: str = "") -> OpenedFile:
        """Open a path, as it is now or in a snapshot, for reading; symbolic links are not followed."""
        where = f"{owner}/{snapshot}" if snapshot else str(owner)
        try:
            with _naming(lambda: MissingPathError(where, path)):
                return OpenedFile(self._connection.open("GET", _files_of(owner, snapshot), query={"path": path}), path)
        except ApiError as error:
            if error.status == 400 and str(error).endswith(_NOT_REGULAR):
                raise SpecialFileError(where, path) from error
            raise

    def exists(self, owner: Owner, path: str) -> bool:
        """Tell whether there is anything at a path, as it is now."""
        try:
            self._connection.open("HEAD", _files_of(owner), query={"path": path}).close()
        except ApiError as error:
            if error.status != 404:
                raise
            return False
        return True

    def write(
        self,
        owner: Owner,
        path: str,
        content: BinaryIO,
        *,
        attributes: FileAttributes,
        size_bytes: int | None = None,
        on_bytes: OnBytes | None = None,
    ) -> None:
        """Write a file; an existing one is replaced. Negative ids and modes mean "as the server would choose"."""
        self._post(owner, path, attributes, read_chunks(content, on_bytes, size_bytes), size_bytes)

    def make_directory(self, owner: Owner, path: str, attributes: FileAttributes) -> None:
        """Make a directory; one that is there already stays."""
        self._post(owner, path, attributes, b"", 0)

    def make_link(self, owner: Owner, path: str, target: str, attributes: FileAttributes) -> None:
        """Make a symbolic link."""
        content = target.encode("utf-8", "surrogateescape")
        self._post(owner, path, attributes, content, len(content))

    def delete(self, owner: Owner, path: str) -> None:
        """Delete a file or an empty directory."""
        with _naming(lambda: MissingPathError(str(owner), path)):
            self._connection.request("DELETE", _files_of(owner), query={"path": path})

    def _post(
        self,
        owner: Owner,
        path: str,
        attributes: FileAttributes,
        content: bytes | Iterator[bytes],
        size_bytes: int | None,
    ) -> None:
        headers = {"Content-Type": "application/octet-stream", "X-LXD-type": attributes.kind}
        if attributes.kind == "file":
            headers["X-LXD-write"] = "overwrite"
        if attributes.uid >= 0:
            headers["X-LXD-uid"] = str(attributes.uid)
        if attributes.gid >= 0:
            headers["X-LXD-gid"] = str(attributes.gid)
        if attributes.mode >= 0:
            headers["X-LXD-mode"] = f"{attributes.mode:04o}"
        if size_bytes is not None:
            headers["Content-Length"] = str(size_bytes)
        query = {"path": path}
        with (
            _naming(lambda: MissingPathError(str(owner), path, is_for_new=True)),
            self._connection.open("POST", _files_of(owner), query=query, content=content, headers=headers),
        ):
            pass  # the answer says nothing beyond its status


@contextmanager
def _naming(missing: Callable[[], MissingPathError]) -> Iterator[None]:
    """Say what is missing, which the servers don't."""
    try:
        yield
    except ApiError as error:
        if (error.status, str(error)) != (404, "Not Found"):
            raise
        raise missing() from error


def _files_of(owner: Owner, snapshot: str = "") -> str:
    parts = ("snapshots", snapshot) if snapshot else ()
    return path_below(owner, *parts, "files")


def _attributes_of(answer: HTTPResponse) -> FileAttributes:
    return FileAttributes(
        kind=answer.headers.get("X-LXD-type") or "file",
        uid=int(answer.headers.get("X-LXD-uid") or 0),
        gid=int(answer.headers.get("X-LXD-gid") or 0),
        mode=int(answer.headers.get("X-LXD-mode") or "0644", 8),
    )
