"""A server that has one image, tells what a test wants of it, and sends what a test wants for it; it listens by TLS."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from support.tls_server import Files, tls_server
from support.unixserver import refusal, sync

Send = Callable[[ssl.SSLSocket], None]


@dataclass
class ImageSource:
    """What is told and sent. `asked` is what came, method and path; `ended` is set when the test is over."""

    description: dict[str, object]
    export: Send
    aliases: dict[str, str] = field(default_factory=dict)
    answer: Send | None = None
    """What is sent in place of every answer."""
    wanted: str = ""
    """By which fingerprint the image can be asked for, if not by its own."""
    asked: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def fingerprint(self) -> str:
        return str(self.description["fingerprint"])

    def exports(self) -> int:
        """Return how often the files were asked for."""
        return sum("/export" in line for line in self.asked)

    def serve(self, connection: ssl.SSLSocket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            data = connection.recv(65536)
            if not data:
                return
            request += data
        line = request.decode(errors="replace").partition(" HTTP/")[0]
        self.asked.append(line)
        path = line.partition(" ")[2].partition("?")[0]
        if self.answer is not None:
            self.answer(connection)
        elif "/images/aliases/" in path:
            target = self.aliases.get(path.rpartition("/")[2])
            connection.sendall(
                sync({"target": target}) if target else refusal("404 Not Found", "Image alias not found")
            )
        elif path.endswith("/export"):
            self.export(connection)
        elif path.endswith(self.wanted or self.fingerprint):
            connection.sendall(sync(self.description))
        else:
            connection.sendall(refusal("404 Not Found", "Image not found"))


def source_of(*files: bytes, **description: object) -> ImageSource:
    """Return an honest source of an image of one file or of two; the description may say other things."""
    whole = b"".join(files)
    told: dict[str, object] = {
        "fingerprint": hashlib.sha256(whole).hexdigest(),
        "size": len(whole),
        "filename": "tiny.tar.gz",
        "type": "container",
        "properties": {"os": "Tiny", "edited": "there"},
        "expires_at": "1970-01-01T00:00:00Z",
        **description,
    }
    send = sending(file_answer(files[0])) if len(files) == 1 else sending(parts_answer(*files))
    return ImageSource(told, send)


def sending(data: bytes) -> Send:
    return lambda connection: connection.sendall(data)


def file_answer(content: bytes, length: int | None = None) -> bytes:
    """Return an answer that is a file; `length` is what it announces."""
    announced = len(content) if length is None else length
    return (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {announced}\r\n"
        "Content-Disposition: inline;filename=x.tar.gz\r\n\r\n"
    ).encode() + content


def parts_answer(*files: bytes, names: tuple[str, ...] = ("metadata", "rootfs")) -> bytes:
    """Return an answer that is the files of a split image; more names than two make more parts."""
    parts = [
        f'\r\n--mark\r\nContent-Disposition: form-data; name="{name}"; filename="x"\r\n\r\n'.encode() + content
        for name, content in zip(names, files, strict=True)
    ]
    body = b"".join(parts) + b"\r\n--mark--\r\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: multipart/form-data; boundary=mark\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@contextmanager
def listening(source: ImageSource, files: Files) -> Iterator[str]:
    """Serve; yield the URL."""
    with tls_server(files, source.serve) as port:
        try:
            yield f"https://127.0.0.1:{port}"
        finally:
            source.ended.set()
