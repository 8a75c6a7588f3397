"""The real `lxc` 5.0.2 client, unchanged, against our socket: the words of a working day, one test per noun.

With HOLDFAST_TEST_PEER=lxd the same tests run against the distribution's real LXD: that is how they were checked.
"""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.lxd import LxcClient, LxdServer, require_lxd
from support.waiting import await_true

UNTIL_IT_LISTENS = "until test $((0x$(sed -n 's/^SigCgt:\\t//p' /proc/1/status) & 1 << 29)) != 0; do sleep 0.1; done"
"""Waits until the init of the image handles SIGPWR: what is sent to the first process before that is lost."""


@pytest.fixture(scope="module")
def lxc() -> Iterator[LxcClient]:
    """A server with pools and the image `tiny`, seen through the real client."""
    require_lxd()
    directory = short_directory()
    kind = LxdServer if os.environ.get("HOLDFAST_TEST_PEER") == "lxd" else HoldfastServer
    with kind(directory / "d") as server:
        image = make_tiny_image(directory / "tiny.tar.gz")
        server.lxc.run("image", "import", image, "--alias", "tiny", "description=from a test")
        yield server.lxc
    shutil.rmtree(directory)


@pytest.fixture
def box(lxc: LxcClient) -> Iterator[str]:
    """A running instance on the dir pool."""
    lxc.run("launch", "tiny", "box", "-c", "user.mark=1")
    yield "box"
    for instance in json.loads(lxc.run("list", "--format", "json")):
        lxc.run("delete", "--force", instance["name"])


def test_images(lxc: LxcClient, tmp_path: Path) -> None:
    assert "tiny" in lxc.run("image", "list", "--format", "csv")
    info = yaml.safe_load(lxc.run("image", "info", "tiny").replace("\t", " "))
    assert info["Architecture"] == "x86_64"
    lxc.run("image", "alias", "create", "other", info["Fingerprint"])
    assert "other" in lxc.run("image", "alias", "list", "--format", "csv")
    assert lxc.yaml("image", "show", "other")["properties"]["description"] == "from a test"
    lxc.run("image", "export", "tiny", tmp_path / "exported")
    assert (tmp_path / "exported.tar.gz").stat().st_size > 100_000
    lxc.run("image", "alias", "delete", "other")
    assert "other" not in lxc.run("image", "alias", "list", "--format", "csv")


def test_split_image(lxc: LxcClient, tmp_path: Path) -> None:
    rootfs = tmp_path / "rootfs"
    (rootfs / "sbin").mkdir(parents=True)
    (rootfs / "sbin/init").write_text("#!/bin/sh\n")
    (tmp_path / "metadata.yaml").write_text(f"architecture: x86_64\ncreation_date: {int(time.time())}\n")
    subprocess.run(["tar", "-cJf", "meta.tar.xz", "metadata.yaml"], cwd=tmp_path, check=True)
    subprocess.run(["mksquashfs", "rootfs", "root.squashfs", "-quiet", "-no-progress"], cwd=tmp_path, check=True)
    lxc.run("image", "import", tmp_path / "meta.tar.xz", tmp_path / "root.squashfs", "--alias", "split")
    lxc.run("init", "split", "from-split")
    assert "/bin/sh" in lxc.run("file", "pull", "from-split/sbin/init", "-")
    lxc.run("image", "export", "split", tmp_path / "out")
    assert (tmp_path / "out").exists() or list(tmp_path.glob("out*"))
    lxc.run("delete", "from-split")
    lxc.run("image", "delete", "split")
    assert "split" not in lxc.run("image", "list", "--format", "csv")


def test_list_and_info(lxc: LxcClient, box: str) -> None:
    rows = lxc.run("list", "--format", "csv", "-c", "nst").split()
    assert rows == ["box,RUNNING,CONTAINER"]
    assert "| box" in lxc.run("list")
    info = lxc.run("info", box)
    assert "Name: box" in info
    assert "Status: RUNNING" in info
    assert "Memory usage" in info
    lxc.run("info", box, "--show-log")
    assert "nosuch" not in lxc.run("list", "nosuch", "--format", "csv")
    failed = lxc.result("info", "nosuch")
    assert (failed.returncode, b"Instance not found" in failed.stderr) == (1, True)


@pytest.mark.parametrize("limit", ["100MiB", "50%", ""])
def test_share_of_memory_as_our_command_shows_it(lxc: LxcClient, box: str, limit: str) -> None:
    lxc.run("config", "set", box, f"limits.memory={limit}")
    words = ("list", box, "-c", "nM", "-f", "csv")
    theirs, ours = lxc.run(*words).strip(), Cli(Path(lxc.environment["LXD_SOCKET"])).run(*words).strip()
    assert bool(theirs.removeprefix("box,")) is bool(ours.removeprefix("box,"))
    if limit == "100MiB":
        assert abs(_share(theirs) - _share(ours)) < 1


def _share(row: str) -> float:
    assert row.endswith("%")
    return float(row.removeprefix("box,").removesuffix("%"))


def test_our_command_shows_what_lxc_shows(lxc: LxcClient, box: str) -> None:
    ours = Cli(Path(lxc.environment["LXD_SOCKET"]))
    columns = "n,user.mark,user.mark:my_v1.2.x:0,volatile.base_image:B:3,user.mark:all:-1"
    assert ours.run("list", "-c", columns) == lxc.run("list", "-c", columns)
    lxc.run("exec", box, "--", "ifconfig", "lo", "up")
    addresses = [
        [line for line in text.splitlines() if line.lstrip().startswith("inet")]
        for text in (ours.run("info", box), lxc.run("info", box))
    ]
    assert addresses[0] == addresses[1]
    assert [line.split()[0] for line in addresses[0]] == ["inet:", "inet6:"]


def test_exec_codes_and_streams(lxc: LxcClient, box: str) -> None:
    done = lxc.result("exec", box, "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\n", b"err\n")
    assert lxc.result("exec", box, "--", "no-such-command").returncode == 127
    assert lxc.result("exec", box, "--", "/etc/passwd").returncode == 126
    payload = os.urandom(1_000_000)
    assert lxc.result("exec", box, "--", "cat", stdin=payload).stdout == payload
    shown = lxc.run(
        "exec",
        box,
        "--env",
        "WORD=yes",
        "--user",
        "1000",
        "--cwd",
        "/tmp",
        "--",
        "sh",
        "-c",
        "echo $WORD $(id -u) $(pwd)",
    )
    assert shown.split() == ["yes", "1000", "/tmp"]
    assert lxc.result("exec", box, "--", "sh", "-c", "kill -9 $$").returncode == 137


def test_files_made_inside_have_ordinary_modes(lxc: LxcClient, box: str) -> None:
    """The server's own umask, which keeps its files private, gets neither into init, nor commands, nor a new root."""
    modes = "mkdir /root/d; : > /root/f; stat -c %a /root/d /root/f; grep Umask /proc/1/status"
    assert lxc.run("exec", box, "--", "sh", "-c", modes).split() == ["755", "644", "Umask:", "0022"]
    assert lxc.run("exec", box, "--", "sh", "-c", "echo $container") == "lxc\n"
    lxc.run("restart", "--force", box)
    assert lxc.run("exec", box, "--", "grep", "Umask", "/proc/1/status").split()[1] == "0022"


def test_exec_terminal(lxc: LxcClient, box: str) -> None:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        ["lxc", "exec", box, "-t", "--", "sh", "-c", "tty >/dev/null && echo is-a-tty; read word; echo got-$word"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=lxc.environment,
        start_new_session=True,
    )
    os.close(slave)
    seen = _read_until(master, b"is-a-tty")
    os.write(master, b"pong\n")
    seen += _read_until(master, b"got-pong")
    assert process.wait(timeout=120) == 0
    os.close(master)


def _read_until(descriptor: int, wanted: bytes, timeout_s: float = 120) -> bytes:
    """Read from a terminal until the text appears; fail when it doesn't come in time."""
    seen = b""
    deadline = time.monotonic() + timeout_s
    while wanted not in seen:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"{wanted!r} did not come: {seen!r}"
        seen += os.read(descriptor, 65536)
    return seen


def test_files(lxc: LxcClient, box: str, tmp_path: Path) -> None:
    (tmp_path / "tree/sub").mkdir(parents=True)
    (tmp_path / "tree/sub/file").write_text("content")
    (tmp_path / "tree/link").symlink_to("sub/file")
    lxc.run("file", "push", "-r", tmp_path / "tree", f"{box}/root/")
    assert lxc.run("exec", box, "--", "cat", "/root/tree/link") == "content"
    lxc.run("file", "push", "-", f"{box}/root/new", "--uid", "1000", "--gid", "1001", "--mode", "0640", stdin="typed")
    assert lxc.run("exec", box, "--", "stat", "-c", "%u %g %a", "/root/new").strip() == "1000 1001 640"
    assert lxc.run("file", "pull", f"{box}/root/new", "-") == "typed"
    lxc.run("file", "pull", "-r", f"{box}/root/tree", tmp_path / "back")
    assert (tmp_path / "back/tree/sub/file").read_text() == "content"
    lxc.run("file", "delete", f"{box}/root/new")
    assert lxc.result("file", "pull", f"{box}/root/new", "-").returncode == 1


def test_config(lxc: LxcClient, box: str) -> None:
    lxc.run("config", "set", box, "user.word=one", "limits.memory=256MiB")
    assert lxc.run("config", "get", box, "user.word").strip() == "one"
    lxc.run("config", "unset", box, "user.word")
    assert lxc.run("config", "get", box, "user.word").strip() == ""
    shown = lxc.run("config", "show", box)
    lxc.run("config", "edit", box, stdin=shown.replace('description: ""', "description: edited"))
    assert lxc.yaml("config", "show", box)["description"] == "edited"
    failed = lxc.result("config", "set", box, "nope.key", "1")
    assert (failed.returncode, b"Unknown configuration key: nope.key" in failed.stderr) == (1, True)
    assert lxc.yaml("config", "show", box, "--expanded")["devices"]["root"]["pool"] == "default"


def test_unset_of_a_server_key(lxc: LxcClient) -> None:
    lxc.run("config", "unset", "core.https_address")
    for forgotten in ("web", "core.nothing"):
        failed = lxc.result("config", "unset", forgotten)
        assert (failed.returncode, b"nknown" in failed.stderr) == (1, True)


def test_option_of_a_device_that_is_unset(lxc: LxcClient, box: str) -> None:
    lxc.run("config", "device", "add", box, "data", "disk", "source=/usr/share", "path=/mnt", "readonly=true")
    lxc.run("config", "device", "unset", box, "data", "readonly")
    assert lxc.yaml("config", "show", box)["devices"]["data"] == {
        "type": "disk",
        "source": "/usr/share",
        "path": "/mnt",
    }


def test_profiles(lxc: LxcClient, box: str) -> None:
    lxc.run("profile", "create", "extra")
    lxc.run("profile", "set", "extra", "user.from=profile")
    lxc.run("profile", "add", box, "extra")
    assert lxc.yaml("config", "show", box, "--expanded")["config"]["user.from"] == "profile"
    assert lxc.yaml("profile", "show", "extra")["used_by"] == ["/1.0/instances/box"]
    lxc.run("profile", "remove", box, "extra")
    lxc.run("profile", "delete", "extra")
    assert "extra" not in lxc.run("profile", "list", "--format", "csv")


def test_power(lxc: LxcClient, box: str) -> None:
    lxc.run("pause", box)
    assert "FROZEN" in lxc.run("list", "--format", "csv", "-c", "s")
    lxc.run("start", box)
    lxc.run("restart", box, "--force")
    lxc.run("exec", box, "--", "sh", "-c", UNTIL_IT_LISTENS)
    lxc.run("stop", box, "--timeout", "120")
    assert "STOPPED" in lxc.run("list", "--format", "csv", "-c", "s")
    failed = lxc.result("stop", box)
    assert (failed.returncode, b"already stopped" in failed.stderr) == (1, True)
    lxc.run("start", box)
    failed = lxc.result("start", box)
    assert (failed.returncode, b"already running" in failed.stderr) == (1, True)


@pytest.mark.parametrize("pool", ["default", "bt"])
def test_snapshot_restore_copy_publish(lxc: LxcClient, pool: str) -> None:
    lxc.run("launch", "tiny", "life", "-s", pool)
    try:
        lxc.run("exec", "life", "--", "sh", "-c", "echo precious > /root/data")
        lxc.run("snapshot", "life", "one")
        lxc.run("snapshot", "life")
        lxc.run("exec", "life", "--", "rm", "/root/data")
        lxc.run("restore", "life", "one")
        assert lxc.run("exec", "life", "--", "cat", "/root/data") == "precious\n"
        info = lxc.run("info", "life")
        assert "one" in info
        assert "snap0" in info
        lxc.run("copy", "life/one", "from-one")
        assert lxc.run("file", "pull", "from-one/root/data", "-") == "precious\n"
        lxc.run("copy", "life", "twin", "--stateless")
        assert "snap0" in lxc.run("info", "twin")
        lxc.run("rename", "twin", "twin2")
        lxc.run("rename", "twin2/snap0", "twin2/kept")
        assert "kept" in lxc.run("info", "twin2")
        lxc.run("publish", "life/one", "--alias", "published", "description=made here")
        lxc.run("launch", "published", "again", "-s", pool)
        assert lxc.run("exec", "again", "--", "cat", "/root/data") == "precious\n"
        lxc.run("delete", "life/one")
        assert "one" not in lxc.run("info", "life").partition("Snapshots:")[2]
        failed = lxc.result("restore", "life", "one")
        assert (failed.returncode, b"one" in failed.stderr) == (1, True)
    finally:
        for name in ("life", "from-one", "twin", "twin2", "again"):
            lxc.run("delete", "--force", name, expect=None)
        lxc.run("image", "delete", "published", expect=None)


@pytest.mark.parametrize("pool", ["default", "bt"])
@pytest.mark.parametrize("compression", ["", "zstd", "none"])
def test_export_import(lxc: LxcClient, tmp_path: Path, pool: str, compression: str) -> None:
    lxc.run("launch", "tiny", "source", "-s", pool)
    try:
        lxc.run("exec", "source", "--", "sh", "-c", "echo first > /root/data; chown 1000:1000 /root/data")
        lxc.run("snapshot", "source", "first")
        lxc.run("exec", "source", "--", "sh", "-c", "echo second > /root/data")
        flags = ["--compression", compression] if compression else []
        lxc.run("export", "source", tmp_path / "file", *flags)
        failed = lxc.result("import", tmp_path / "file")
        assert failed.returncode == 1
        lxc.run("import", tmp_path / "file", "back", "-s", pool)
        lxc.run("start", "back")
        assert lxc.run("exec", "back", "--", "cat", "/root/data") == "second\n"
        lxc.run("restore", "back", "first")
        assert lxc.run("exec", "back", "--", "cat", "/root/data") == "first\n"
        assert lxc.run("exec", "back", "--", "stat", "-c", "%u", "/root/data").strip() == "1000"
    finally:
        for name in ("source", "back"):
            lxc.run("delete", "--force", name, expect=None)


def test_storage(lxc: LxcClient) -> None:
    assert "btrfs" in lxc.run("storage", "list", "--format", "csv")
    assert lxc.yaml("storage", "show", "bt")["driver"] == "btrfs"
    assert "total space" in lxc.run("storage", "info", "bt")
    lxc.run("storage", "create", "third", "dir")
    lxc.run("storage", "set", "third", "user.note=x", expect=None)
    lxc.run("storage", "delete", "third")
    failed = lxc.result("storage", "show", "third")
    assert (failed.returncode, b"not found" in failed.stderr) == (1, True)
    assert lxc.result("storage", "create", "bad", "nosuchdriver").returncode == 1


def test_query_and_operations(lxc: LxcClient, box: str) -> None:
    assert json.loads(lxc.run("query", "/1.0/instances")) == ["/1.0/instances/box"]
    body = json.dumps({"name": "asked"})
    lxc.run("query", "--wait", "-X", "POST", "-d", body, f"/1.0/instances/{box}/snapshots")
    assert json.loads(lxc.run("query", f"/1.0/instances/{box}/snapshots")) == ["/1.0/instances/box/snapshots/asked"]
    lxc.run("operation", "list")
    assert lxc.result("query", "/1.0/nosuchendpoint").returncode == 1


def test_monitor(lxc: LxcClient, box: str) -> None:
    process = subprocess.Popen(
        ["lxc", "monitor", "--type", "lifecycle", "--format", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=lxc.environment,
    )
    try:
        assert process.stdout is not None
        number = 0
        seen = b""
        while b"instance-snapshot-created" not in seen:  # the monitor may connect after the first snapshots
            lxc.run("snapshot", box, f"watched{number}")
            number += 1
            ready, _, _ = select.select([process.stdout], [], [], 2)
            if ready:
                seen += os.read(process.stdout.fileno(), 65536)
            assert number < 30, "no event came"
    finally:
        process.terminate()
        process.wait()


def test_console_log(lxc: LxcClient, box: str) -> None:
    await_true(lambda: "booted" in lxc.run("console", box, "--show-log"), "the words of a container that boots")


def test_delete_of_running_is_refused(lxc: LxcClient, box: str) -> None:
    assert lxc.result("delete", box).returncode == 1
    assert "box" in lxc.run("list", "--format", "csv", "-c", "n")
