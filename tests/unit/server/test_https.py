"""Serving HTTPS: at the start, at another address while requests run, not at all."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import tempfile
import threading
from pathlib import Path

import pytest

from holdfast.model.errors import BadRequestError, HoldfastError, InternalError
from holdfast.service.caller import INTERNAL
from holdfast.service.container import Services
from holdfast.service.server_certificate import load_or_make
from support.api_server import Running, ServerThread
from support.http import ask
from support.https import ask_https
from support.ports import free_port
from support.tls_server import client_files


def listen_on(services: Services, address: str) -> None:
    services.server_config.patch(INTERNAL, {"core.https_address": address})


def test_address_is_served_as_soon_as_it_is_set(api: Running) -> None:
    port, other = free_port(), free_port()
    assert ask(api.socket, "PATCH", "/1.0", {"config": {"core.https_address": f"127.0.0.1:{port}"}}).status == 200
    answer = ask_https(port, None, "GET", "/1.0")
    assert answer.body["metadata"]["auth"] == "untrusted"
    shown = ask(api.socket, "GET", "/1.0").body["metadata"]
    assert shown["environment"]["addresses"] == [f"127.0.0.1:{port}"]
    assert shown["environment"]["certificate"] == api.services.paths.server_certificate.read_text()
    listen_on(api.services, f"127.0.0.1:{other}")
    assert ask_https(other, None, "GET", "/").body["metadata"] == ["/1.0"]
    with pytest.raises(ConnectionRefusedError):
        ask_https(port, None, "GET", "/")
    listen_on(api.services, "")
    with pytest.raises(ConnectionRefusedError):
        ask_https(other, None, "GET", "/")


def test_address_is_served_from_the_start(services: Services) -> None:
    port = free_port()
    listen_on(services, f"127.0.0.1:{port}")
    thread = ServerThread(services, services.paths.socket)
    thread.start()
    try:
        assert ask_https(port, None, "GET", "/1.0").status == 200
    finally:
        thread.stop()
    with pytest.raises(ConnectionRefusedError):
        ask_https(port, None, "GET", "/1.0")


def test_address_that_can_not_be_served_leaves_the_former_one(api: Running) -> None:
    port = free_port()
    listen_on(api.services, f"127.0.0.1:{port}")
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(BadRequestError, match=f"Can't listen on 127.0.0.1:{taken}: Address already in use"):
            listen_on(api.services, f"127.0.0.1:{taken}")
    with pytest.raises(BadRequestError, match="Can't listen on"):
        listen_on(api.services, f"192.0.2.1:{port}")
    assert api.services.server_config.get("core.https_address") == f"127.0.0.1:{port}"
    assert ask_https(port, None, "GET", "/1.0").status == 200


def test_change_that_is_refused_elsewhere_moves_nothing(api: Running) -> None:
    port, other = free_port(), free_port()
    listen_on(api.services, f"127.0.0.1:{port}")
    wrong = {"core.https_address": f"127.0.0.1:{other}", "storage.backups_volume": "no/such"}
    with pytest.raises(HoldfastError):
        api.services.server_config.patch(INTERNAL, wrong)
    assert ask_https(port, None, "GET", "/1.0").status == 200
    with pytest.raises(ConnectionRefusedError):
        ask_https(other, None, "GET", "/1.0")


def test_addresses_that_overlap_follow_each_other(api: Running) -> None:
    port = free_port()
    for address in (f"127.0.0.1:{port}", f"127.0.0.1:0{port}", f"127.0.0.1:{port}"):
        listen_on(api.services, address)
        assert api.services.server_config.get("core.https_address") == address
    assert ask_https(port, None, "GET", "/1.0").status == 200


def test_connection_outlives_its_address(api: Running) -> None:
    port = free_port()
    listen_on(api.services, f"127.0.0.1:{port}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=120)
    connection.request("GET", "/1.0")
    connection.getresponse().read()
    listen_on(api.services, "")
    connection.request("GET", "/1.0")
    assert connection.getresponse().status == 200
    connection.close()


def test_end_of_an_answer_waits_for_a_slow_client(api: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """asyncio throws away what is unsent once its time for a farewell is over; here that is made short."""
    monkeypatch.setattr("asyncio.constants.SSL_SHUTDOWN_TIMEOUT", 0.1)
    port = free_port()
    listen_on(api.services, f"127.0.0.1:{port}")
    for number in range(400):
        api.services.profiles.create(INTERNAL, f"p{number:03}", "x" * 20_000, {}, {})
    api.services.server_config.patch(INTERNAL, {"core.trust_password": "sekret"})
    with tempfile.TemporaryDirectory() as directory:
        files = client_files(Path(directory))
        request = {"type": "client", "password": "sekret"}
        assert ask_https(port, files, "POST", "/1.0/certificates", request).status == 201
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.load_cert_chain(files.certificate, files.key)
    raw = socket.create_connection(("127.0.0.1", port), timeout=60)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.sock = context.wrap_socket(raw)
    connection.request("GET", "/1.0/profiles?recursion=1", headers={"Connection": "close"})
    answer = connection.getresponse()
    threading.Event().wait(1.5)  # the client is busy with something else
    assert len(json.loads(answer.read())["metadata"]) == 401


def test_broken_certificate_does_not_keep_the_socket_from_serving(services: Services) -> None:
    listen_on(services, f"127.0.0.1:{free_port()}")
    services.paths.server_key.write_text("broken")
    thread = ServerThread(services, services.paths.socket)
    thread.start()
    try:
        assert ask(services.paths.socket, "GET", "/1.0").status == 200
        assert ask(services.paths.socket, "PATCH", "/1.0", {"config": {"core.https_address": ""}}).status == 200
        refused = ask(services.paths.socket, "PATCH", "/1.0", {"config": {"core.https_address": "127.0.0.1:1"}})
        assert refused.body["error"].startswith("HTTPS can't be served")
    finally:
        thread.stop()


def test_certificate_is_made_once_and_its_key_is_private(services: Services) -> None:
    paths = services.paths
    before = paths.server_certificate.read_text()
    assert load_or_make(paths).pem == before
    assert paths.server_key.stat().st_mode & 0o777 == 0o600
    paths.server_key.unlink()
    with pytest.raises(InternalError, match="bring the key back"):
        load_or_make(paths)
    paths.server_certificate.unlink()
    assert load_or_make(paths).pem != before


def test_first_start_that_was_cut_begins_again(services: Services) -> None:
    services.paths.server_certificate.unlink()
    assert load_or_make(services.paths).pem == services.paths.server_certificate.read_text()


def test_chain_of_an_authority_shows_its_first_certificate(services: Services, tmp_path: Path) -> None:
    path = services.paths.server_certificate
    pem = path.read_text()
    path.write_text("text before\n" + pem + pem)
    assert load_or_make(services.paths).pem == pem
    path.write_text("nothing")
    with pytest.raises(InternalError, match="is no certificate"):
        load_or_make(services.paths)
