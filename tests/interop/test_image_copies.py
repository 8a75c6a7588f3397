"""Images cross between Holdfast and the distribution's real LXD 5.0.2, both ways, by the real client in every mode."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.between import MODES, WAYS, World, is_gone, servers
from support.holdfast import HoldfastServer
from support.image_world import archive
from support.rich import Server

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
    for each in (world.ours, world.other, world.theirs):
        each.lxc.run("image", "delete", fingerprint, expect=None)
        if isinstance(each, HoldfastServer):
            assert leftovers(each) == []


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
