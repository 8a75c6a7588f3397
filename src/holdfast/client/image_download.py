"""Save an image that the server sends: one file, or metadata and root file system in one multipart answer.

The multipart reader keeps a window of one chunk: a boundary that spans two reads is still found.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path

from holdfast.client.errors import BrokenConnectionError
from holdfast.client.transfer import CHUNK_BYTES, Body, OnBytes, WholeFile

HEADER_LIMIT_BYTES = 16 * 1024


def save_image(answer: HTTPResponse, target: Path, on_bytes: OnBytes | None) -> list[Path]:
    """Write the image beside or below `target`, with the extensions that the server names; return the paths."""
    saved: list[Path] = []
    for part in image_parts(answer, on_bytes):
        path = _path_for(target, part.file_name, is_rootfs=part.is_rootfs)
        with WholeFile(path) as file:
            for chunk in part.chunks:
                file.write(chunk)
        saved.append(path)
    return saved


@dataclass(frozen=True)
class ImagePart:
    """One file of an image on its way; `chunks` must be read to the end before the next part."""

    file_name: str
    is_rootfs: bool
    chunks: Iterator[bytes]


def image_parts(answer: HTTPResponse, on_bytes: OnBytes | None) -> Iterator[ImagePart]:
    """Yield the files that an answer brings: one, or metadata and root file system.

    An answer that ends before its announced length, end mark or last boundary raises `ClientError`.
    """
    if not answer.headers.get_content_type().startswith("multipart/"):
        name = _named(answer.headers.get_filename())
        body = Body(answer, name, on_bytes)
        yield ImagePart(name, is_rootfs=False, chunks=iter(body.read, b""))
        return
    boundary = answer.headers.get_boundary()
    if not boundary:
        raise BrokenConnectionError("the transfer of an image", "a multipart answer without a boundary")
    parts = _Parts(Body(answer, "the image", on_bytes), boundary)
    for field, file_name in parts:
        yield ImagePart(file_name, is_rootfs=field != "metadata", chunks=parts.body())


def _named(file_name: str | None) -> str:
    """Return the bare name of what the server calls the file; its directories are not believed."""
    return os.path.basename(file_name or "") or "image"


def _path_for(target: Path, file_name: str, *, is_rootfs: bool) -> Path:
    if target.is_dir():
        return target / file_name
    extension = file_name.partition(".")[2]
    stem = target.name + (".root" if is_rootfs else "")
    return target.with_name(f"{stem}.{extension}" if extension else stem)


class _Parts:
    """Iterates over the parts of a multipart body; `body` must be read to its end before the next part."""

    def __init__(self, body: Body, boundary: str) -> None:
        self._body = body
        self._mark = b"\r\n--" + boundary.encode()
        self._window = b"\r\n"  # so that the first boundary looks like the others

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for _ in self.body():
            pass  # the preamble
        while not self._starts_with(b"--"):
            from email.parser import BytesParser

            headers = BytesParser().parsebytes(self._header_block())
            field = headers.get_param("name", "", "Content-Disposition")
            yield str(field), _named(headers.get_filename())

    def body(self) -> Iterator[bytes]:
        """Yield the bytes up to the next boundary."""
        while True:
            position = self._window.find(self._mark)
            if position >= 0:
                head, self._window = self._window[:position], self._window[position + len(self._mark) :]
                if head:
                    yield head
                return
            keep = len(self._mark) - 1
            if len(self._window) > keep:
                yield self._window[:-keep]
                self._window = self._window[-keep:]
            self._fill()

    def _header_block(self) -> bytes:
        while b"\r\n\r\n" not in self._window:
            if len(self._window) > HEADER_LIMIT_BYTES:
                raise BrokenConnectionError("the transfer of an image", "a part without an end of its headers")
            self._fill()
        block, _, self._window = self._window.partition(b"\r\n\r\n")
        return block.lstrip(b"\r\n") + b"\r\n\r\n"

    def _starts_with(self, text: bytes) -> bool:
        while len(self._window) < len(text):
            self._fill()
        return self._window.startswith(text)

    def _fill(self) -> None:
        chunk = self._body.read(CHUNK_BYTES)
        if not chunk:
            raise BrokenConnectionError("the transfer of an image", "it ended before its last boundary")
        self._window += chunk
