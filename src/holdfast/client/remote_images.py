"""Images of another server, for a server that fetches one from it or sends one to it.

Who asks is known by a secret alone. Nothing of what the other server answers is believed: it is bounded and checked
here, and what it calls an image is hashed by whoever stores it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException, HTTPResponse
from typing import Final, TypeVar

from holdfast.client.abortable import AbortableEndpoint
from holdfast.client.connection import Connection, path_of
from holdfast.client.endpoints import TlsEndpoint, split_address
from holdfast.client.errors import ApiError, BrokenConnectionError, ClientError, OperationFailedError
from holdfast.client.images import ImageFile, Images, UploadKey
from holdfast.client.transfer import OnBytes
from holdfast.wire.decoding import BadBodyError, decode
from holdfast.wire.image import AliasAnswer, DescribedImageAnswer
from holdfast.wire.operation import EndedOperation, EndedOperationAnswer, StartedOperationAnswer
from holdfast.wire.timestamps import from_wire

LARGEST_ANSWER_BYTES: Final = 1024 * 1024
"""An image's description has some hundred bytes; its properties are the only thing in it that could be long."""
SILENCE_S: Final = 300.0
"""A server that sends and takes nothing for so long counts as gone; it reads and writes plain files meanwhile."""
_FINGERPRINT: Final = re.compile("[0-9a-f]{64}")
_ASKED_FOR_S: Final = "10"
_SUCCESS, _FINAL = 200, 200
Shape = TypeVar("Shape")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where another server is: a URL, the certificate that it must show (PEM; "" has an authority vouch for it), and
    a project there."""

    url: str
    certificate: str = ""
    project: str = "default"


@dataclass(frozen=True, kw_only=True)
class Description:
    """What another server says of an image."""

    fingerprint: str
    filename: str
    size_bytes: int
    type: str
    properties: Mapping[str, str]
    expires_at: datetime | None


class RemoteImages:
    """One server's images. `abort`, from another thread, ends what is going on."""

    def __init__(self, place: Place) -> None:
        address, port = split_address(place.url)
        self._endpoint = AbortableEndpoint(TlsEndpoint(address, port, place.certificate))
        self._connection = Connection(self._endpoint, place.project or "default")

    def abort(self) -> None:
        self._endpoint.abort()

    def describe(self, name: str, secret: str) -> Description:
        """Return the image of that fingerprint or, without a secret, also of that alias.

        Raises `ApiError` 404 where the server doesn't show such an image, `ClientError` for what is no description.
        """
        found = self._get(path_of("images", name if secret else self._target_of(name)), DescribedImageAnswer, secret)
        image = found.metadata
        if not _FINGERPRINT.fullmatch(image.fingerprint) or image.size < 0:
            raise BrokenConnectionError("the look at an image", "the server describes none")
        return Description(
            fingerprint=image.fingerprint,
            filename=image.filename,
            size_bytes=image.size,
            type=image.type,
            properties=image.properties,
            expires_at=_end(image.expires_at),
        )

    def download(self, fingerprint: str, secret: str) -> HTTPResponse:
        """Return the answer whose body is the image's file or files, unread."""
        query = {"secret": secret} if secret else None
        return self._open("GET", path_of("images", fingerprint, "export"), query)

    def upload(self, file: ImageFile, key: UploadKey, on_bytes: OnBytes | None = None) -> None:
        """Send an image to a server that expects it, and wait until it is stored there."""
        headers = {"X-LXD-fingerprint": key.fingerprint, "X-LXD-secret": key.secret}
        answer = Images(self._connection).send(file, headers, on_bytes, timeout_s=SILENCE_S)
        started = _decoded(answer, "the transfer of an image", StartedOperationAnswer).metadata
        ended = self._wait(started.id, started.metadata.secret)
        if ended.status_code != _SUCCESS:
            raise OperationFailedError(ended.status_code, ended.err or "The operation was cancelled")

    def _target_of(self, name: str) -> str:
        try:
            return self._get(path_of("images", "aliases", name), AliasAnswer).metadata.target
        except ApiError as error:
            if error.status != 404:
                raise
        return name

    def _wait(self, operation_id: str, secret: str) -> EndedOperation:
        path = path_of("operations", operation_id, "wait")
        while True:
            found = self._get(path, EndedOperationAnswer, secret, timeout=_ASKED_FOR_S).metadata
            if found.status_code >= _FINAL:
                return found

    def _get(self, path: str, shape: type[Shape], secret: str = "", **query: str) -> Shape:
        wanted: Mapping[str, str] = {**query, **({"secret": secret} if secret else {})}
        return _decoded(self._open("GET", path, wanted), f"GET {path}", shape)

    def _open(self, method: str, path: str, query: Mapping[str, str] | None) -> HTTPResponse:
        answer = self._connection.open(method, path, query=query, timeout_s=SILENCE_S)
        if answer.status != _SUCCESS:
            answer.close()
            raise _NotFollowedError(path, answer.status)
        return answer


def _end(text: str) -> datetime | None:
    """Return when an image expires. LXD writes never as 1970, too; what is no time means never."""
    try:
        found = from_wire(text)
    except ValueError:
        return None
    return found if found is not None and found.timestamp() > 0 else None


def _decoded(answer: HTTPResponse, what: str, shape: type[Shape]) -> Shape:
    """Read an answer to its end, if that comes soon, and return what is in it."""
    try:
        with answer:
            body = answer.read(LARGEST_ANSWER_BYTES + 1)
    except (HTTPException, OSError) as error:
        raise BrokenConnectionError(what, str(error) or type(error).__name__) from error
    if len(body) > LARGEST_ANSWER_BYTES:
        raise BrokenConnectionError(what, f"an answer of more than {LARGEST_ANSWER_BYTES} bytes")
    try:
        return decode(body, shape)
    except BadBodyError as error:
        raise BrokenConnectionError(what, f"not an answer of the API ({error})") from error


class _NotFollowedError(ClientError):
    """The server sends us elsewhere; only the one whose certificate is pinned is asked."""

    def __init__(self, path: str, status: int) -> None:
        super().__init__(f"The server answers {path} with status {status}: redirects are not followed")
