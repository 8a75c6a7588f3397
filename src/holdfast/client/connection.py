"""The one door to the server: HTTP/1.1 over its unix socket or TLS, one fresh connection for each request.

Fresh connections make a `Connection` safe to share between threads. They cost some 50 µs on a unix socket, some 5 ms
with TLS.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import TypeVar, cast
from urllib.parse import quote, urlencode

from holdfast import __version__
from holdfast.client.endpoints import Endpoint
from holdfast.client.errors import ApiError, BrokenConnectionError

Shape = TypeVar("Shape")
Query = Mapping[str, str]
Content = bytes | Iterable[bytes]
_HANGUPS = (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError)


@dataclass(frozen=True)
class Answer:
    """A JSON answer: its metadata, and for background work the URL of the operation."""

    metadata: object
    operation_url: str
    etag: str


class _HttpConnection(HTTPConnection):
    def __init__(self, endpoint: Endpoint, timeout_s: float | None) -> None:
        super().__init__("unix.socket", timeout=timeout_s)  # the name is never looked up
        self._endpoint = endpoint

    def connect(self) -> None:
        self.sock = self._endpoint.open(self.timeout)


def path_of(*segments: str) -> str:
    """Return the API path of names, each escaped as one segment: `path_of("instances", "c1")`."""
    return "/1.0" + "".join("/" + quote(segment, safe="") for segment in segments)


@dataclass(frozen=True)
class Connection:
    """Where the server is, and in which project requests are made."""

    endpoint: Endpoint
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
        return f"{path}{'&' if '?' in path else '?'}{urlencode(whole, errors='surrogateescape')}"

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
        http = _HttpConnection(self.endpoint, timeout_s)
        sent = {
            "Host": self.endpoint.host,
            "User-Agent": f"holdfast/{__version__}",
            "Connection": "close",
            **(headers or {}),
        }
        try:
            with suppress(*_HANGUPS):  # refused half-way: the answer says why
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
