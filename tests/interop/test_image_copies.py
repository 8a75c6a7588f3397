"""Images cross between Holdfast and the distribution's real LXD 5.0.2, both ways, by the real client in every mode."""

from __future__ import annotations

import itertools
import json
import random
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from support.between import MODES, WAYS, World, servers
from support.cutting_proxy import CuttingProxy
from support.holdfast import HoldfastServer
from support.image_source import file_answer, listening, source_of
from support.image_world import archive
from support.ports import free_port
from support.rich import Server
from support.tls_server import server_files
from support.waiting import await_equal, await_true

pytestmark = [pytest.mark.root, pytest.mark.needs("lxd", "lxc")]

METADATA = b"architecture: x86_64\ncreation_date: 1700000000\nproperties: {os: Tiny, name: 'NAME'}\n"
KINDS = ["unified", "split"]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with servers() as found:
        yield found


@dataclass(frozen=True)
class Made:
    """An image on one of the servers, under the alias `made`."""

    server: Server
    fingerprint: str

    def set(self, **changes: object) -> None:
        document = {"profiles": ["default"], "properties": {"os": "Tiny", "edited": "yes"}, **changes}
        self.server.lxc.run("query", "-X", "PUT", "-d", json.dumps(document), f"/1.0/images/{self.fingerprint}")


def files_of(directory: Path, kind: str, name: str) -> list[Path]:
    """Write the file or files of an image whose fingerprint depends on the name."""
    metadata = METADATA.replace(b"NAME", name.encode())
    if kind == "unified":
        unified = directory / "image.tar.gz"
        content = {"metadata.yaml": metadata, "rootfs/": b"", "rootfs/etc/": b"", "rootfs/hello": b"hi" * 50_000}
        unified.write_bytes(archive(content))
        return [unified]
    first, second = directory / "meta.tar.gz", directory / "rootfs.tar.gz"
    first.write_bytes(archive({"metadata.yaml": metadata}))
    second.write_bytes(archive({"./": b"", "./etc/": b"", "./hello": name.encode() * 50_000}))
    return [first, second]


@pytest.fixture
def made(world: World, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Made]:
    """Give an image, made as the parameters say: on which server, and of which kind."""
    source, kind = request.param
    server = world.server(source)
    server.lxc.run("image", "import", *files_of(tmp_path, kind, request.node.name), "--alias", "made")
    fingerprint = json.loads(server.lxc.run("query", "/1.0/images/aliases/made"))["target"]
    made = Made(server, fingerprint)
    made.set(expires_at="2036-01-02T03:04:05Z")
    yield made
    remove(world, fingerprint)


def leftovers(server: HoldfastServer) -> list[str]:
    """Return what is staged or spooled for images that aren't."""
    found = [*(server.directory / "images" / ".staging").glob("*"), *(server.directory / "incoming").glob("*")]
    return sorted(str(path) for path in found)


def shown(server: Server, fingerprint: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(server.lxc.run("query", f"/1.0/images/{fingerprint}"))
    return found


def aliases(image: dict[str, object]) -> list[str]:
    listed = image["aliases"]
    assert isinstance(listed, list)
    return sorted(each["name"] for each in listed)


def cases() -> list[object]:
    return [
        pytest.param((source, kind), target, mode, id=f"{source}-{target}-{mode}-{kind}")
        for source, target in WAYS
        for mode in MODES
        for kind in KINDS
    ]


@pytest.mark.parametrize(("made", "target", "mode"), cases(), indirect=["made"])
def test_copy(world: World, made: Made, request: pytest.FixtureRequest, target: str, mode: str, tmp_path: Path) -> None:
    source = request.node.callspec.params["made"][0]
    options = ["--copy-aliases", "--alias", "more", "--public", "--mode", mode]
    world.lxc.run("image", "copy", f"s{source}:made", f"s{target}:", *options)
    there, here = shown(world.server(target), made.fingerprint), shown(made.server, made.fingerprint)
    assert (there["fingerprint"], there["size"], there["public"]) == (here["fingerprint"], here["size"], True)
    assert aliases(there) == ["made", "more"]
    if mode != "relay":  # there the client sends nothing but the files
        assert (there["properties"], there["expires_at"]) == (here["properties"], here["expires_at"])
    world.server(target).lxc.run("image", "export", made.fingerprint, tmp_path / "back")
    originals = sorted(path.read_bytes() for path in tmp_path.glob("*.gz") if not path.name.startswith("back"))
    assert sorted(path.read_bytes() for path in tmp_path.glob("back*")) == originals


def test_an_image_that_is_there_gets_what_is_asked_for(world: World, tmp_path: Path) -> None:
    made = make(world.ours, tmp_path)
    try:
        world.lxc.run("image", "copy", "sh:made", "si:")
        world.lxc.run("image", "copy", "sh:made", "si:", "--alias", "again", "--public")
        there = shown(world.other, made)
        assert (aliases(there), there["public"]) == (["again"], True)
    finally:
        remove(world, made)


@pytest.mark.parametrize("is_public", [False, True], ids=["private", "public"])
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_an_instance_of_an_image_of_another_server(
    world: World, source: str, target: str, tmp_path: Path, *, is_public: bool
) -> None:
    made = make(world.server(source), tmp_path)
    try:
        if is_public:
            world.server(source).lxc.run("query", "-X", "PATCH", "-d", '{"public": true}', f"/1.0/images/{made}")
        world.lxc.run("init", f"s{source}:made", f"s{target}:one")
        world.lxc.run("init", f"s{source}:made", f"s{target}:two", "-s", "bt")
        there = shown(world.server(target), made)
        assert (there["cached"], there["public"], there["aliases"]) == (True, False, [])
        for name in ("one", "two"):
            config = json.loads(world.server(target).lxc.run("query", f"/1.0/instances/{name}"))["config"]
            assert (config["volatile.base_image"], config["image.os"]) == (made, "Tiny")
            assert world.server(target).lxc.run("file", "pull", f"{name}/hello", "-") == "hi" * 50_000
    finally:
        for name in ("one", "two"):
            world.server(target).lxc.run("delete", name, expect=None)
        remove(world, made)


def test_a_copy_that_is_asked_for_is_no_longer_a_cached_one(world: World, tmp_path: Path) -> None:
    made = make(world.ours, tmp_path)
    try:
        world.lxc.run("init", "sh:made", "si:one")
        world.lxc.run("image", "copy", "sh:made", "si:")
        assert shown(world.other, made)["cached"] is False
    finally:
        world.other.lxc.run("delete", "one", expect=None)
        remove(world, made)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_between_projects_with_images_of_their_own(
    world: World, source: str, target: str, mode: str, tmp_path: Path
) -> None:
    servers = (world.server(source), world.server(target))
    for server in servers:
        server.lxc.run("project", "create", "apart", "-c", "features.images=true")
    made = make(servers[0], tmp_path, "--project", "apart")
    try:
        world.lxc.run("project", "switch", f"s{source}:apart")
        options = ["--target-project", "apart", "--mode", mode]
        world.lxc.run("image", "copy", f"s{source}:made", f"s{target}:", "--alias", "there", *options)
        assert aliases(shown(servers[1], f"{made}?project=apart")) == ["there"]
        assert servers[1].lxc.result("query", f"/1.0/images/{made}").returncode != 0
    finally:
        world.lxc.run("project", "switch", f"s{source}:default")
        for server in servers:
            server.lxc.run("image", "delete", made, "--project", "apart", expect=None)
            server.lxc.run("project", "delete", "apart", expect=None)


def make(server: Server, directory: Path, *options: str) -> str:
    """Import a unified image under the alias `made`; return its fingerprint."""
    server.lxc.run("image", "import", *files_of(directory, "unified", directory.name), "--alias", "made", *options)
    project = "?project=apart" if options else ""
    fingerprint: str = json.loads(server.lxc.run("query", f"/1.0/images/aliases/made{project}"))["target"]
    return fingerprint


def remove(world: World, fingerprint: str) -> None:
    """Delete an image on every server; nothing else of it is left."""
    for each in (world.ours, world.other, world.theirs):
        each.lxc.run("image", "delete", fingerprint, expect=None)
        if isinstance(each, HoldfastServer):
            await_equal(partial(leftovers, each), [])


# --- cuts -------------------------------------------------------------------------------------------------------------

SIZE_BYTES = 400_000
POINTS = [0, 1000, 3000, 10_000, 50_000, 200_000, 399_000]
"""After how many bytes of TLS the line is cut: in the handshake, in the headers, in the file, near its end."""


def https_port(server: Server) -> int:
    config = json.loads(server.lxc.run("query", "/1.0"))["config"]
    return int(config["core.https_address"].rpartition(":")[2])


def make_large(server: Server, directory: Path) -> str:
    """Import an image that does not shrink when it is packed; return its fingerprint."""
    path = directory / "large.tar.gz"
    metadata = METADATA.replace(b"NAME", directory.name.encode())
    path.write_bytes(
        archive({"metadata.yaml": metadata, "rootfs/": b"", "rootfs/noise": random.Random(1).randbytes(SIZE_BYTES)})
    )
    server.lxc.run("image", "import", path, "--alias", "large")
    fingerprint: str = json.loads(server.lxc.run("query", "/1.0/images/aliases/large"))["target"]
    return fingerprint


def token(server: Server, path: str, body: object = None) -> str:
    asked = ["query", "-X", "POST", "-d", json.dumps(body or {}), path]
    secret: str = json.loads(server.lxc.run(*asked))["metadata"]["secret"]
    return secret


@pytest.mark.parametrize(("source", "target", "mode"), [("l", "h", "pull"), ("h", "i", "pull"), ("h", "i", "push")])
def test_threat_a_line_that_is_cut(world: World, source: str, target: str, mode: str, tmp_path: Path) -> None:
    """Whatever has come of the image goes, the secret is used up or not, and the next try succeeds."""
    servers = (world.server(source), world.server(target))
    receiving = servers[1]
    assert isinstance(receiving, HoldfastServer)
    made = make_large(servers[0], tmp_path)
    asked = servers[0] if mode == "pull" else servers[1]
    limits: list[int | None] = []
    port = free_port()
    given = (((None, limits[-1]) if mode == "pull" else (limits[-1], None)) for _ in itertools.count())
    place = {
        "certificate": (asked.directory / "server.crt").read_text(),  # type: ignore[attr-defined]
        "project": "default",
    }

    def carry_out(limit: int | None) -> int:
        limits.append(limit)
        if mode == "pull":
            secret = token(servers[0], f"/1.0/images/{made}/secret")
            wanted = {"type": "image", "mode": "pull", "protocol": "lxd", "fingerprint": made, "secret": secret}
            body: object = {"source": {**wanted, "server": f"https://127.0.0.1:{port}", **place}}
            asking, path = servers[1], "/1.0/images"
        else:
            secret = token(servers[1], "/1.0/images", {"source": {"mode": "push", "fingerprint": made}})
            body = {"target": f"https://127.0.0.1:{port}", "secret": secret, **place}
            asking, path = servers[0], f"/1.0/images/{made}/export"
        return asking.lxc.result("query", "--wait", "-X", "POST", "-d", json.dumps(body), path).returncode

    try:
        with CuttingProxy(port, https_port(asked), given) as proxy:
            for point in POINTS:
                assert carry_out(point) != 0, point
                await_true(lambda: leftovers(receiving) == [], "the end of what had come")
                assert is_absent(receiving, made), point
            assert proxy.cuts >= len(POINTS)
            assert carry_out(None) == 0
        assert shown(receiving, made)["fingerprint"] == made
    finally:
        remove(world, made)


def is_absent(server: Server, fingerprint: str) -> bool:
    return "not found" in server.lxc.result("query", f"/1.0/images/{fingerprint}").stderr.decode().lower()


def test_a_target_that_is_killed_while_it_fetches(world: World, tmp_path: Path) -> None:
    source, files = source_of(archive({"metadata.yaml": METADATA, "rootfs/": b""})), server_files(tmp_path)
    reached = threading.Event()

    def stall(connection: ssl.SSLSocket) -> None:
        connection.sendall(file_answer(b"x" * 100, 1000))
        reached.set()
        assert source.ended.wait(200)

    source.export = stall
    with listening(source, files) as url:
        wanted = {"type": "image", "mode": "pull", "server": url, "certificate": files.pem}
        body = {"source": {**wanted, "fingerprint": source.fingerprint}}
        world.other.lxc.run("query", "-X", "POST", "-d", json.dumps(body), "/1.0/images")
        assert reached.wait(120)
        await_true(lambda: leftovers(world.other) != [], "the first bytes")
        world.other.kill()
    world.other.start()
    assert leftovers(world.other) == []
    assert is_absent(world.other, source.fingerprint)
