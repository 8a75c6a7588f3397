"""Our command line about volumes, against our own server."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.cli import Cli
from support.cli_volumes import volumes_day
from support.holdfast import HoldfastServer
from support.images import make_tiny_image
from support.invariants import violations

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]


@pytest.fixture(scope="module")
def cli(server: HoldfastServer, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Our command on the socket of a server that has the image `tiny`."""
    cli = Cli(server.socket)
    image = make_tiny_image(tmp_path_factory.mktemp("image") / "tiny.tar.gz")
    cli.run("image", "import", image, "--alias", "tiny")
    return cli


@pytest.mark.parametrize(("pool", "other"), [("default", "bt"), ("bt", "default")])
def test_a_day_with_volumes(cli: Cli, server: HoldfastServer, pool: str, other: str) -> None:
    volumes_day(cli, pool, other)
    assert violations(server) == []


def test_info_without_known_usage(cli: Cli) -> None:
    """A dir pool can't tell what a volume uses: the rest is shown all the same."""
    cli.run("storage", "volume", "create", "default", "plain", "--description", "for a test")
    assert cli.run("storage", "volume", "info", "default", "plain") == (
        "Name: plain\nDescription: for a test\nType: custom\nContent type: filesystem\n"
    )
    cli.run("storage", "volume", "delete", "default", "plain")


def test_an_instance_is_made_with_a_volume_of_a_pool_whose_name_comes_later(cli: Cli) -> None:
    """The image's own volume in the pool is made while the custom volume is held."""
    cli.run("storage", "volume", "create", "default", "later")
    device = ("-d", "v,type=disk", "-d", "v,source=later", "-d", "v,pool=default", "-d", "v,path=/v")
    cli.run("init", "tiny", "early", "-s", "bt", *device)
    assert "path: /v" in cli.run("config", "device", "show", "early")
    cli.run("delete", "early")
    cli.run("storage", "volume", "delete", "default", "later")


def test_instance_and_volumes_together(cli: Cli) -> None:
    cli.run("launch", "tiny", "keeper")
    cli.run("storage", "volume", "create", "bt", "files")
    cli.run("storage", "volume", "attach", "bt", "files", "keeper", "/data")
    write = ("exec", "keeper", "--", "sh", "-c")
    cli.run(*write, "echo old | tee /data/x > /root/x")
    cli.run("snapshot", "keeper", "all", "--disk-volumes=all-exclusive")
    cli.run("snapshot", "hold", "keeper/all")
    assert "held: true" in cli.run("storage", "volume", "show", "bt", "files/all")
    cli.run("snapshot", "release", "keeper/all")
    assert "held: false" in cli.run("storage", "volume", "show", "bt", "files/all")
    cli.run(*write, "echo new | tee /data/x > /root/x")
    cli.run("restore", "keeper", "all")
    assert cli.run("exec", "keeper", "--", "cat", "/root/x", "/data/x") == "old\nnew\n"
    cli.run("restore", "keeper", "all", "--disk-volumes=all-exclusive")
    assert cli.run("exec", "keeper", "--", "cat", "/root/x", "/data/x") == "old\nold\n"
    refused = cli.fails("query", "-X", "POST", "-d", '{"disk_volumes_mode": "some"}', "/1.0/instances/keeper/snapshots")
    assert "it is root or all-exclusive" in refused
    cli.run("delete", "--force", "keeper")
    cli.run("storage", "volume", "delete", "bt", "files")


def test_wrong_words_are_told(cli: Cli) -> None:
    assert "POOL/VOLUME" in _usage(cli, "copy", "files", "default/x")
    assert "is a snapshot" in _usage(cli, "attach", "default", "files/one", "keeper", "/x")
    assert "stays with its volume" in _usage(cli, "rename", "default", "files/one", "other/one")


def test_who_uses_a_volume_and_what_its_snapshots_can_be_called(cli: Cli) -> None:
    cli.run("storage", "volume", "create", "bt", "used")
    cli.run("init", "tiny", "user")
    cli.run("profile", "create", "shares")
    try:
        cli.run("storage", "volume", "attach", "bt", "used", "user", "/data")
        cli.run("storage", "volume", "attach-profile", "bt", "used", "shares", "/data")
        told = cli.fails("storage", "volume", "delete", "bt", "used")
        assert told == "The storage volume is still in use: instance user, profile shares"
        told = cli.fails("storage", "volume", "snapshot", "bt", "used", "a b")
        assert told == "Invalid volume snapshot name: Cannot contain space or / characters"
    finally:
        cli.run("delete", "user")
        cli.run("profile", "delete", "shares")
        cli.run("storage", "volume", "delete", "bt", "used")


def test_a_missing_snapshot_is_told_from_a_missing_volume(cli: Cli, tmp_path: Path) -> None:
    def fails(*words: str) -> str:
        return cli.fails("storage", "volume", *words)

    cli.run("storage", "volume", "create", "bt", "full")
    try:
        cli.run("storage", "volume", "snapshot", "bt", "full", "one")
        cli.run("storage", "volume", "snapshot", "bt", "full", "two")
        told = '"full" in pool "bt" has no snapshot "nope"'
        assert told in fails("file", "list", "bt", "full/", "--snapshot", "nope")
        assert told in fails("export", "bt", "full", str(tmp_path / "x"), "--snapshot", "nope")
        assert told in fails("diff", "bt", "full/one", "nope")
        assert told in fails("diff", "bt", "full/nope")
        assert told in fails("hold", "bt", "full/nope")
        assert told in fails("show", "bt", "full/nope")
        assert told in fails("delete", "bt", "full/nope")
        assert told in fails("rename", "bt", "full/nope", "full/other")
        assert told in fails("copy", "bt/full/nope", "bt/other")
        assert "no snapshot" not in fails("hold", "bt", "gone/one")
        assert 'there is no directory "/nope"' in fails("diff", "bt", "full/one", "--path", "/nope")
        assert "0 added" in cli.run("storage", "volume", "diff", "bt", "full/one", "full/two")
        assert "is no snapshot of full" in fails("diff", "bt", "full/one", "else/two")
    finally:
        cli.run("storage", "volume", "delete", "bt", "full")


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (("info", "default", "container/web"), "`holdfast info web`"),
        (("export", "default", "container/web", "x"), "`holdfast export web`"),
        (("copy", "default/container/web", "default/data"), "`holdfast copy web`"),
        (("info", "default", "image/58d5"), "`holdfast image info 58d5`"),
        (("diff", "default", "container/web/snap0"), "`holdfast snapshot diff web`"),
    ],
)
def test_what_changes_nothing_says_what_the_volume_is(cli: Cli, words: tuple[str, ...], remedy: str) -> None:
    told = cli.fails("storage", "volume", *words)
    assert "is the root disk of the" in told
    assert remedy in told


def _usage(cli: Cli, *words: str) -> str:
    done = cli.result("storage", "volume", *words)
    assert done.returncode != 0
    return done.stderr.decode()


def test_an_export_can_be_imported_where_the_volume_is_missing(cli: Cli, tmp_path: Path) -> None:
    """What was saved must come back; what it lacks is told when it is started, by name."""
    cli.run("init", "tiny", "keeper")
    cli.run("storage", "volume", "create", "default", "files")
    cli.run("storage", "volume", "attach", "default", "files", "keeper", "/data")
    cli.run("export", "keeper", tmp_path / "keeper.tar.gz")
    cli.run("delete", "keeper")
    cli.run("storage", "volume", "delete", "default", "files")
    cli.run("import", tmp_path / "keeper.tar.gz")
    assert 'device "files": Failed loading custom volume' in cli.fails("start", "keeper")
    cli.run("storage", "volume", "create", "default", "files")
    cli.run("start", "keeper")
    assert cli.run("exec", "keeper", "--", "ls", "-d", "/data") == "/data\n"
    cli.run("delete", "--force", "keeper")
    cli.run("storage", "volume", "delete", "default", "files")
