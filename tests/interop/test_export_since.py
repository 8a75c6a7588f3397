"""Incremental files at real LXD 5.0.2 and Incus 6.0: refused, also where they have the base, and nothing is left."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.incus import IncusServer
from support.lxd import LxdServer, require_lxd

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "lxd", "mkfs.btrfs")]


@pytest.fixture(scope="module")
def files() -> Iterator[Path]:
    """A directory with `base`, an optimized export of `web` with the snapshot `one`, and `newer`: what came then."""
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "h") as ours:
        cli = Cli(ours.socket)
        cli.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        cli.run("init", "tiny", "web", "-s", "bt")
        ours.lxc.run("file", "push", "-", "web/root/x", stdin="old")
        cli.run("snapshot", "web", "one")
        cli.run("export", "web", directory / "base", "--optimized-storage", "--compression", "none")
        ours.lxc.run("file", "push", "-", "web/root/x", stdin="new")
        cli.run("snapshot", "web", "two")
        cli.run("export", "web", directory / "newer", "--since", "one", "--compression", "none")
        cli.run("export", "web", directory / "alone", "--since", "one", "--instance-only", "--compression", "none")
        yield directory
    shutil.rmtree(directory)


@pytest.mark.parametrize("name", ["newer", "alone"])
def test_lxd_refuses_it(files: Path, name: str) -> None:
    directory = short_directory()
    try:
        with LxdServer(directory / "l") as theirs:
            for there in ("", "base\n"):
                refused = theirs.lxc.refused("import", files / name, "taken", "-s", "bt")
                assert refused.returncode != 0 and b"nvalid instance type" in refused.stderr, refused.stderr
                assert theirs.lxc.run("list", "--format", "csv", "-c", "n") == there
                pool = theirs.directory / "storage-pools/bt"
                assert [path.name for path in (pool / "containers").iterdir()] == there.split()
                if not there:
                    theirs.lxc.run("import", files / "base", "base", "-s", "bt")
            theirs.lxc.run("delete", "base")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.long
@pytest.mark.needs("incusd", "incus")
@pytest.mark.parametrize("name", ["newer", "alone"])
def test_incus_refuses_it(files: Path, name: str) -> None:
    directory = short_directory()
    try:
        with IncusServer(directory / "i") as theirs:
            for there in ("", "base\n"):
                theirs.run("import", str(files / name), "taken", "-s", "bt", expect=1)
                assert theirs.run("list", "--format", "csv", "-c", "n") == there
                if not there:
                    theirs.run("import", str(files / "base"), "base", "-s", "bt")
            theirs.run("delete", "base")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
