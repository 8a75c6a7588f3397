"""Images that this server fetches from another one by itself: asked for, received in staging, checked as any upload is.

What the other server says of the image is bounded (`client/remote_images.py`). What it sends is no more than it has
said, leaves room on the disk, and is hashed before it counts.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPResponse
from pathlib import Path
from typing import Final

from holdfast.client.errors import ClientError
from holdfast.client.image_download import ImagePart, image_parts
from holdfast.client.remote_images import Description, Place, RemoteImages
from holdfast.db import images as images_table
from holdfast.db.database import Database
from holdfast.model.errors import (
    BadRequestError,
    ConflictError,
    ImageTransferError,
    NoSpaceError,
    NotAuthorizedError,
    UnsupportedError,
)
from holdfast.model.image import Image
from holdfast.model.kinds import InstanceType
from holdfast.model.operation import Operation
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.image_add import ImageAdder, ImageRequest, announce_aliases, insert_aliases
from holdfast.service.image_aliases import check_alias_name
from holdfast.service.image_store import MAIN, ROOTFS
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Operations
from holdfast.service.progress import RateMeter
from holdfast.service.project_features import home
from holdfast.service.reserve import RESERVE_BYTES, write_with_reserve
from holdfast.service.resources import url

PROGRESS_KEY: Final = "download_progress"
_FRAMING_BYTES: Final = 64 * 1024
"""What a multipart body may have beside the files."""
_WHOLE_LENGTH: Final = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteImage:
    """An image on another server: its fingerprint or, where it is public, an alias.

    The server must show the `certificate` (PEM); without one an authority must vouch for it. `secret` is what lets us
    have an image that isn't public.
    """

    url: str
    certificate: str = ""
    project: str = ""
    name: str
    secret: str = ""


class ImageFetcher:
    """Fetches images; thread-safe."""

    def __init__(self, *, database: Database, adder: ImageAdder, operations: Operations, events: EventBus) -> None:
        self._database, self._adder = database, adder
        self._operations, self._events = operations, events
        self._turns = _Turns()

    def fetch(self, caller: Caller, source: RemoteImage, request: ImageRequest) -> Operation:
        """Start to fetch. An image that is here already is given what is asked for it."""
        for name, _ in request.aliases:
            check_alias_name(name)
        return self._operations.start(
            caller, "Downloading image", lambda handle: self._work(caller, source, request, handle), may_cancel=True
        )

    def bring(self, caller: Caller, source: RemoteImage, request: ImageRequest, handle: OperationHandle) -> Image:
        """Return the image, which is fetched if the caller's project doesn't have it, within running work."""
        with self._database.read() as connection:
            project = home(connection, caller.project, "images")
        with _watched(source, handle) as remote:
            if _is_fingerprint(source.name):
                described, fingerprint = None, source.name
            else:
                described = remote.describe(source.name, source.secret)
                fingerprint = described.fingerprint
            with self._turns.take(f"{project}/{fingerprint}", handle):
                found = self._here(project, fingerprint)
                if found is not None:
                    return self._adopted(caller, found, request)
                if not caller.access.may_enter(project):
                    raise NotAuthorizedError
                described = described or remote.describe(fingerprint, source.secret)
                try:
                    return self._received(caller, remote, source, described, request, handle)
                except ConflictError:
                    found = self._here(project, fingerprint)
                    if found is None:
                        raise
                    return self._adopted(caller, found, request)  # somebody has uploaded it meanwhile

    def _work(self, caller: Caller, source: RemoteImage, request: ImageRequest, handle: OperationHandle) -> None:
        image = self.bring(caller, source, request, handle)
        handle.set_metadata(fingerprint=image.fingerprint, size=str(image.size_bytes))

    def _here(self, project: str, fingerprint: str) -> Image | None:
        with self._database.read() as connection:
            return images_table.get(connection, project, fingerprint)

    def _adopted(self, caller: Caller, image: Image, request: ImageRequest) -> Image:
        """Give an image that is here what is asked for it; what isn't asked for stays."""
        changed = replace(
            image,
            public=image.public or request.public,
            auto_update=image.auto_update or request.auto_update,
            properties={**image.properties, **request.properties},
            profiles=image.profiles if request.profiles is None else request.profiles,
            expires_at=request.expires_at or image.expires_at,
            cached=image.cached and request.cached,
        )
        if changed == image and not request.aliases:
            return image
        with self._database.write() as connection:
            images_table.update(connection, changed)
            aliases = insert_aliases(connection, changed, request)
        if changed != image:
            source = url("images", image.fingerprint, project=image.project)
            self._events.lifecycle(caller, image.project, "image-updated", source)
        announce_aliases(self._events, caller, changed, aliases)
        return changed

    def _received(
        self,
        caller: Caller,
        remote: RemoteImages,
        source: RemoteImage,
        described: Description,
        request: ImageRequest,
        handle: OperationHandle,
    ) -> Image:
        if described.type not in ("", InstanceType.CONTAINER):
            raise UnsupportedError("The image is one of a virtual machine, which this server can't make yet")
        if _is_fingerprint(source.name) and described.fingerprint != source.name:
            raise ImageTransferError(
                f"The other server has {described.fingerprint} where {source.name} was asked for: nothing was fetched"
            )
        wanted = replace(
            request,
            filename=request.filename or described.filename,
            fingerprint=described.fingerprint,
            known_properties=described.properties,
            expires_at=request.expires_at or described.expires_at,
        )
        with self._adder.staging(caller.project) as (intent, directory):
            _check_room(directory, described.size_bytes)
            with remote.download(described.fingerprint, source.secret) as answer:
                _receive(answer, directory, described.size_bytes, handle)
            handle.check()
            return self._adder.enter(caller, intent, wanted, handle)


@contextmanager
def _watched(source: RemoteImage, handle: OperationHandle) -> Iterator[RemoteImages]:
    """Give the other server's images. A cancel cuts the connection; what goes wrong there says where it did."""
    try:
        remote = RemoteImages(Place(url=source.url, certificate=source.certificate, project=source.project))
    except ClientError as error:
        raise BadRequestError(str(error)) from error
    handle.on_cancel(remote.abort)
    try:
        yield remote
    except ClientError as error:
        handle.check()
        raise ImageTransferError(f"Failed getting the image from {source.url}: {error}") from error


def _check_room(directory: Path, size_bytes: int) -> None:
    facts = os.statvfs(directory)
    if facts.f_bavail * facts.f_frsize < size_bytes + RESERVE_BYTES:
        raise NoSpaceError(f"No space left for the image of {size_bytes} bytes on the disk of the server's directory")


def _receive(answer: HTTPResponse, directory: Path, size_bytes: int, handle: OperationHandle) -> None:
    """Write the image's files into the staged directory: no more than was said."""
    meter, names = RateMeter(), [MAIN, ROOTFS]

    def show(done_bytes: int, _total_bytes: int | None) -> None:
        handle.check()
        if done_bytes > size_bytes + _FRAMING_BYTES:
            raise ImageTransferError(f"The other server sends more than the {size_bytes} bytes that it has announced")
        handle.progress(PROGRESS_KEY, meter.percent_text(done_bytes, size_bytes))

    for number, part in enumerate(image_parts(answer, show)):
        if number == len(names) or part.is_rootfs != bool(number):
            raise ImageTransferError("The other server sends other files than those of an image")
        _write(directory / names[number], part)


def _write(path: Path, part: ImagePart) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        for chunk in part.chunks:
            write_with_reserve(descriptor, chunk)
    finally:
        os.close(descriptor)


def _is_fingerprint(name: str) -> bool:
    """Tell whether a name is a whole fingerprint, which needs nobody to be looked up."""
    return len(name) == _WHOLE_LENGTH and all(character in "0123456789abcdef" for character in name)


class _Turns:
    """One after the other where several want the same image, so that the second finds it here."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._taken: set[str] = set()

    @contextmanager
    def take(self, name: str, handle: OperationHandle) -> Iterator[None]:
        """Wait for the turn; a cancel ends the wait."""
        handle.on_cancel(self._wake)
        with self._condition:
            while name in self._taken:
                handle.check()
                self._condition.wait()
            self._taken.add(name)
        try:
            yield
        finally:
            with self._condition:
                self._taken.discard(name)
                self._condition.notify_all()

    def _wake(self) -> None:
        with self._condition:
            self._condition.notify_all()
