"""Save an image that the server sends: one file, or metadata and root file system in one multipart answer.

The multipart reader keeps a window of one chunk: a boundary that spans two reads is still found.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from holdfast.client.errors import BrokenConnectionError
from holdfast.client.transfer import CHUNK_BYTES, OnBytes, WholeFile, copy_body

HEADER_LIMIT_BYTES = 16 * 1024


def save_image(answer: HTTPResponse, target: Path, on_bytes: OnBytes | None) -> list[Path]:
    """Write the image beside or below `target`, with the extensions that the server names; return the paths."""
    content_type = answer.headers.get_content_type()
    if not content_type.startswith("multipart/"):
        path = _path_for(target, _named(answer.headers.get_filename()), is_rootfs=False)
        with WholeFile(path) as file:
            copy_body(answer, file, path.name, on_bytes)
        return [path]
    boundary = answer.headers.get_boundary()
    if not boundary:
        raise BrokenConnectionError("the transfer of an image", "a multipart answer without a boundary")
    return _save_parts(_Parts(answer, boundary), target, on_bytes)


def _save_parts(parts: _Parts, target: Path, on_bytes: OnBytes | None) -> list[Path]:
    saved: list[Path] = []
    done = 0
    for field, file_name in parts:
        path = _path_for(target, file_name, is_rootfs=field != "metadata")
        with WholeFile(path) as file:
            for chunk in parts.body():
                file.write(chunk)
                done += len(chunk)
                if on_bytes:
                    on_bytes(done, None)
        saved.append(path)
    return saved


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

    def __init__(self, answer: HTTPResponse, boundary: str) -> None:
        self._answer = answer
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
        try:
            chunk = self._answer.read(CHUNK_BYTES)
        except HTTPException as error:
            raise BrokenConnectionError("the transfer of an image", "it ended before its end mark") from error
        if not chunk:
            raise BrokenConnectionError("the transfer of an image", "it ended before its last boundary")
        self._window += chunk
