"""`holdfast backup test`: an export is tried under a name of its own, and nothing of it is left, whatever comes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli import COMMAND, Cli
from support.holdfast import HoldfastServer
from support.images import make_tiny_image
from support.waiting import LONG_S, await_true

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]


@pytest.fixture(scope="module")
def cli(server: HoldfastServer, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    cli = Cli(server.socket)
    cli.run("image", "import", make_tiny_image(tmp_path_factory.mktemp("image") / "tiny.tar.gz"), "--alias", "tiny")
    return cli


@pytest.fixture(scope="module")
def good(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of an instance with all that a test must leave out, and a held snapshot."""
    source = tmp_path_factory.mktemp("shared")
    cli.run("init", "tiny", "good", "-c", "snapshots.schedule=@hourly", "-c", "security.protection.delete=true")
    cli.run("config", "device", "add", "good", "shared", "disk", f"source={source}", "path=/mnt")
    cli.run("snapshot", "good", "one")
    cli.run("snapshot", "hold", "good/one")
    path = tmp_path_factory.mktemp("exports") / "good.tar.gz"
    cli.run("export", "good", path)
    cli.run("config", "unset", "good", "security.protection.delete")
    cli.run("snapshot", "release", "good/one")
    cli.run("delete", "good")
    return path


@pytest.fixture
def nothing_left(server: HoldfastServer, cli: Cli) -> Iterator[None]:
    before = _everything(server, cli)
    yield
    assert _everything(server, cli) == before


def _everything(server: HoldfastServer, cli: Cli) -> dict[str, list[str]]:
    pools = [server.directory / "storage-pools" / pool for pool in ("default", "bt")]
    folders = [pool / folder for pool in pools for folder in ("containers", "custom", "custom-snapshots")]
    found = {str(folder): sorted(os.listdir(folder)) for folder in folders if folder.is_dir()}
    found["instances"] = [each["name"] for each in json.loads(cli.run("list", "--format", "json"))]
    found["incoming"] = sorted(os.listdir(server.directory / "backups/.incoming"))
    return found


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("pool", ["default", "bt"])
def test_a_good_one_comes_up(cli: Cli, good: Path, pool: str) -> None:
    document = json.loads(cli.run("backup", "test", good, "-s", pool, "--format", "json"))
    assert document["healthy"] and document["name"] == "good" and document["snapshots"] == ["one"]
    assert 0 <= document["boot_seconds"] < 60


@pytest.mark.usefixtures("nothing_left")
def test_a_command_is_run_without_network_and_disks_of_others(cli: Cli, good: Path) -> None:
    command = "ls /sys/class/net; ls -d /mnt/. 2>&1; echo done"
    text = cli.run("backup", "test", good, "--command", command)
    assert "comes up" in text and "done" in text
    assert "eth0" not in text


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("pool", ["default", "bt"])
def test_volumes_of_the_file_are_there(server: HoldfastServer, cli: Cli, tmp_path: Path, pool: str) -> None:
    """Under names of their own, beside those that are still in use; the held snapshot goes with them."""
    cli.run("init", "tiny", "full", "-s", pool)
    cli.run("storage", "volume", "create", "bt", "data", "snapshots.schedule=@hourly")
    cli.run("storage", "volume", "attach", "bt", "data", "full", "/srv")
    (server.directory / "storage-pools/bt/custom/default_data/x").write_text("content")
    cli.run("storage", "volume", "snapshot", "bt", "data", "one")
    cli.run("storage", "volume", "hold", "bt", "data/one")
    try:
        cli.run("export", "full", tmp_path / "file", "--with-volumes")
        cli.run("storage", "volume", "release", "bt", "data/one")
        before = _everything(server, cli)
        document = json.loads(
            cli.run("backup", "test", tmp_path / "file", "--command", "cat /srv/x", "--format", "json")
        )
        assert document["healthy"] and document["output"] == "content" and document["volumes"] == ["bt/data"]
        assert _everything(server, cli) == before
        assert "1 volume" in cli.run("backup", "test", tmp_path / "file", "-s", "default")
    finally:
        cli.run("delete", "full")
        cli.result("storage", "volume", "release", "bt", "data/one")
        cli.run("storage", "volume", "delete", "bt", "data")


@pytest.mark.usefixtures("nothing_left")
def test_a_command_that_fails_is_told(cli: Cli, good: Path) -> None:
    done = cli.result("backup", "test", good, "--command", "echo broken; exit 7", "--timeout", "6")
    assert done.returncode == 1
    assert b"exit code 7" in done.stderr and b"broken" in done.stdout


@pytest.mark.usefixtures("nothing_left")
def test_a_command_that_hangs_is_ended(cli: Cli, good: Path) -> None:
    done = cli.result("backup", "test", good, "--command", "echo waits; sleep 1000", "--timeout", "6")
    assert done.returncode == 1
    assert b"did not end" in done.stderr and b"waits" in done.stdout


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("init", [None, "#!/bin/sh\necho cannot go on > /dev/console\nexit 1\n"])
def test_one_that_does_not_start_is_told(server: HoldfastServer, cli: Cli, tmp_path: Path, init: str | None) -> None:
    """Its init is missing, or ends at once."""
    cli.run("init", "tiny", "bad")
    path = server.directory / "storage-pools/default/containers/bad/rootfs/sbin/init"
    path.unlink()
    if init is not None:
        path.write_text(init)
        path.chmod(0o755)
    cli.run("export", "bad", tmp_path / "bad.tar.gz")
    cli.run("delete", "bad")
    assert cli.run("backup", "verify", tmp_path / "bad.tar.gz")
    done = cli.result("backup", "test", tmp_path / "bad.tar.gz")
    assert done.returncode == 1
    assert b"does not come up" in done.stdout


@pytest.mark.usefixtures("nothing_left")
def test_a_damaged_file_is_told(cli: Cli, good: Path, tmp_path: Path) -> None:
    data = bytearray(good.read_bytes())
    middle = len(data) // 2  # eight bytes: a single bit may mean nothing in a gzip file
    data[middle : middle + 8] = bytes(each ^ 0xFF for each in data[middle : middle + 8])
    (tmp_path / "damaged.tar.gz").write_bytes(data)
    cli.fails("backup", "test", tmp_path / "damaged.tar.gz")
    assert "seconds" in cli.fails("backup", "test", good, "--timeout", "0")


@pytest.mark.usefixtures("nothing_left")
def test_an_interrupt_removes_it(server: HoldfastServer, cli: Cli, good: Path) -> None:
    process = subprocess.Popen(
        [COMMAND, "backup", "test", good, "--command", "sleep 1000", "--timeout", "600"],
        env=cli.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a run in the background ignores it
    )
    assert process.poll() is None
    await_true(lambda: _running_tests(cli) == 1, "the test runs")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LONG_S)
    assert process.returncode == 1
    await_true(lambda: not json.loads(cli.run("list", "--format", "json")), "the test is removed")


def _running_tests(cli: Cli) -> int:
    return sum(each["status"] == "Running" for each in json.loads(cli.run("list", "--format", "json")))
