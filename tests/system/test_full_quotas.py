"""Root disks and volumes that are full to their own limit: they come back within it, or what to do is said."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.invariants import violations
from support.pools import rootfs, volume_tree
from support.trees import describe, differences

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "mkfs.btrfs", "busybox")]


MIB = 2**20


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


def _is_limited(tree: Path, size_bytes: int) -> bool:
    """Tell whether nothing of this size can be written."""
    path = tree / "more"
    try:
        with path.open("wb") as file:
            file.write(os.urandom(size_bytes))
            os.fsync(file.fileno())
    except OSError:
        return True
    finally:
        path.unlink(missing_ok=True)
    return False


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
    said = world.cli.fails("import", path, "again", "-d", "root,size=8MiB")
    assert 'root disk of "again" is to have a size of 8MiB, and that is too small' in said
    assert "-d root,size=" in said
    world.cli.run("import", path, "again")
    assert _is_limited(rootfs(world.server, "bt", "again"), MIB)


VOLUME = ("storage", "volume")
SIZE = 6 * MIB


@pytest.fixture(scope="module")
def volume(world: World) -> Path:
    """The tree of the volume `vol`, full of small files, as where the file system's own entries take most of it."""
    world.cli.run(*VOLUME, "create", "bt", "vol", f"size={SIZE}")
    tree = volume_tree(world.server, "bt", "vol")
    with suppress(OSError):
        for number in range(100_000):
            (tree / str(number)).write_bytes(os.urandom(1000))
    return tree


@pytest.mark.parametrize("options", [(), ("--optimized-storage",)])
def test_a_full_volume_is_imported_into_its_own_size(world: World, volume: Path, options: tuple[str, ...]) -> None:
    path, name = str(world.directory / f"vol{len(options)}.tar.gz"), f"imported{len(options)}"
    world.cli.run(*VOLUME, "export", "bt", "vol", path, *options)
    world.cli.run(*VOLUME, "import", "bt", path, name)
    assert differences(describe(volume), describe(volume_tree(world.server, "bt", name))) == []
    assert _is_limited(volume_tree(world.server, "bt", name), MIB)


def test_a_volume_that_is_full_of_large_files_has_an_optimized_form(world: World) -> None:
    world.cli.run(*VOLUME, "create", "bt", "large", f"size={3 * SIZE}")
    _fill(volume_tree(world.server, "bt", "large"))
    path = str(world.directory / "large.tar.gz")
    world.cli.run(*VOLUME, "export", "bt", "large", path, "--optimized-storage")
    world.cli.run(*VOLUME, "import", "bt", path, "larger")
    one, other = (sorted(volume_tree(world.server, "bt", name).iterdir()) for name in ("large", "larger"))
    assert [each.read_bytes() for each in one] == [each.read_bytes() for each in other]


@pytest.mark.usefixtures("volume")
def test_a_full_volume_crosses_from_another_kind_of_pool(world: World) -> None:
    """And has its own size in the end; what is far larger is refused, with what to do."""
    world.cli.environment["HOLDFAST_CONF"] = str(world.directory / "conf")
    world.cli.run("remote", "add", "again", f"unix://{world.server.socket}")
    world.cli.run(*VOLUME, "copy", "bt/vol", "default/plain")
    plain = volume_tree(world.server, "default", "plain")
    for _ in range(2):
        copy = (*VOLUME, "copy", "default/plain", "again:bt/crossed", "--mode", "relay")
        world.cli.run(*copy, "--refresh")
        assert differences(describe(plain), describe(volume_tree(world.server, "bt", "crossed"))) == []
        assert _is_limited(volume_tree(world.server, "bt", "crossed"), MIB)
        (plain / "0").write_bytes(b"changed")
    (plain / "large").write_bytes(os.urandom(40 * MIB))
    said = world.cli.fails(*VOLUME, "copy", "default/plain", "again:bt/other", "--mode", "relay")
    assert 'Volume "other" is to have a size of 6MiB, and that is too small for what is in it: give it a larger' in said


def test_a_volume_that_holds_more_than_its_size_can_be_given_more(world: World, volume: Path) -> None:
    """The kernel refuses that by way of the volume itself."""
    world.cli.run(*VOLUME, "set", "bt", "vol", "size=2MiB")
    world.cli.run(*VOLUME, "set", "bt", "vol", f"size={SIZE}")
    assert _is_limited(volume, MIB)
    world.cli.run(*VOLUME, "set", "bt", "vol", f"size={3 * SIZE}")
    assert not _is_limited(volume, MIB)


def test_what_is_full_has_an_optimized_form(world: World) -> None:
    """Its document comes beside what fills the size, in a copy that none is set for."""
    path = str(world.directory / "optimized.tar.gz")
    world.cli.run("export", "full", path, "--optimized-storage")
    world.cli.run("import", path, "more")
    folders = [rootfs(world.server, "bt", name) / "data" for name in ("full", "more")]
    assert [each.read_bytes() for each in sorted(folders[0].iterdir())] == [
        each.read_bytes() for each in sorted(folders[1].iterdir())
    ]
