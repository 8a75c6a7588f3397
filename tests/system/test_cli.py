"""Our command line against our own server: a working day, terminals, events, progress, permissions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.cli import COMMAND, Cli, working_day
from support.holdfast import HoldfastServer
from support.images import make_tiny_image
from support.invariants import violations
from support.kills import kill_at
from support.nobody import AS_NOBODY
from support.waiting import LONG_S, await_equal, await_true

pytestmark = [pytest.mark.root]


@pytest.fixture(scope="module")
def cli(server: HoldfastServer, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Our command on the socket of a server that has the image `tiny`."""
    cli = Cli(server.socket)
    image = make_tiny_image(tmp_path_factory.mktemp("image") / "tiny.tar.gz")
    cli.run("image", "import", image, "--alias", "tiny")
    return cli


@pytest.fixture
def box(cli: Cli) -> Iterator[str]:
    """A running instance."""
    cli.run("launch", "tiny", "box")
    yield "box"
    cli.run("delete", "--force", "box")


@pytest.mark.parametrize("pool", ["default", "bt"])
def test_a_working_day(cli: Cli, tmp_path: Path, pool: str) -> None:
    working_day(cli, tmp_path, pool)


def test_terminal_has_size_keys_and_exit_code(cli: Cli, box: str) -> None:
    script = "stty size; trap 'stty size; exit 5' WINCH; echo ready; while :; do sleep 0.1; done"
    terminal = cli.start_on_terminal("exec", box, "--", "sh", "-c", script)
    terminal.expect(b"30 100")
    terminal.expect(b"ready")
    terminal.resize(77, 22)
    os.kill(terminal.process.pid, 28)  # SIGWINCH: it leads its own session, but has no controlling terminal
    terminal.expect(b"22 77")
    assert terminal.end() == 5


def test_interrupt_reaches_the_command(cli: Cli, box: str) -> None:
    terminal = cli.start_on_terminal(
        "exec", box, "--", "sh", "-c", "trap 'exit 9' INT; echo ready; while :; do sleep 0.1; done"
    )
    terminal.expect(b"ready")
    terminal.write(b"\x03")
    assert terminal.end() == 9


def test_progress_is_for_terminals_only(cli: Cli, box: str, tmp_path: Path) -> None:
    assert cli.result("export", box, tmp_path / "a.tar", "--compression", "none").stderr == b""
    terminal = cli.start_on_terminal("export", box, str(tmp_path / "b.tar"), "--compression", "none")
    assert terminal.end() == 0
    assert b"Exporting box: " in terminal.seen
    assert b"\r\x1b[KExported box to" in terminal.seen  # in a line of its own
    staged = cli.start_on_terminal("export", box, str(tmp_path / "d.tar"), "--compression", "none", "--staged")
    assert staged.end() == 0
    assert b"Exporting box: [" in staged.seen
    quiet = cli.start_on_terminal("export", box, str(tmp_path / "c.tar"), "--quiet")
    assert (quiet.end(), quiet.seen) == (0, b"")


def test_console_is_left_by_two_keys(cli: Cli, box: str) -> None:
    await_true(lambda: "booted" in cli.run("console", box, "--show-log"), "the first line of the console")
    terminal = cli.start_on_terminal("console", box)
    terminal.expect(b"To detach")
    terminal.write(b"\x01q")
    assert terminal.end() == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_console_is_left_when_a_signal_says_so(cli: Cli, box: str, number: signal.Signals) -> None:
    terminal = cli.start_on_terminal("console", box)
    terminal.expect(b"To detach")
    terminal.process.send_signal(number)
    assert terminal.end() == 0


def test_console_is_left_when_its_terminal_is_closed(cli: Cli, box: str) -> None:
    terminal = cli.start_on_terminal("console", box)
    terminal.expect(b"To detach")
    os.close(terminal.master)
    terminal.process.wait(timeout=LONG_S)

    def running() -> list[str]:
        operations = json.loads(cli.run("operation", "list", "--format", "json"))
        return [str(each) for each in operations if "console" in str(each) and each["status"] == "Running"]

    await_equal(running, [])  # the server sees it go a moment later


def test_monitor_tells_what_happens(cli: Cli, box: str) -> None:
    process = subprocess.Popen(
        [COMMAND, "monitor", "--type", "lifecycle", "--format", "json"],
        env=cli.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        deadline = time.monotonic() + LONG_S
        seen = ""
        # The monitor may connect after the first changes, and its line may be read in parts.
        while "instance-updated" not in seen or not seen.endswith("\n"):
            cli.run("config", "set", box, f"user.time={time.monotonic()}")
            seen += (process.stdout.read() or b"").decode()
            assert time.monotonic() < deadline, "no event came"
        first = json.loads(seen.splitlines()[0])
        assert (first["type"], first["metadata"]["source"]) == ("lifecycle", "/1.0/instances/box")
        process.send_signal(signal.SIGINT)
        os.set_blocking(process.stdout.fileno(), True)
        _, said = process.communicate(timeout=LONG_S)
        assert (process.returncode, said) == (0, b"")  # the help says that this ends it
    finally:
        process.kill()
        process.wait()


DESCRIBE = 'sed -i "s/^description:.*/description: mine/" "$1"'


def use_editor(cli: Cli, tmp_path: Path, script: str) -> None:
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\n{script}\n")
    editor.chmod(0o755)
    cli.environment["EDITOR"] = cli.environment["VISUAL"] = str(editor)


def test_changed_meanwhile_is_refused(cli: Cli, box: str, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text(
        f'#!/bin/sh\n{COMMAND} config set box user.other=1\nsed -i "s/^description:.*/description: mine/" "$1"\n'
    )
    editor.chmod(0o755)
    cli.environment["EDITOR"] = cli.environment["VISUAL"] = str(editor)
    terminal = cli.start_on_terminal("config", "edit", box)
    terminal.expect(b"ETag doesn't match")
    terminal.write(b"n\n")
    assert terminal.end() == 1
    assert "description: mine" not in cli.run("config", "show", box)


def test_editor_changes_the_instance(cli: Cli, box: str, tmp_path: Path) -> None:
    use_editor(cli, tmp_path, DESCRIBE)
    assert cli.start_on_terminal("config", "edit", box).end() == 0
    assert "description: mine" in cli.run("config", "show", box)


def test_socket_without_permission_names_the_group(cli: Cli) -> None:
    done = subprocess.run(
        [*AS_NOBODY, COMMAND, "list"],
        env=cli.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "You may not open" in done.stderr


def test_bad_words(cli: Cli) -> None:
    assert "nosuch" in cli.fails("launch", "nosuch", "x")
    assert cli.fails("launch", "tiny", "x", "--vm") == "Virtual machines can't be made by this server yet"
    assert "not found" in cli.fails("storage", "show", "nosuch")
    assert cli.fails("exec", "nosuch", "true") == "Instance not found"
    assert cli.fails("query", "/1.0/nosuch") == "not found"
    assert "key=value" in cli.fails("storage", "create", "p", "dir", "oops")


def test_what_is_wrong_with_a_pool_is_named(cli: Cli) -> None:
    assert cli.fails("storage", "show", "nosuch") == "nosuch: Storage pool not found"
    assert 'already exists: "default"' in cli.fails("storage", "create", "default", "dir")
    told = cli.fails("storage", "create", "p4", "btrfs", "source=/nonexist")
    assert """Source path "/nonexist" doesn't exist, and can't be made""" in told
    assert "nor a directory to make it in" in cli.fails("storage", "create", "p4", "btrfs", "source=/none/exist")
    assert 'too small for a btrfs: "size" is 109MiB' in cli.fails("storage", "create", "p4", "btrfs", "size=1MiB")
    cli.run("storage", "create", "p4", "btrfs", "size=109MiB")
    cli.run("storage", "delete", "p4")


@pytest.mark.parametrize(("pool", "other"), [("default", "bt"), ("bt", "default")])
def test_move_to_another_project_and_back(cli: Cli, server: HoldfastServer, pool: str, other: str) -> None:
    """Its snapshots, its exports on the server and the state for an undo go with it."""
    cli.run("project", "create", "two")
    try:
        cli.run("init", "tiny", "goes", "-s", pool)
        cli.run("file", "push", "-", "goes/root/data", stdin="old")
        cli.run("snapshot", "goes", "one")
        cli.run("file", "push", "-", "goes/root/data", stdin="new")
        cli.run("backup", "stored", "create", "goes", "kept")
        cli.run("restore", "goes", "one")
        cli.run("move", "goes", "--target-project", "two")
        assert "goes" not in cli.run("list", "--format", "csv")
        cli.run("restore", "goes", "--undo", "--project", "two")
        assert cli.run("file", "pull", "goes/root/data", "-", "--project", "two") == "new"
        cli.run("start", "goes", "--project", "two")
        assert "running: stop it" in cli.fails("move", "goes", "--target-project", "default", "--project", "two")
        cli.run("stop", "--force", "goes", "--project", "two")
        cli.run("restore", "goes", "one", "--project", "two")
        assert cli.run("file", "pull", "goes/root/data", "-", "--project", "two") == "old"
        assert "kept" in cli.run("backup", "stored", "list", "goes", "--project", "two")
        cli.run("backup", "stored", "verify", "goes", "kept", "--project", "two")
        cli.run("move", "goes", "came", "--target-project", "default", "-s", other, "--project", "two")
        assert cli.run("list", "--format", "csv", "--project", "two") == ""
        assert cli.run("file", "pull", "came/one/root/data", "-") == "old"
        assert f"pool: {other}" in cli.run("config", "device", "show", "came")
        cli.run("start", "came")
        assert violations(server) == []
    finally:
        cli.result("delete", "--force", "came")
        cli.result("delete", "--force", "goes")
        cli.result("delete", "--force", "goes", "--project", "two")
        cli.run("project", "delete", "two")


def test_moves_without_snapshots(cli: Cli) -> None:
    cli.run("project", "create", "two")
    cli.run("init", "tiny", "goes", "-s", "default")
    try:
        cli.run("snapshot", "create", "goes", "one")
        said = cli.fails("move", "goes", "came", "--instance-only")
        assert "--instance-only is for moves to another pool, project or server: a rename keeps" in said
        cli.run("move", "goes", "-s", "bt", "--instance-only")
        assert cli.run("snapshot", "list", "goes", "--format", "csv") == ""
        cli.run("snapshot", "create", "goes", "one")
        cli.run("move", "goes", "--target-project", "two", "--instance-only")
        assert cli.run("snapshot", "list", "goes", "--format", "csv", "--project", "two") == ""
    finally:
        cli.result("delete", "goes")
        cli.result("delete", "goes", "--project", "two")
        cli.run("project", "delete", "two")


@pytest.mark.parametrize("point", ["intent", "renamed", "committed"])
def test_a_server_that_dies_leaves_it_in_one_project(cli: Cli, server: HoldfastServer, point: str) -> None:
    cli.run("project", "create", "two")
    cli.run("init", "tiny", "goes", "-s", "bt")
    cli.run("snapshot", "goes", "one")
    try:
        kill_at(server, f"instance-rename:{point}", lambda: cli.result("move", "goes", "--target-project", "two"))
        assert violations(server) == []
        home = "two" if point == "committed" else "default"
        found = json.loads(cli.run("list", "--all-projects", "--format", "json"))
        assert [(each["project"], each["name"]) for each in found] == [(home, "goes")]
        cli.run("restore", "goes", "one", "--project", home)
    finally:
        cli.result("delete", "goes")
        cli.result("delete", "goes", "--project", "two")
        cli.run("project", "delete", "two")


def test_what_can_not_go_to_another_project_stays_as_it_is(cli: Cli) -> None:
    cli.run("project", "create", "two")
    cli.run("profile", "create", "mine")
    cli.run("storage", "volume", "create", "default", "files")
    move = ("move", "stays", "--target-project", "two")
    try:
        cli.run("init", "tiny", "stays", "-p", "default", "-p", "mine")
        assert cli.fails(*move) == (
            'Instance stays needs the profile "mine", which project "two" hasn\'t: make one of this name'
        )
        assert "Project not found" in cli.fails("move", "stays", "--target-project", "three")
        cli.run("profile", "remove", "stays", "mine")
        cli.run("storage", "volume", "attach", "default", "files", "stays", "/data")
        shows = 'Instance stays shows the volume "files", which can\'t go to another project'
        assert cli.fails(*move) == shows
        cli.run("snapshot", "stays", "one")
        cli.run("storage", "volume", "detach", "default", "files", "stays")
        assert cli.fails(*move) == shows.replace("Instance stays", "Snapshot stays/one")
        cli.run("delete", "stays/one")
        cli.run("init", "--empty", "stays", "--project", "two", "-s", "bt")
        assert "already in use" in cli.fails(*move)
        assert "stays" in cli.run("list", "--format", "csv")
    finally:
        cli.result("delete", "stays")
        cli.result("delete", "stays", "--project", "two")
        cli.run("storage", "volume", "delete", "default", "files")
        cli.run("profile", "delete", "mine")
        cli.run("project", "delete", "two")


def test_an_export_that_breaks_off_says_why(cli: Cli, server: HoldfastServer, tmp_path: Path) -> None:
    """A path that is too long for tar is found when the first bytes are here already."""
    cli.run("init", "tiny", "deep")
    try:
        rootfs = server.directory / "storage-pools/default/containers/deep/rootfs"
        (rootfs / "aaa").write_bytes(os.urandom(8 * 1024 * 1024))
        folder = os.open(rootfs, os.O_RDONLY)
        for _ in range(60):
            os.mkdir("z" * 100, dir_fd=folder)
            above, folder = folder, os.open("z" * 100, os.O_RDONLY, dir_fd=folder)
            os.close(above)
        os.close(folder)
        said = cli.fails("export", "deep", tmp_path / "deep.tar", "--compression", "none")
        assert said.startswith("The backup file can't be read back after it was written: An entry's name or link")
        assert f"{'z' * 100}/{'z' * 100}" in said
        assert list(tmp_path.iterdir()) == []
    finally:
        cli.run("delete", "deep")


def test_a_device_is_turned_off_in_a_copy(cli: Cli) -> None:
    """One that is to be of another type keeps none of its options, as in an import."""
    device = ("-d", "d1,type=disk", "-d", "d1,source=/srv", "-d", "d1,path=/d1")
    cli.run("init", "tiny", "shows", *device)
    cli.run("copy", "shows", "hides", "-d", "d1,type=none")
    assert cli.run("config", "device", "show", "hides") == "d1:\n  type: none\n"
    cli.run("delete", "shows", "hides")


def test_a_copy_of_the_same_name_is_told_what_helps(cli: Cli) -> None:
    cli.run("init", "tiny", "once")
    try:
        told = cli.fails("copy", "once", "once")
        assert '"once" is there already: give another name' in told
    finally:
        cli.run("delete", "once")


def test_projects(cli: Cli) -> None:
    cli.run("project", "create", "team")
    assert "team" in cli.run("project", "list", "--format", "csv")
    assert cli.run("list", "--project", "team", "--format", "csv") == ""
    cli.run("project", "delete", "team")
    assert 'There is no project "team"' in cli.fails("launch", "tiny", "web", "--project", "team")


def test_lists_of_all_projects_begin_with_the_project(cli: Cli) -> None:
    cli.run("project", "create", "room")
    cli.run("storage", "volume", "create", "default", "inside", "--project", "room")
    cli.run("storage", "volume", "create", "default", "outside")
    try:
        volumes = cli.run("storage", "volume", "list", "default", "type=custom", "--all-projects", "--format", "csv")
        assert volumes == "default,custom,outside,,filesystem,0\nroom,custom,inside,,filesystem,0\n"
        assert cli.run("storage", "volume", "list", "default", "--all-projects").splitlines()[1].split()[1] == "PROJECT"
        assert cli.run("image", "list", "tiny", "--all-projects", "--format", "csv").startswith("default,tiny,")
        assert cli.run("image", "list", "--all-projects").splitlines()[1].split()[1] == "PROJECT"
        assert "PROJECT" not in cli.run("image", "list")
        assert "--columns" in cli.fails("image", "list", "-c", "")
    finally:
        cli.run("storage", "volume", "delete", "default", "inside", "--project", "room")
        cli.run("storage", "volume", "delete", "default", "outside")
        cli.run("project", "delete", "room")


@pytest.mark.parametrize("pool", ["default", "bt"])
def test_undo_of_a_restore(cli: Cli, pool: str) -> None:
    cli.run("init", "tiny", "undone", "-s", pool)
    try:
        cli.run("snapshot", "undone", "one")
        cli.run("file", "push", "-", "undone/root/data", stdin="later")
        assert "Nothing to undo" in cli.fails("restore", "undone", "--undo")
        assert "Undo:" not in cli.run("info", "undone")
        cli.run("restore", "undone", "one")
        assert "Restored: one at" in cli.run("info", "undone")
        cli.run("restore", "undone", "--undo")
        assert cli.run("file", "pull", "undone/root/data", "-") == "later"
        assert "nothing else" in cli.fails("restore", "undone", "one", "--undo")
        cli.run("restore", "undone", "--forget")
        assert "Nothing to undo" in cli.fails("restore", "undone", "--forget")
    finally:
        cli.run("delete", "undone")
