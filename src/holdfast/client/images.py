"""Images and their aliases: list, import, export, publish, build, delete."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import urlencode

from holdfast.client.connection import Connection, decode_answer, path_of
from holdfast.client.errors import ApiError
from holdfast.client.image_download import save_image
from holdfast.client.operations import RunningOperation, begin
from holdfast.client.shapes import Image, ImageAlias, Operation
from holdfast.client.transfer import OnBytes, read_chunks


@dataclass(frozen=True)
class ImageFile:
    """The files of an image to import: one unified archive, or metadata and root file system apart."""

    metadata: Path
    rootfs: Path | None = None


@dataclass(frozen=True)
class UploadKey:
    """What lets a server that isn't trusted send an image: its fingerprint, and the secret that was given for it."""

    fingerprint: str
    secret: str


class Images:
    """The images of one project."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[Image]:
        """Return every image."""
        return self._connection.get(list[Image], path_of("images"), {"recursion": "1"})

    def get(self, fingerprint: str) -> Image:
        """Return one image by its fingerprint or an unambiguous beginning of it."""
        return self._connection.get(Image, path_of("images", fingerprint))

    def find(self, name: str) -> Image:
        """Return one image by alias or fingerprint."""
        try:
            return self.get(self.alias(name)["target"])
        except ApiError as error:
            if error.status != 404:
                raise
        return self.get(name)

    def import_file(
        self,
        file: ImageFile,
        *,
        properties: Mapping[str, str],
        is_public: bool = False,
        aliases: Sequence[str] = (),
        on_bytes: OnBytes | None = None,
    ) -> RunningOperation:
        """Send an image's file or files; the ended operation's results hold the `fingerprint`.

        Not every server heeds the aliases.
        """
        headers = {"X-LXD-public": "true" if is_public else "false"}
        if properties:
            headers["X-LXD-properties"] = urlencode(properties)
        if aliases:
            headers["X-LXD-aliases"] = urlencode([("alias", name) for name in aliases])
        decoded = decode_answer(self.send(file, headers, on_bytes), "POST /1.0/images")
        return RunningOperation(self._connection, cast(Operation, decoded.metadata))

    def send(
        self,
        file: ImageFile,
        headers: Mapping[str, str],
        on_bytes: OnBytes | None = None,
        *,
        timeout_s: float | None = None,
    ) -> HTTPResponse:
        """Send an image's file or files with what the headers say of it; return the answer, unread."""
        sent = {"X-LXD-filename": file.metadata.name, **headers}
        with ExitStack() as stack:
            opened = stack.enter_context(file.metadata.open("rb"))
            if file.rootfs is None:
                size = os.fstat(opened.fileno()).st_size
                content = read_chunks(opened, on_bytes, size)
                sent |= {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
            else:
                second = stack.enter_context(file.rootfs.open("rb"))
                form = _Form({"metadata": opened, "rootfs": second})
                content = form.chunks(on_bytes)
                sent |= {"Content-Type": form.content_type, "Content-Length": str(form.size_bytes)}
            return self._connection.open("POST", path_of("images"), content=content, headers=sent, timeout_s=timeout_s)

    def create(self, request: Mapping[str, object]) -> RunningOperation:
        """Make an image on the server: from an instance or snapshot, or by a recipe.

        >>> client.images.create({"source": {"type": "build", "recipe": "debian/12"}}).wait()
        """
        return begin(self._connection, "POST", path_of("images"), dict(request))

    def export(self, fingerprint: str, target: Path, on_bytes: OnBytes | None = None) -> Sequence[Path]:
        """Fetch an image's file or files to `target` (a directory, or a name without extension)."""
        with self._connection.open("GET", path_of("images", fingerprint, "export")) as answer:
            return save_image(answer, target, on_bytes)

    def update(self, fingerprint: str, document: Mapping[str, object], etag: str = "") -> None:
        """Replace what can be set on an image: properties, public, expires_at, profiles."""
        self._connection.request("PUT", path_of("images", fingerprint), body=dict(document), etag=etag)

    def delete(self, fingerprint: str) -> RunningOperation:
        """Delete an image and its aliases."""
        return begin(self._connection, "DELETE", path_of("images", fingerprint))

    def aliases(self) -> Sequence[ImageAlias]:
        """Return every alias."""
        return self._connection.get(list[ImageAlias], path_of("images", "aliases"), {"recursion": "1"})

    def alias(self, name: str) -> ImageAlias:
        """Return one alias."""
        return self._connection.get(ImageAlias, path_of("images", "aliases", name))

    def create_alias(self, name: str, fingerprint: str, description: str = "") -> None:
        """Give an image a name."""
        body = {"name": name, "target": fingerprint, "description": description, "type": ""}
        self._connection.request("POST", path_of("images", "aliases"), body=body)

    def move_alias(self, name: str, fingerprint: str) -> None:
        """Give an image a name, and take it from the image that has it."""
        try:
            self.delete_alias(name)
        except ApiError as error:
            if error.status != 404:
                raise
        self.create_alias(name, fingerprint)

    def rename_alias(self, name: str, new_name: str) -> None:
        """Rename an alias."""
        self._connection.request("POST", path_of("images", "aliases", name), body={"name": new_name})

    def delete_alias(self, name: str) -> None:
        """Delete an alias; its image stays."""
        self._connection.request("DELETE", path_of("images", "aliases", name))


class _Form:
    """A multipart/form-data body of files, whose length is known before it is sent."""

    def __init__(self, files: Mapping[str, BinaryIO]) -> None:
        boundary = os.urandom(16).hex()
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._parts = [(self._header(boundary, field, file), file) for field, file in files.items()]
        self._end = f"\r\n--{boundary}--\r\n".encode()
        self.size_bytes = len(self._end) + sum(
            len(header) + os.fstat(file.fileno()).st_size for header, file in self._parts
        )

    @staticmethod
    def _header(boundary: str, field: str, file: BinaryIO) -> bytes:
        return (
            f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="{field}"; '
            f'filename="{os.path.basename(str(file.name))}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        ).encode()

    def chunks(self, on_bytes: OnBytes | None) -> Iterator[bytes]:
        done = 0
        for header, file in self._parts:
            yield header
            for chunk in read_chunks(file):
                yield chunk
                done += len(chunk)
                if on_bytes:
                    on_bytes(done, self.size_bytes)
        yield self._end
