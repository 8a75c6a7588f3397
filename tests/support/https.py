"""Speak to a server over HTTPS as a client with a certificate, or without one, to see what is on the wire."""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
from base64 import b64encode

from support.http import Answer
from support.tls_server import Files


def fingerprint(files: Files) -> str:
    return hashlib.sha256(der(files)).hexdigest()


def der(files: Files) -> bytes:
    return ssl.PEM_cert_to_DER_cert(files.pem)


def base64_of(files: Files) -> str:
    """Return a certificate as clients send one."""
    return b64encode(der(files)).decode()


def connect_https(port: int, files: Files | None, source: str = "127.0.0.1") -> http.client.HTTPSConnection:
    """Return a connection from an address of 127.0.0.0/8, made with the first request and again where it was closed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if files is not None:
        context.load_cert_chain(files.certificate, files.key)
    return http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=120, source_address=(source, 0))


def ask_https(
    port: int,
    files: Files | None,
    method: str,
    path: str,
    body: object = None,
    *,
    headers: dict[str, str] | None = None,
    source: str = "127.0.0.1",
    raw: bytes | None = None,
) -> Answer:
    """Send one request on a connection of its own, and read the whole answer."""
    connection = connect_https(port, files, source)
    try:
        return ask_on(connection, method, path, body, headers=headers, raw=raw)
    finally:
        connection.close()


def ask_on(
    connection: http.client.HTTPSConnection,
    method: str,
    path: str,
    body: object = None,
    *,
    headers: dict[str, str] | None = None,
    raw: bytes | None = None,
) -> Answer:
    """Send one request and read the whole answer. The body is JSON of `body`, or `raw` as it is."""
    data = raw if body is None else json.dumps(body).encode()
    connection.request(method, path, body=data, headers={"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    content = response.read()
    found = {name.lower(): value for name, value in response.getheaders()}
    decoded = json.loads(content) if content and found.get("content-type", "").startswith("application/json") else None
    return Answer(response.status, found, decoded, content)
