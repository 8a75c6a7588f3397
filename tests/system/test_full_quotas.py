"""Root disks that are full to their own limit: what is said when what is in them doesn't come back within it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.invariants import violations
from support.pools import rootfs

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "mkfs.btrfs", "busybox")]


@dataclass
class World:
    """A server with the instance `full` in its btrfs pool, whose root disk is full, and our command."""

    server: HoldfastServer
    cli: Cli
    directory: Path


def _fill(path: Path) -> None:
    """Write until nothing more fits."""
    number = 0
    for size in (2**20, 4096):
        while True:
            try:
                with (path / str(number)).open("wb") as file:
                    file.write(os.urandom(size))
                    os.fsync(file.fileno())
            except OSError:
                break
            number += 1


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    directory = short_directory()
    image = make_tiny_image(directory / "tiny.tar.gz")
    with HoldfastServer(directory / "h") as server:
        server.lxc.run("image", "import", image, "--alias", "tiny")
        server.lxc.run("init", "tiny", "full", "-s", "bt", "-d", "root,size=30MiB")
        folder = rootfs(server, "bt", "full") / "data"
        folder.mkdir(exist_ok=True)
        _fill(folder)
        yield World(server, Cli(server.socket), directory)
        assert violations(server) == []
    shutil.rmtree(directory)


def test_an_import_names_the_size_that_is_too_small(world: World) -> None:
    path = str(world.directory / "full.tar.gz")
    world.cli.run("export", "full", path)
    said = world.cli.fails("import", path, "again")
    assert 'root disk of "again" is to have a size of 30MiB, and that is too small' in said
    assert "-d root,size=" in said
    world.cli.run("import", path, "again", "-d", "root,size=60MiB")


def test_what_is_full_has_an_optimized_form(world: World) -> None:
    """Its document comes beside what fills the size, in a copy that none is set for."""
    path = str(world.directory / "optimized.tar.gz")
    world.cli.run("export", "full", path, "--optimized-storage")
    world.cli.run("import", path, "more")
    folders = [rootfs(world.server, "bt", name) / "data" for name in ("full", "more")]
    assert [each.read_bytes() for each in sorted(folders[0].iterdir())] == [
        each.read_bytes() for each in sorted(folders[1].iterdir())
    ]
