"""`holdfast import` gets over connections that break anywhere, and over a server that dies; what it makes is whole."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.client.client import Client
from holdfast.client.uploads import PIECE_BYTES, SentFile
from support.cli import Cli
from support.cutting_proxy import CuttingProxy
from support.holdfast import COMMAND, HoldfastServer, short_directory
from support.images import make_tiny_image

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "busybox")]
SIZE = 20 * 2**20
OVERHEAD = 600
"""More than the head of any of the client's requests, less than any piece."""
BEFORE = [(None, None)] * 3
"""What goes before the pieces, uncut: the server's features, the file offered, which it can't see here, the upload."""


@pytest.fixture(scope="module")
def scene() -> Iterator[tuple[HoldfastServer, Path]]:
    """A server without instances; in the directory `file` (uncompressed, 20 MiB in it that don't repeat)."""
    directory = short_directory()
    with HoldfastServer(directory / "d") as server:
        server.lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        server.lxc.run("init", "tiny", "origin")
        (directory / "data").write_bytes(os.urandom(SIZE))
        server.lxc.run("file", "push", directory / "data", "origin/root/data")
        server.lxc.run("export", "origin", directory / "file", "--compression", "none")
        server.lxc.run("delete", "origin")
        yield server, directory
    shutil.rmtree(directory)


def check(server: HoldfastServer, directory: Path, name: str) -> None:
    server.lxc.run("file", "pull", f"{name}/root/data", directory / "back")
    assert (directory / "back").read_bytes() == (directory / "data").read_bytes()
    server.lxc.run("delete", name)
    assert json.loads(server.lxc.run("query", "/1.0/uploads")) == []
    for folder in (".uploads", ".incoming"):
        assert list((server.directory / "backups" / folder).iterdir()) == []


def places(size: int) -> list[int]:
    """Return twenty places in a piece of that size: its first and last bytes, and some between, by turns."""
    ends = [OVERHEAD, OVERHEAD + 1, 4095, 4096, 65535, 65536, 2**20 - 1, 2**20, 2**20 + 1, size - 1]
    between = [size * part // 11 for part in range(1, 11)]
    return [place for pair in zip(ends, between, strict=True) for place in pair]


def test_twenty_cuts_on_the_way_there(scene: tuple[HoldfastServer, Path]) -> None:
    server, directory = scene
    cuts = iter(BEFORE + [each for place in places(PIECE_BYTES) for each in ((place, None), (None, None))])
    with CuttingProxy(directory / "p", server.socket, cuts) as proxy:
        Cli(proxy.path).run("import", directory / "file", "cut")
        assert proxy.cuts >= 8  # each leaves less to send: not all twenty places are reached by one import
    check(server, directory, "cut")


@pytest.mark.parametrize("place", places(PIECE_BYTES))
def test_one_cut_in_the_first_piece(scene: tuple[HoldfastServer, Path], place: int) -> None:
    server, directory = scene
    with CuttingProxy(directory / "p", server.socket, iter([*BEFORE, (place, None)])) as proxy:
        Cli(proxy.path).run("import", directory / "file", "cut")
        assert proxy.cuts == 1
    check(server, directory, "cut")


def test_answers_that_do_not_arrive(scene: tuple[HoldfastServer, Path]) -> None:
    server, directory = scene
    cuts = itertools.chain(BEFORE, itertools.cycle([(None, 10), (None, None), (None, 0), (None, None)]))
    with CuttingProxy(directory / "p", server.socket, itertools.islice(cuts, 9)) as proxy:
        Cli(proxy.path).run("import", directory / "file", "cut")
        assert proxy.cuts == 3
    check(server, directory, "cut")


def test_from_a_pipe(scene: tuple[HoldfastServer, Path]) -> None:
    """What comes by a pipe can't be read again: the client holds what the server may still ask for."""
    server, directory = scene
    cuts = iter([(None, None)] * 2 + [(3 * 2**20, None), (None, None), (2**20, None), (None, None), (None, 5)])
    with (
        CuttingProxy(directory / "p", server.socket, cuts) as proxy,
        subprocess.Popen(["cat", directory / "file"], stdout=subprocess.PIPE) as cat,
    ):
        done = subprocess.run(
            [COMMAND, "import", "-", "piped"],
            env={**os.environ, "HOLDFAST_SOCKET": str(proxy.path)},
            stdin=cat.stdout,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert proxy.cuts >= 2
    check(server, directory, "piped")


def test_the_server_dies_on_the_way(scene: tuple[HoldfastServer, Path]) -> None:
    server, directory = scene
    client = Client.connect(str(server.socket))

    def chunks() -> Iterator[bytes]:
        with (directory / "file").open("rb") as file:
            while chunk := file.read(2**20):
                yield chunk
                if file.tell() == 11 * 2**20:
                    server.kill()
                    server.start()

    with SentFile(client.connection, chunks(), (directory / "file").stat().st_size) as upload:
        headers = {"Content-Type": "application/octet-stream", "X-Holdfast-upload": upload, "X-LXD-name": "risen"}
        answer = client.connection.open("POST", "/1.0/instances", content=b"", headers=headers)
        operation = json.loads(answer.read())["operation"]
    server.lxc.run("query", f"{operation}/wait?timeout=60")
    check(server, directory, "risen")


def test_a_client_that_dies_leaves_what_another_can_go_on_with(scene: tuple[HoldfastServer, Path]) -> None:
    server, directory = scene
    process = subprocess.Popen(
        [COMMAND, "import", "-", "orphan"],
        env={**os.environ, "HOLDFAST_SOCKET": str(server.socket)},
        stdin=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write((directory / "file").read_bytes()[: 2 * PIECE_BYTES])
    process.stdin.flush()
    path = "/1.0/uploads?recursion=1"
    client = Client.connect(str(server.socket))
    while not any(each["offset"] >= PIECE_BYTES for each in client.connection.request("GET", path).metadata):  # type: ignore[attr-defined]
        assert process.poll() is None
    process.kill()
    process.wait()
    process.stdin.close()
    (left,) = client.connection.request("GET", path).metadata  # type: ignore[misc,attr-defined]
    assert PIECE_BYTES <= left["offset"] <= 2 * PIECE_BYTES
    client.connection.request("DELETE", f"/1.0/uploads/{left['id']}")
    assert list((server.directory / "backups/.uploads").iterdir()) == []


def test_a_server_that_stays_away_is_told(scene: tuple[HoldfastServer, Path]) -> None:
    server, directory = scene
    cuts = itertools.chain(BEFORE, itertools.repeat((OVERHEAD, 0)))
    with CuttingProxy(directory / "p", server.socket, cuts) as proxy:
        assert "The connection broke during" in Cli(proxy.path).fails("import", directory / "file", "never")
    assert "never" not in server.lxc.run("list", "--format", "csv", "-c", "n")
    for left in json.loads(server.lxc.run("query", "/1.0/uploads")):
        server.lxc.run("query", "-X", "DELETE", left)
