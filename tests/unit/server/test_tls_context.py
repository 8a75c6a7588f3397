"""Both ways of accepting any client, and the choice between them, with real connections."""

from __future__ import annotations

import asyncio
import socket
import ssl
from base64 import encodebytes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from holdfast.client.own_certificate import VALID, make_client_certificate, write_certificate
from holdfast.model.errors import InternalError
from holdfast.server.peer import peer_of
from holdfast.server.tls_context import first_that_works, patched_context
from holdfast.server.tls_fallback import fallback_context
from support.https import ask_https, der
from support.tls_server import Files, client_files, server_files

MAKERS = [patched_context, fallback_context]
BIG_BYTES = 24 * 1024 * 1024


@contextmanager
def serving(context: ssl.SSLContext) -> Iterator[int]:
    """Serve who the client is, and much to download, with this context."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()

    async def who(request: web.Request) -> web.Response:
        size = len(await request.read())
        shown = peer_of(request).certificate
        return web.json_response({"shown": None if shown is None else shown.hex(), "size": size})

    async def big(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * BIG_BYTES)

    async def start() -> tuple[web.AppRunner, int]:
        application = web.Application(client_max_size=2 * BIG_BYTES)
        application.router.add_route("*", "/", who)
        application.router.add_get("/big", big)
        runner = web.AppRunner(application, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        return runner, runner.addresses[0][1]

    runner, port = asyncio.run_coroutine_threadsafe(start(), loop).result(120)
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(120)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.parametrize("maker", MAKERS)
def test_each_client_is_recognised(maker: Callable[[Path, Path], ssl.SSLContext], tmp_path: Path) -> None:
    server = server_files(tmp_path)
    one, other = client_files(tmp_path, "one"), client_files(tmp_path, "other")
    expired = expired_files(tmp_path)
    with serving(maker(server.certificate, server.key)) as port:
        for files in (one, None, other, expired, one):
            shown = ask_https(port, files, "GET", "/").body["shown"]
            assert shown == (None if files is None else der(files).hex())
        assert len(ask_https(port, one, "GET", "/big").raw) == BIG_BYTES
        assert ask_https(port, None, "POST", "/", "y" * BIG_BYTES).body["size"] == BIG_BYTES + 2


def expired_files(directory: Path) -> Files:
    made = make_client_certificate(datetime.now(UTC) - VALID - timedelta(days=1))
    files = Files(directory / "expired.crt", directory / "expired.key")
    write_certificate(files.certificate, files.key, made)
    return files


@pytest.mark.parametrize("maker", MAKERS)
def test_resumed_sessions_keep_the_certificate(maker: Callable[[Path, Path], ssl.SSLContext], tmp_path: Path) -> None:
    server, files = server_files(tmp_path), client_files(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(files.certificate, files.key)
    with serving(maker(server.certificate, server.key)) as port:
        session, reused = None, []
        for _ in range(3):
            found, session, was_reused = _ask_resuming(context, port, session)
            reused.append(was_reused)
            assert der(files).hex() in found
    assert reused == [False, True, True]


def _ask_resuming(
    context: ssl.SSLContext, port: int, session: ssl.SSLSession | None
) -> tuple[str, ssl.SSLSession | None, bool]:
    raw = socket.create_connection(("127.0.0.1", port), timeout=120)
    with context.wrap_socket(raw, session=session) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        found = b""
        while data := connection.recv(65536):
            found += data
        return found.decode(), connection.session, bool(connection.session_reused)


@pytest.mark.parametrize("maker", MAKERS)
def test_threat_old_versions_of_tls(maker: Callable[[Path, Path], ssl.SSLContext], tmp_path: Path) -> None:
    server = server_files(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with serving(maker(server.certificate, server.key)) as port, pytest.raises(ssl.SSLError):
        _ask_resuming(context, port, None)


@pytest.mark.parametrize("maker", MAKERS)
def test_threat_a_stranger_shows_a_certificate_whose_key_it_has_not(
    maker: Callable[[Path, Path], ssl.SSLContext], tmp_path: Path
) -> None:
    """No authority is asked, but the proof of the key stays. The thief's key file claims the public key it lacks."""
    server, victim, thief = server_files(tmp_path), client_files(tmp_path, "victim"), client_files(tmp_path, "thief")
    forged = Files(victim.certificate, tmp_path / "forged.key")
    forged.key.write_bytes(key_with_another_public_part(thief.key.read_bytes(), victim.key.read_bytes()))
    with serving(maker(server.certificate, server.key)) as port:
        assert ask_https(port, victim, "GET", "/").body["shown"] == der(victim).hex()
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask_https(port, forged, "GET", "/")


def key_with_another_public_part(private: bytes, public: bytes) -> bytes:
    """Return an ECPrivateKey (RFC 5915, secp384r1) that holds the secret of one key and the point of another."""
    secret = load_pem_private_key(private, None)
    point = load_pem_private_key(public, None)
    assert isinstance(secret, ec.EllipticCurvePrivateKey)
    assert isinstance(point, ec.EllipticCurvePrivateKey)
    scalar = secret.private_numbers().private_value.to_bytes(48, "big")
    encoded = point.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    bits = b"\x03" + bytes([len(encoded) + 1]) + b"\x00" + encoded
    curve = bytes.fromhex("a00706052b81040022")
    inner = b"\x02\x01\x01\x04\x30" + scalar + curve + b"\xa1" + bytes([len(bits)]) + bits
    data = b"\x30\x81" + bytes([len(inner)]) + inner
    return b"-----BEGIN EC PRIVATE KEY-----\n" + encodebytes(data) + b"-----END EC PRIVATE KEY-----\n"


def test_the_fallback_is_taken_where_the_first_way_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def plain(certificate: Path, key: Path) -> ssl.SSLContext:
        """As `ssl` is by itself: clients with a certificate of their own are refused."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def forgetful(certificate: Path, key: Path) -> ssl.SSLContext:
        """Asks for no certificate, so nobody is recognised."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context

    files = server_files(tmp_path)
    chosen = first_that_works((plain, forgetful, fallback_context), files.certificate, files.key)
    assert type(chosen).__module__ == "holdfast.server.tls_fallback"
    assert [record.args[0] for record in caplog.records if record.args] == ["plain", "forgetful"]
    with pytest.raises(InternalError, match="HTTPS can't be served"):
        first_that_works((plain, forgetful), files.certificate, files.key)
