"""The one door to the server: HTTP/1.1 over its unix socket, one fresh connection for each request.

Fresh connections make a `Connection` safe to share between threads, and cost some 50 µs on a unix socket.
"""

from __future__ import annotations

import grp
import json
import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import TypeVar, cast
from urllib.parse import quote, urlencode

from holdfast import __version__
from holdfast.client.errors import ApiError, BrokenConnectionError, SocketPermissionError, UnreachableServerError

Shape = TypeVar("Shape")
Query = Mapping[str, str]
Content = bytes | Iterable[bytes]
DEFAULT_DIRECTORY = "/var/lib/holdfast"


@dataclass(frozen=True)
class Answer:
    """A JSON answer: its metadata, and for background work the URL of the operation."""

    metadata: object
    operation_url: str
    etag: str


class _UnixConnection(HTTPConnection):
    def __init__(self, path: str, timeout_s: float | None) -> None:
        super().__init__("unix.socket", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = open_socket(self._path, self.timeout)


def socket_path_of(environment: Mapping[str, str]) -> str:
    """Return where the server's socket is: HOLDFAST_SOCKET, or unix.socket below HOLDFAST_DIR."""
    return environment.get("HOLDFAST_SOCKET") or os.path.join(
        environment.get("HOLDFAST_DIR") or DEFAULT_DIRECTORY, "unix.socket"
    )


def open_socket(path: str, timeout_s: float | None = None) -> socket.socket:
    """Connect to a unix socket; failures say what to do about them."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    opened.settimeout(timeout_s)
    try:
        opened.connect(path)
    except PermissionError as error:
        opened.close()
        raise SocketPermissionError(path, _group_of(path)) from error
    except OSError as error:
        opened.close()
        raise UnreachableServerError(path, error.strerror or str(error)) from error
    return opened


def _group_of(path: str) -> str:
    try:
        return grp.getgrgid(os.stat(path).st_gid).gr_name
    except (OSError, KeyError):
        return "that may enter its directory"


def path_of(*segments: str) -> str:
    """Return the API path of names, each escaped as one segment: `path_of("instances", "c1")`."""
    return "/1.0" + "".join("/" + quote(segment, safe="") for segment in segments)


@dataclass(frozen=True)
class Connection:
    """Where the server is, and in which project requests are made."""

    socket_path: str
    project: str = "default"

    def in_project(self, project: str) -> Connection:
        """Return the same connection, for another project."""
        return replace(self, project=project)

    def url(self, path: str, query: Query | None = None) -> str:
        """Return the request target of an API path: the project is added, unless the query names all projects."""
        whole = dict(query or {})
        if self.project != "default" and "all-projects" not in whole:
            whole.setdefault("project", self.project)
        if not whole:
            return path
        return f"{path}{'&' if '?' in path else '?'}{urlencode(whole)}"

    def open(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        content: Content | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> HTTPResponse:
        """Send a request and return the answer with its body unread; the caller closes it.

        An answer of status 400 and more is raised as ApiError.
        """
        http = _UnixConnection(self.socket_path, timeout_s)
        sent = {"User-Agent": f"holdfast/{__version__}", "Connection": "close", **(headers or {})}
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # refused half-way: the answer says why
                http.request(method, self.url(path, query), body=content, headers=sent)
            answer = http.getresponse()
        except (HTTPException, OSError) as error:
            http.close()
            raise BrokenConnectionError(f"{method} {path}", str(error) or type(error).__name__) from error
        except BaseException:
            http.close()  # the content could not be read to its end: the server must not wait for the rest
            raise
        if answer.status >= 400:
            raise _refusal(answer)
        return answer

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: object = None,
        etag: str = "",
        timeout_s: float | None = None,
    ) -> Answer:
        """Send a request with a JSON body (None: no body) and return the decoded answer."""
        headers = {"If-Match": etag} if etag else {}
        content = None
        if body is not None:
            content = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        answer = self.open(method, path, query=query, content=content, headers=headers, timeout_s=timeout_s)
        return decode_answer(answer, f"{method} {path}")

    def get(self, shape: type[Shape], path: str, query: Query | None = None) -> Shape:
        """Return the metadata of a GET. The shape is believed, not checked, and unknown keys are kept."""
        return cast(Shape, self.request("GET", path, query=query).metadata)


def decode_answer(answer: HTTPResponse, what: str) -> Answer:
    """Read a JSON answer to its end and take it out of its envelope."""
    try:
        with answer:
            envelope = json.loads(answer.read())
        return Answer(envelope["metadata"], envelope.get("operation") or "", answer.headers.get("ETag") or "")
    except (HTTPException, OSError, ValueError, KeyError, TypeError) as error:
        raise BrokenConnectionError(what, f"not an answer of the API ({error})") from error


def _refusal(answer: HTTPResponse) -> ApiError:
    with answer:
        body = answer.read(1 << 20)
    try:
        text = str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        text = f"{answer.status} {answer.reason}"
    return ApiError(answer.status, text)
