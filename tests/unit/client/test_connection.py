"""Requests, answers and refusals over a real unix socket."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from holdfast.client.client import Client
from holdfast.client.connection import Connection, path_of
from holdfast.client.endpoints import UnixEndpoint, socket_path_of
from holdfast.client.errors import (
    ApiError,
    BrokenConnectionError,
    OperationFailedError,
    SocketPermissionError,
    UnreachableServerError,
)
from support.unixserver import Asked, UnixServer, background, operation, refusal, sync


def test_names_are_one_segment() -> None:
    assert path_of("instances", "a/b c?") == "/1.0/instances/a%2Fb%20c%3F"


def test_socket_is_found_by_environment() -> None:
    assert socket_path_of({}) == "/var/lib/holdfast/unix.socket"
    assert socket_path_of({"HOLDFAST_DIR": "/x"}) == "/x/unix.socket"
    assert socket_path_of({"HOLDFAST_DIR": "/x", "HOLDFAST_SOCKET": "/y"}) == "/y"


def test_project_is_added_unless_all_are_asked_for() -> None:
    connection = Connection(UnixEndpoint("/x"), "team")
    assert connection.url("/1.0/instances") == "/1.0/instances?project=team"
    assert connection.url("/1.0/instances?recursion=1") == "/1.0/instances?recursion=1&project=team"
    assert connection.url("/1.0/instances", {"all-projects": "true"}) == "/1.0/instances?all-projects=true"
    assert Connection(UnixEndpoint("/x")).url("/1.0/instances") == "/1.0/instances"


def test_answer_is_taken_out_of_its_envelope(short_tmp_path: Path) -> None:
    with UnixServer(short_tmp_path / "s", lambda _: sync({"name": "c1"}, "200 OK", 'ETag: "abc"')) as server:
        document, etag = Client.connect(str(short_tmp_path / "s")).instances.get_with_etag("c1")
    assert (document["name"], etag) == ("c1", '"abc"')
    assert server.asked[0].path == "/1.0/instances/c1"


def test_refusal_carries_status_and_text(short_tmp_path: Path) -> None:
    with (
        UnixServer(short_tmp_path / "s", lambda _: refusal("404 Not Found", "Instance not found")),
        pytest.raises(ApiError, match="Instance not found") as caught,
    ):
        Client.connect(str(short_tmp_path / "s")).instances.get("c1")
    assert caught.value.status == 404


def test_absent_server_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(UnreachableServerError, match="holdfast server"):
        Client.connect(str(tmp_path / "nothing")).instances.list()


@pytest.mark.root
def test_closed_socket_names_the_group(short_tmp_path: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(short_tmp_path / "s"))
    os.chown(short_tmp_path / "s", 0, 4)  # adm, on every Debian
    os.chmod(short_tmp_path / "s", 0o660)
    short_tmp_path.chmod(0o711)
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        try:
            Client.connect(str(short_tmp_path / "s")).instances.list()
        except SocketPermissionError as error:
            os._exit(0 if "group adm" in str(error) else 2)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    listening.close()


def test_server_that_hangs_up_is_a_broken_connection(short_tmp_path: Path) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(short_tmp_path / "s"))
    listening.listen()

    def hang_up() -> None:
        accepted, _ = listening.accept()
        accepted.recv(10)
        accepted.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    with pytest.raises(BrokenConnectionError, match=r"GET /1\.0/instances"):
        Client.connect(str(short_tmp_path / "s")).instances.list()
    thread.join()
    listening.close()


def test_garbage_is_a_broken_connection(short_tmp_path: Path) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhuh?"
    with (
        UnixServer(short_tmp_path / "s", lambda _: reply),
        pytest.raises(BrokenConnectionError, match="not an answer of the API"),
    ):
        Client.connect(str(short_tmp_path / "s")).instances.list()


def test_wait_tells_progress_and_ends(short_tmp_path: Path) -> None:
    states = [
        operation(103, metadata={"fs_progress": "40%"}),
        operation(200, resources={"instances": ["/1.0/x/c1?p=1"]}),
    ]

    def respond(asked: Asked) -> bytes:
        return background(operation()) if asked.method == "DELETE" else sync(states.pop(0))

    lines: list[str] = []
    with UnixServer(short_tmp_path / "s", respond) as server:
        running = Client.connect(str(short_tmp_path / "s")).instances.delete("c1")
        running.wait(lines.append)
    assert lines == ["40%"]
    assert running.names("instances") == ["c1"]
    assert server.asked[-1].path.endswith("/wait?timeout=1")


@pytest.mark.parametrize(("code", "text"), [(400, "it broke"), (401, "")])
def test_failed_work_raises_its_text(short_tmp_path: Path, code: int, text: str) -> None:
    with UnixServer(short_tmp_path / "s", lambda _: background(operation(code, err=text))):
        running = Client.connect(str(short_tmp_path / "s")).instances.delete("c1")
        with pytest.raises(OperationFailedError, match=text or "cancelled"):
            running.wait()


def test_forgotten_operation_is_a_failure(short_tmp_path: Path) -> None:
    def respond(asked: Asked) -> bytes:
        return background(operation()) if asked.method == "DELETE" else refusal("404 Not Found", "Operation not found")

    with UnixServer(short_tmp_path / "s", respond):
        running = Client.connect(str(short_tmp_path / "s")).instances.delete("c1")
        with pytest.raises(OperationFailedError, match="no longer knows"):
            running.wait()


def test_changes_carry_the_tag(short_tmp_path: Path) -> None:
    with UnixServer(short_tmp_path / "s", lambda _: background(operation(200))) as server:
        Client.connect(str(short_tmp_path / "s")).instances.update("c1", {"config": {}}, '"tag"').wait()
    assert server.asked[0].headers["if-match"] == '"tag"'
    assert server.asked[0].json() == {"config": {}}
