"""An import that breaks: cut connections and killed servers at twenty places of what is sent in one request.

Nothing of it stays, what was there is whole, and the same command again brings it in: in a new place, in the place of
an instance (`--replace`), and as a custom volume.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.invariants import violations
from support.lxd import require_lxd
from support.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "mkfs.btrfs", "busybox")]
BIG_BYTES = 6 * 1024 * 1024
CHUNK_BYTES = 100_000
KINDS = ["instance", "replace", "volume"]


@dataclass
class Scene:
    """A server with `web` and the volume `data`; files of both, in which they say "from the file"."""

    server: HoldfastServer
    directory: Path
    pool: str

    @property
    def cli(self) -> Cli:
        return Cli(self.server.socket)

    def file(self, kind: str) -> Path:
        return self.directory / ("data.tar" if kind == "volume" else "web.tar")

    def request(self, kind: str) -> bytes:
        """Return what a client sends to have the file taken in under the name `taken`, or in the place of `web`."""
        path = f"/1.0/storage-pools/{self.pool}/volumes/custom" if kind == "volume" else "/1.0/instances"
        head = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/octet-stream"]
        head += ["Transfer-Encoding: chunked", f"X-LXD-pool: {self.pool}"]
        head += ["X-Holdfast-replace: true", "X-LXD-name: web"] if kind == "replace" else ["X-LXD-name: taken"]
        data = self.file(kind).read_bytes()
        parts = [data[place : place + CHUNK_BYTES] for place in range(0, len(data), CHUNK_BYTES)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
        return "\r\n".join([*head, "", ""]).encode() + body + b"0\r\n\r\n"

    def words(self, kind: str) -> tuple[str | Path, ...]:
        """Return the command that takes the file in, in one request."""
        if kind == "volume":
            return ("storage", "volume", "import", self.pool, self.file(kind), "taken")
        return ("import", self.file(kind), "taken", "-s", self.pool)

    def read_web(self) -> str:
        return (self.server.directory / "storage-pools" / self.pool / "containers/web/rootfs/root/mark").read_text()

    def has_taken(self, kind: str) -> bool:
        words = ("storage", "volume", "list", self.pool) if kind == "volume" else ("list",)
        return "taken" in self.server.lxc.run(*words, "--format", "csv")


@pytest.fixture(scope="module", params=["default", pytest.param("bt", marks=pytest.mark.long)])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "d") as server:
        lxc, pool = server.lxc, request.param
        lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        (directory / "big").write_bytes(os.urandom(BIG_BYTES))
        lxc.run("init", "tiny", "web", "-s", pool)
        lxc.run("file", "push", directory / "big", "web/root/big")
        lxc.run("file", "push", "-", "web/root/mark", stdin="from the file")
        lxc.run("export", "web", directory / "web.tar", "--compression", "none")
        lxc.run("file", "push", "-", "web/root/mark", stdin="here")
        lxc.run("storage", "volume", "create", pool, "data")
        shutil.copy(directory / "big", server.directory / "storage-pools" / pool / "custom/default_data/big")
        lxc.run("storage", "volume", "export", pool, "data", directory / "data.tar", "--compression", "none")
        yield Scene(server, directory, pool)
    shutil.rmtree(directory)


def bring(scene: Scene, kind: str) -> None:
    """Take the file in at last, look at it, and take it away."""
    if kind == "replace":
        scene.cli.run("import", scene.file(kind), "web", "--replace")
        assert scene.read_web() == "from the file"
        scene.server.lxc.run("file", "push", "-", "web/root/mark", stdin="here")
        return
    scene.server.lxc.run(*scene.words(kind))
    scene.server.lxc.run(*(("storage", "volume", "delete", scene.pool) if kind == "volume" else ("delete",)), "taken")


def places(request: bytes) -> list[int]:
    """Return twenty numbers of bytes, from one to all but the last one; the head and the end of the file have most."""
    head, size = request.index(b"\r\n\r\n") + 4, len(request)
    inside = [head + (size - head) * each // 11 for each in range(1, 11)]
    return [1, head // 2, head, head + 3, head + 700, *inside, size - 2000, size - 700, size - 8, size - 4, size - 1]


def send(scene: Scene, data: bytes, then: Callable[[], None]) -> None:
    """Send this much, do something, and go."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(200)
        client.connect(str(scene.server.socket))
        with suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(data)
        then()


@pytest.mark.parametrize("kind", KINDS)
def test_threat_connection_cut_in_an_import(scene: Scene, faults: Counter[str], kind: str) -> None:
    request = scene.request(kind)
    assert len(places(request)) == 20
    for place in places(request):
        send(scene, request[:place], lambda: None)
        await_true(lambda: violations(scene.server) == [], "that nothing is left of the import")
        assert not scene.has_taken(kind)
        assert scene.read_web() == "here"
        faults[f"cut of an import ({kind})"] += 1
    bring(scene, kind)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_server_killed_in_an_import(scene: Scene, faults: Counter[str], kind: str) -> None:
    request = scene.request(kind)
    for place in places(request):
        send(scene, request[:place], scene.server.kill)
        scene.server.start()
        assert violations(scene.server) == []
        assert not scene.has_taken(kind)
        assert scene.read_web() == "here"
        faults[f"kill of the server in an import ({kind})"] += 1
    bring(scene, kind)
