"""A small TLS server on 127.0.0.1 that does with each connection what a test says, and certificates for both sides."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holdfast.client.own_certificate import Made, make_client_certificate, make_server_certificate, write_certificate

Serve = Callable[[ssl.SSLSocket], None]


@dataclass(frozen=True)
class Files:
    """A certificate and its key on the disk."""

    certificate: Path
    key: Path

    @property
    def pem(self) -> str:
        return self.certificate.read_text()


def server_files(directory: Path, name: str = "server") -> Files:
    return _written(directory, name, make_server_certificate("host"))


def client_files(directory: Path, name: str = "client") -> Files:
    return _written(directory, name, make_client_certificate())


def _written(directory: Path, name: str, made: Made) -> Files:
    files = Files(directory / f"{name}.crt", directory / f"{name}.key")
    write_certificate(files.certificate, files.key, made)
    return files


@contextmanager
def tls_server(files: Files, serve: Serve) -> Iterator[int]:
    """Serve until the block ends; yield the port. A client that ends the handshake ends its connection only."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    listening = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def handle(accepted: socket.socket) -> None:
        try:
            with context.wrap_socket(accepted, server_side=True) as connection:
                serve(connection)
        except OSError:
            accepted.close()

    def accept() -> None:
        while True:
            try:
                accepted, _ = listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=handle, args=(accepted,))
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join()
        for thread in threads:
            thread.join(30)
