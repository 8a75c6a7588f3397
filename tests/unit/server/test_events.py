"""The stream of events and waiting for operations."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.sync.client import ClientConnection, unix_connect

from holdfast.model.kinds import OperationClass
from holdfast.service.caller import Caller
from holdfast.service.operation_handle import OperationHandle
from support.api_server import Running
from support.http import ask


@contextmanager
def stream(api: Running, query: str = "") -> Iterator[ClientConnection]:
    with unix_connect(str(api.socket), f"ws://unix.socket/1.0/events{query}", open_timeout=60) as socket:
        yield socket


def messages_until_final(socket: ClientConnection) -> list[dict[str, object]]:
    """Return the operation objects up to the final one."""
    found = []
    while True:
        message = json.loads(socket.recv(timeout=60))
        if message["type"] == "operation":
            found.append(message["metadata"])
            if message["metadata"]["status_code"] >= 200:
                return found


def test_an_operation_is_told_from_beginning_to_end(api: Running) -> None:
    def work(handle: OperationHandle) -> None:
        handle.set_metadata(fs_progress="50%")

    with stream(api) as socket:
        started = api.services.operations.start(Caller(), "Testing", work)
        found = messages_until_final(socket)
    assert {each["id"] for each in found} == {started.id}
    assert [each["status"] for each in found] == ["Pending", "Running", "Running", "Success"]
    assert found[-1]["metadata"] == {"fs_progress": "50%"}
    assert (found[-1]["resources"], found[-1]["err"], found[-1]["class"]) == (None, "", "task")


def test_types_and_projects_are_filtered(api: Running) -> None:
    with stream(api, "?type=lifecycle&project=default") as socket:
        api.services.operations.start(Caller(), "Not wanted", lambda _: None)
        ask(api.socket, "POST", "/1.0/projects", {"name": "other"})
        ask(api.socket, "POST", "/1.0/profiles?project=other", {"name": "hidden"})
        ask(api.socket, "POST", "/1.0/profiles", {"name": "shown"})
        message = json.loads(socket.recv(timeout=60))
    assert message["type"] == "lifecycle"
    assert message["metadata"]["action"] == "profile-created"
    assert message["metadata"]["source"] == "/1.0/profiles/shown"
    assert message["metadata"]["requestor"] == {"username": "root", "protocol": "unix", "address": "@"}
    assert (message["project"], message["location"]) == ("default", "none")


def test_the_keepalive_ping_comes_at_once(api: Running) -> None:
    """Seen on the wire: the first frame after the upgrade is a ping with LXD's payload."""
    import socket as sockets

    with sockets.socket(sockets.AF_UNIX) as raw:
        raw.settimeout(60)
        raw.connect(str(api.socket))
        raw.sendall(
            b"GET /1.0/events HTTP/1.1\r\nHost: unix.socket\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        received = b""
        while b"keepalive" not in received:
            part = raw.recv(4096)
            assert part, received
            received += part
    assert received.startswith(b"HTTP/1.1 101")
    assert received.partition(b"\r\n\r\n")[2][:2] == b"\x89\x09"


def test_wait_answers_at_the_end_or_at_the_timeout(api: Running) -> None:
    may_end = threading.Event()
    operation = api.services.operations.start(Caller(), "Testing", lambda _: may_end.wait(120) and None)
    path = f"/1.0/operations/{operation.id}"
    early = ask(api.socket, "GET", f"{path}/wait?timeout=0").body["metadata"]
    assert early["status"] == "Running"
    timer = threading.Timer(0.2, may_end.set)
    timer.start()
    began_s = time.monotonic()
    late = ask(api.socket, "GET", f"{path}/wait?timeout=-1").body["metadata"]
    assert late["status"] == "Success"
    assert time.monotonic() - began_s < 60
    assert ask(api.socket, "GET", f"{path}/wait").body["metadata"]["status"] == "Success"
    assert ask(api.socket, "GET", f"{path}/wait?timeout=x").status == 400


def test_operations_are_listed_by_status(api: Running) -> None:
    may_end = threading.Event()
    operation = api.services.operations.start(Caller(), "Testing", lambda _: may_end.wait(120) and None)
    assert ask(api.socket, "GET", "/1.0/operations").body["metadata"] == {
        "running": [f"/1.0/operations/{operation.id}"]
    }
    (shown,) = ask(api.socket, "GET", "/1.0/operations?recursion=1").body["metadata"]["running"]
    assert shown["id"] == operation.id
    may_end.set()


def test_cancelling(api: Running) -> None:
    def work(handle: OperationHandle) -> None:
        cancelled = threading.Event()
        handle.on_cancel(cancelled.set)
        assert cancelled.wait(120)
        handle.check()

    operation = api.services.operations.start(Caller(), "Testing", work, may_cancel=True)
    path = f"/1.0/operations/{operation.id}"
    assert ask(api.socket, "DELETE", path).status == 200
    assert ask(api.socket, "GET", f"{path}/wait").body["metadata"]["status"] == "Cancelled"
    assert ask(api.socket, "DELETE", path).status == 400


@pytest.mark.parametrize("secret", ["", "?secret=", "?secret=wrong"])
def test_a_socket_of_an_operation_needs_its_secret(api: Running, secret: str) -> None:
    handle = api.services.operations.open(Caller(), "Testing", operation_class=OperationClass.WEBSOCKET)
    found = ask(api.socket, "GET", f"/1.0/operations/{handle.id}/websocket{secret}")
    assert found.status in (400, 403, 404)
    handle.succeed()


def test_a_final_event_is_not_lost_for_who_listens_before_asking(api: Running) -> None:
    """The way of LXD's client: open the stream, send the request, wait for the operation's end in the stream."""
    for number in range(20):
        with stream(api) as socket:
            operation = api.services.operations.start(Caller(), f"Testing {number}", lambda _: None)
            assert messages_until_final(socket)[-1]["id"] == operation.id
