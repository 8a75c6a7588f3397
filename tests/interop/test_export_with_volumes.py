"""A file with the volumes of an instance at real LXD 5.0.2 and Incus 6.0: they take the instance, and see no volumes.

Neither takes an instance in whose devices name volumes that aren't there, whatever file it is in: they say which device
it is, and nothing is left. With volumes of those names, empty ones too, it comes in.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.incus import IncusServer
from support.lxd import LxdServer, require_lxd
from support.pools import rootfs
from support.trees import describe, differences, make_rich_tree

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "lxd", "mkfs.btrfs", "setfacl")]
FORMS = [("default", False), ("bt", False), ("bt", True)]


@pytest.fixture(scope="module")
def ours() -> Iterator[HoldfastServer]:
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "h") as server:
        server.lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        yield server
    shutil.rmtree(directory)


@pytest.fixture
def exported(ours: HoldfastServer, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A file of `rich` with its volume `data` (at /srv), both with a snapshot."""
    pool, is_optimized = request.param
    cli = Cli(ours.socket)
    try:
        ours.lxc.run("init", "tiny", "rich", "-s", pool)
        make_rich_tree(rootfs(ours, pool, "rich"))
        cli.run("storage", "volume", "create", pool, "data")
        cli.run("storage", "volume", "attach", pool, "data", "rich", "/srv")
        make_rich_tree(ours.directory / "storage-pools" / pool / "custom/default_data")
        ours.lxc.run("snapshot", "rich", "first")
        cli.run("storage", "volume", "snapshot", pool, "data", "first")
        options = ["--optimized-storage"] if is_optimized else []
        cli.run("export", "rich", tmp_path / "file", "--with-volumes", "--compression", "none", *options)
        yield tmp_path / "file"
    finally:
        ours.lxc.run("delete", "--force", "rich", expect=None)
        cli.result("storage", "volume", "delete", pool, "data")


@pytest.mark.parametrize(("exported", "pool"), [(form, form[0]) for form in FORMS], indirect=["exported"])
def test_lxd_takes_the_instance(ours: HoldfastServer, exported: Path, pool: str) -> None:
    directory = short_directory()
    try:
        with LxdServer(directory / "l") as theirs:
            refused = theirs.lxc.refused("import", exported, "taken", "-s", pool)
            assert refused.returncode != 0 and b'device "data"' in refused.stderr
            assert theirs.lxc.run("list", "--format", "csv") == ""
            theirs.lxc.run("storage", "volume", "create", pool, "data")
            theirs.lxc.run("import", exported, "taken", "-s", pool)
            for snapshot in ("first", ""):
                there, here = rootfs(theirs, pool, "taken", snapshot), rootfs(ours, pool, "rich", snapshot)
                assert differences(describe(here), describe(there)) == []
            assert len(json.loads(theirs.lxc.run("query", f"/1.0/storage-pools/{pool}/volumes/custom"))) == 1
            shown = theirs.lxc.yaml("config", "show", "taken")
            assert shown["devices"]["data"]["source"] == "data"
            theirs.lxc.run("start", "taken")
            assert theirs.lxc.run("exec", "taken", "--", "ls", "/srv") == ""
            theirs.lxc.run("delete", "--force", "taken")
            theirs.lxc.run("storage", "volume", "delete", pool, "data")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.mark.long
@pytest.mark.needs("incusd", "incus")
@pytest.mark.parametrize(("exported", "pool"), [(form, form[0]) for form in FORMS], indirect=["exported"])
def test_incus_takes_the_instance(ours: HoldfastServer, exported: Path, pool: str) -> None:
    directory = short_directory()
    try:
        with IncusServer(directory / "i") as theirs:
            theirs.run("storage", "volume", "create", pool, "data")
            theirs.run("import", str(exported), "taken", "-s", pool)
            for snapshot in ("first", ""):
                there, here = rootfs(theirs, pool, "taken", snapshot), rootfs(ours, pool, "rich", snapshot)
                assert differences(describe(here), describe(there)) == []
            assert len(json.loads(theirs.run("query", f"/1.0/storage-pools/{pool}/volumes/custom"))) == 1
            theirs.run("start", "taken")
            theirs.run("delete", "--force", "taken")
            theirs.run("storage", "volume", "delete", pool, "data")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
