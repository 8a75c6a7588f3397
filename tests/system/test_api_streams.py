"""Commands, files and uploads of a real container over the API, and pylxd against it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pylxd
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, unix_connect

from support.holdfast import HoldfastServer
from support.http import ask
from support.waiting import LONG_S, await_true

pytestmark = [pytest.mark.root, pytest.mark.needs("root", "lxc")]
SEEN = json.loads((Path(__file__).parents[1] / "golden/api/keys_of_lxd.json").read_text())


@pytest.fixture(scope="module")
def container(server: HoldfastServer, busybox_image: Path) -> Iterator[str]:
    server.lxc.run("launch", "busybox", "streams")
    server.lxc.run("snapshot", "streams", "one")
    yield "streams"
    server.lxc.run("delete", "--force", "streams")


class Command:
    """A command with its websockets."""

    def __init__(self, server: HoldfastServer, name: str, *command: str, is_interactive: bool = False) -> None:
        body = {
            "command": command,
            "wait-for-websocket": True,
            "interactive": is_interactive,
            "width": 90,
            "height": 30,
        }
        answer = ask(server.socket, "POST", f"/1.0/instances/{name}/exec", body)
        assert answer.status == 202, answer.body
        self.path = answer.body["operation"]
        self._server = server
        fds = answer.body["metadata"]["metadata"]["fds"]
        streams_last = sorted(fds.items(), reverse=True)  # "control" first: with the streams there, the command may end
        self.sockets: dict[str, ClientConnection] = {fd: self._connect(secret) for fd, secret in streams_last}

    def _connect(self, secret: str) -> ClientConnection:
        url = f"ws://unix.socket{self.path}/websocket?secret={secret}"
        return unix_connect(str(self._server.socket), url, max_size=None, open_timeout=LONG_S).__enter__()

    def read(self, stream: str) -> bytes:
        """Return all of a stream up to the empty text frame that ends it."""
        found = b""
        while (part := self.sockets[stream].recv(timeout=LONG_S)) != "":
            assert isinstance(part, bytes)
            found += part
        return found

    def read_until(self, stream: str, wanted: bytes) -> bytes:
        found = b""
        while wanted not in found:
            part = self.sockets[stream].recv(timeout=LONG_S)
            assert isinstance(part, bytes), found
            found += part
        return found

    def result(self) -> dict[str, Any]:
        found = ask(self._server.socket, "GET", f"{self.path}/wait?timeout=90").body["metadata"]
        assert isinstance(found, dict)
        return found

    def vanish(self) -> None:
        """Break all connections without a closing word."""
        for each in self.sockets.values():
            each.socket.shutdown(socket.SHUT_RDWR)  # a mere close would wait for the thread that reads


def test_streams_and_exit_code(server: HoldfastServer, container: str) -> None:
    command = Command(server, container, "sh", "-c", "cat; echo error >&2; exit 7")
    command.sockets["0"].send(b"input\n")
    command.sockets["0"].send("")
    assert (command.read("1"), command.read("2")) == (b"input\n", b"error\n")
    result = command.result()
    assert (result["status"], result["metadata"]["return"]) == ("Success", 7)


def test_many_bytes_come_whole(server: HoldfastServer, container: str) -> None:
    command = Command(server, container, "head", "-c", "20000000", "/dev/zero")
    assert len(command.read("1")) == 20_000_000
    assert command.result()["metadata"]["return"] == 0


def test_a_terminal_has_the_size_and_follows_it(server: HoldfastServer, container: str) -> None:
    command = Command(server, container, "sh", is_interactive=True)
    command.sockets["0"].send(b"stty size; echo $((40+2))\n")
    assert b"30 90" in command.read_until("0", b"42")
    resize = {"command": "window-resize", "args": {"width": "120", "height": "40"}}
    command.sockets["control"].send(json.dumps(resize))

    def follows() -> bool:
        command.sockets["0"].send(b"stty size; echo $((40+3))\n")
        return b"40 120" in command.read_until("0", b"43")

    await_true(follows, "the terminal follows")
    command.sockets["0"].send(b"exit 5\n")
    assert command.result()["metadata"]["return"] == 5


def test_a_signal_reaches_the_command(server: HoldfastServer, container: str) -> None:
    command = Command(server, container, "sleep", "600")
    command.sockets["control"].send('{"command": "no-such"}')
    command.sockets["control"].send("no json")
    command.sockets["control"].send('{"command": "signal", "signal": 15}')
    assert command.result()["metadata"]["return"] == 143


@pytest.mark.parametrize("is_interactive", [False, True])
def test_a_command_ends_when_its_client_vanishes(server: HoldfastServer, container: str, is_interactive: bool) -> None:
    command = Command(server, container, "sleep", "600", is_interactive=is_interactive)
    command.vanish()
    assert command.result()["metadata"]["return"] == 129


def test_a_socket_can_be_used_once(server: HoldfastServer, container: str) -> None:
    command = Command(server, container, "cat")
    shown = ask(server.socket, "GET", command.path).body["metadata"]["metadata"]["fds"]["1"]
    found = ask(server.socket, "GET", f"{command.path}/websocket?secret={shown}")
    assert found.status == 403
    command.sockets["0"].send("")
    assert command.result()["metadata"]["return"] == 0


def test_output_is_recorded(server: HoldfastServer, container: str) -> None:
    body = {"command": ["sh", "-c", "echo kept; exit 3"], "record-output": True}
    answer = ask(server.socket, "POST", f"/1.0/instances/{container}/exec", body)
    ended = ask(server.socket, "GET", f"{answer.body['operation']}/wait?timeout=60").body["metadata"]
    metadata = ended["metadata"]
    assert (ended["err"], metadata["return"]) == ("", 3)
    assert ask(server.socket, "GET", metadata["output"]["1"]).raw == b"kept\n"
    assert ask(server.socket, "DELETE", metadata["output"]["1"]).status == 200


def test_keys_are_those_of_lxd(server: HoldfastServer, container: str) -> None:
    (full,) = ask(server.socket, "GET", "/1.0/instances?recursion=2&filter=name%20eq%20streams").body["metadata"]
    assert sorted(full) == SEEN["instance full"]
    ours = {"description", "held", "schedule", "due_at"}
    assert sorted(full["snapshots"][0].keys() - ours) == SEEN["snapshot"]
    assert sorted(full["state"]) == SEEN["state"]
    assert sorted(full["state"]["network"]["lo"]) == SEEN["state network"]
    assert (full["backups"], full["snapshots"][0]["name"]) == (None, "one")
    assert ask(server.socket, "GET", "/1.0/containers").body["metadata"] == ["/1.0/containers/streams"]
    assert ask(server.socket, "GET", "/1.0/virtual-machines").body["metadata"] == []


def test_files_with_their_headers(server: HoldfastServer, container: str) -> None:
    path = f"/1.0/instances/{container}/files?path=/root/notes"
    headers = {
        "X-LXD-uid": "1000",
        "X-LXD-gid": "100",
        "X-LXD-mode": "0640",
        "Content-Type": "application/octet-stream",
    }
    assert ask(server.socket, "POST", path, raw=b"one\n", headers=headers).status == 200
    appended = ask(server.socket, "POST", path, raw=b"two\n", headers={**headers, "X-LXD-write": "append"})
    assert appended.status == 200
    found = ask(server.socket, "GET", path)
    assert found.raw == b"one\ntwo\n"
    shown = [found.headers[f"x-lxd-{name}"] for name in ("uid", "gid", "mode", "type")]
    assert shown == ["1000", "100", "0640", "file"]
    assert ask(server.socket, "HEAD", path).headers["x-lxd-type"] == "file"
    listing = ask(server.socket, "GET", f"/1.0/instances/{container}/files?path=/root")
    assert "notes" in listing.body["metadata"]
    assert listing.headers["x-lxd-type"] == "directory"
    assert ask(server.socket, "DELETE", path).status == 200
    gone = ask(server.socket, "GET", path)
    assert (gone.status, gone.body["error"]) == (404, "Not Found")
    assert list((server.directory / "backups/.incoming").iterdir()) == []


def test_the_root_of_an_empty_instance_is_open_to_its_users(server: HoldfastServer, busybox_image: Path) -> None:
    server.lxc.run("init", "blank", "--empty")
    try:
        assert ask(server.socket, "HEAD", "/1.0/instances/blank/files?path=/").headers["x-lxd-mode"] == "0755"
    finally:
        server.lxc.run("delete", "blank")


def test_pylxd(server: HoldfastServer, container: str) -> None:
    client = pylxd.Client(endpoint=str(server.socket))
    instance = client.instances.get(container)
    ran = instance.execute(["sh", "-c", "cat; exit 4"], stdin_payload="in")
    assert (ran.exit_code, ran.stdout) == (4, "in")
    instance.files.put("/root/there", b"data")
    assert instance.files.get("/root/there") == b"data"
    snapshot = instance.snapshots.create("py", wait=True)
    assert [each.name for each in instance.snapshots.all()] == ["one", "py"]
    snapshot.delete(wait=True)
    instance.sync()
    instance.config["user.py"] = "1"
    instance.save(wait=True)
    assert client.instances.get(container).config["user.py"] == "1"


def test_sockets_are_closed_with_the_command(server: HoldfastServer, container: str) -> None:
    command = Command(server, container, "true")
    assert command.result()["status"] == "Success"
    with pytest.raises(ConnectionClosed):
        command.sockets["control"].recv(timeout=LONG_S)
