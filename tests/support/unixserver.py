"""A small HTTP server on a unix socket that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any


class Asked:
    """One request as it arrived."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        self.method, self.path, self.headers, self.body = method, path, headers, body

    def json(self) -> Any:
        return json.loads(self.body)


Reply = bytes
Respond = Callable[[Asked], Reply]


def sync(metadata: object, status: str = "200 OK", *headers: str) -> bytes:
    """Return the bytes of a synchronous answer."""
    return answer({"type": "sync", "operation": "", "metadata": metadata, "error": ""}, status, *headers)


def background(operation: dict[str, object]) -> bytes:
    """Return the bytes of an answer that names an operation."""
    url = f"/1.0/operations/{operation['id']}"
    return answer({"type": "async", "operation": url, "metadata": operation, "error": ""}, "202 Accepted")


def refusal(status: str, text: str) -> bytes:
    """Return the bytes of an error."""
    return answer({"type": "error", "error": text, "error_code": int(status[:3]), "metadata": None}, status)


def answer(envelope: dict[str, object], status: str, *headers: str) -> bytes:
    body = json.dumps(envelope).encode()
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def operation(status_code: int = 103, **more: object) -> dict[str, object]:
    """Return an operation document."""
    return {
        "id": "11111111-2222-3333-4444-555555555555",
        "class": "task",
        "description": "Testing",
        "created_at": "2026-01-01T00:00:00Z",
        "status": {103: "Running", 200: "Success", 400: "Failure", 401: "Cancelled"}[status_code],
        "status_code": status_code,
        "resources": None,
        "metadata": None,
        "may_cancel": False,
        "err": "",
        **more,
    }


class UnixServer:
    """Serves `respond` on `socket_path` until the block ends; `asked` holds the requests in order."""

    def __init__(self, socket_path: Path, respond: Respond) -> None:
        self.asked: list[Asked] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self._body()
                request = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                asked.append(request)
                self.wfile.write(respond(request))
                self.close_connection = True

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                return body

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def address_string(self) -> str:
                return "unix"

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            request_queue_size = 128  # as real servers have: to a unix socket whose queue is full nobody can connect

        self._server = Server(str(socket_path), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> UnixServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
