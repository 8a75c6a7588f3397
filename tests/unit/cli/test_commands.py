"""Every command can be loaded, explains itself with examples, and fails with one line and exit code 1."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from holdfast.cli.groups import Command, Group
from holdfast.cli.instance_filters import matches
from holdfast.cli.main import ROOT, main
from holdfast.client.shapes import InstanceFull
from support.unixserver import Asked, UnixServer, background, operation, refusal, sync


def every_command(group: Group = ROOT, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None, name
        yield " ".join((*path, name)), found
        if isinstance(found, Group):
            yield from every_command(found, (*path, name))


COMMANDS = dict(every_command())


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_every_command_teaches_by_example(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*path.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Usage: holdfast" in shown
    command = COMMANDS[path]
    assert "Examples:" in shown
    if isinstance(command, Command):
        assert any(f"holdfast {path}" in example for example in command.examples), command.examples


@pytest.mark.parametrize("words", [[], ["storage"], ["config", "device"]])
def test_a_group_alone_shows_its_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    alone = capsys.readouterr()
    assert alone.err == ""
    assert main([*words, "--help"]) == 0
    assert capsys.readouterr().out == alone.out


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_every_command_takes_the_shared_options(path: str) -> None:
    command = COMMANDS[path]
    if isinstance(command, Command):
        names = {name for parameter in command.get_params(click.Context(command)) for name in parameter.opts}
        assert {"--project", "--quiet"} <= names


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_every_command_takes_what_its_words_give(path: str) -> None:
    """A function that wants more than the arguments and options give, or less, ends with a trace back when called."""
    command = COMMANDS[path]
    if isinstance(command, Command):
        assert command.callback is not None
        wanted = list(inspect.signature(command.callback).parameters.values())
        given = {each.name for each in command.params if each.expose_value}
        named = {each.name for each in wanted if each.kind is not inspect.Parameter.VAR_KEYWORD}
        takes_any = len(named) < len(wanted)
        assert named - given <= {"session"}
        assert takes_any or given <= named


def test_words_of_the_issue_are_there() -> None:
    words = (
        "launch init list info start stop restart pause delete rename config profile storage image exec file console "
        "snapshot restore export import copy move publish operation monitor query version"
    )
    assert set(words.split()) <= set(ROOT.entries)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["lanch"], "Did you mean `holdfast launch`?"),
        (["config", "sett"], "Did you mean `holdfast config set`?"),
        (["zzzz"], "See `holdfast --help`"),
        (["list", "--nosuch"], "--nosuch"),
        (["start"], "at least one instance"),
        (["restore", "web"], "INSTANCE SNAPSHOT"),
        (["restore", "web", "--undo", "--disk-volumes=all-exclusive"], "and nothing else"),
        (["restore", "web", "--forget", "--disk-volumes=all-exclusive"], "and nothing else"),
        (["rename", "a/b", "c/d"], "stays with its instance"),
        (["copy", "far:web", "web2"], "holdfast remote add far"),
        (["import", "/nonexistent"], "is not a file"),
        (["export", "web", "/nonexistent/web.tar"], "no directory /nonexistent"),
        (["file", "push", "x", "web"], "INSTANCE/PATH"),
        (["export", "web", "--since", ""], "--since is empty"),
        (["export", "web", "--snapshot="], "--snapshot is empty"),
        (["export", "web", ""], "[FILE|-] is empty"),
        (["export", "web", "--compression", "", "--project", "p"], "--compression is empty"),
        (["export", "web", "--encrypt", "age1x", "--encrypt", ""], "--encrypt is empty"),
        (["backup", "stored", "create", "web", "--snapshot", ""], "--snapshot is empty"),
        (["backup", "stored", "create", "web", ""], "[EXPORT] is empty"),
        (["storage", "volume", "export", "bt", "v", "--snapshot", ""], "--snapshot is empty"),
        (["import", "/etc/hostname", "-p", ""], "-p/--profile is empty"),
        (["import", "/etc/hostname", "-s", ""], "-s/--storage is empty"),
        (["import", "/etc/hostname", ""], "NAME is empty"),
        (["import", ""], "FILE is empty"),
        (["storage", "volume", "import", "bt", "/etc/hostname", ""], "NAME is empty"),
        (["snapshot", "web", "s", "--expires", "2001-01-01"], '"2001-01-01" is over already'),
        (["snapshot", "web", "s", "--expires", "0d"], '"0d" is no time at all'),
        (["snapshot", "web", "s", "--expires", "0d 1H"], "No server answers"),
        (["backup", "stored", "create", "web", "--expires", "0d"], '"0d" is no time at all'),
        (["backup", "stored", "create", "web", "--expires", "2001-01-01T10:00"], "is over already"),
        (["schedule", "preview", "web", "@daily", "--count", "0"], "1<=x<=100"),
        (["schedule", "preview", "web", "@daily", "--count", "-1"], "1<=x<=100"),
        (["list", "--project", ""], "--project is empty"),
        (["snapshot", "web", "--description", ""], "No server answers"),
        (["profile", "assign", "web", ""], "No server answers"),
        (["schedule", "preview", "web", ""], "No server answers"),
        (["list"], "No server answers"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_SOCKET", "/nonexistent/socket")
    assert main(arguments) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Error: ")
    assert shown.err.count("\n") == 1
    assert text in shown.err


@pytest.fixture
def socket_path(short_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOLDFAST_SOCKET", str(short_tmp_path / "s"))
    return short_tmp_path / "s"


def test_project_may_stand_anywhere(socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with UnixServer(socket_path, lambda _: sync([])) as server:
        assert main(["image", "list", "--project", "team", "--format", "csv"]) == 0
    assert server.asked[0].path == "/1.0/images?recursion=1&project=team"
    assert capsys.readouterr().out == ""


def answers_of_lxd(asked: Asked, download: bytes) -> bytes:
    """Answer an export as a server that can't stream one."""
    if asked.path == "/1.0":
        return sync({"api_extensions": ["container_backup"], "config": {}})
    if asked.method == "GET":
        return download
    if asked.method == "DELETE":
        return refusal("404 Not Found", "Instance not found")
    return background(operation(200, resources={"backups": ["/1.0/backups/backup0"]}))


def test_failed_export_leaves_no_file_and_cleans_up(
    socket_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nnot that many"
    with UnixServer(socket_path, lambda asked: answers_of_lxd(asked, short)) as server:
        assert main(["export", "web", str(tmp_path / "web.tar.gz")]) == 1
    assert list(tmp_path.iterdir()) == []
    assert "13 of 1000 bytes" in capsys.readouterr().err
    assert (server.asked[-1].method, server.asked[-1].path) == ("DELETE", "/1.0/instances/web/backups/backup0")


def test_export_is_done_when_the_file_is_here(socket_path: Path, tmp_path: Path) -> None:
    """The instance, and with it the server's own copy of the file, may go at any time after the transfer."""
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole"
    with UnixServer(socket_path, lambda asked: answers_of_lxd(asked, whole)):
        assert main(["export", "web", str(tmp_path / "web.tar.gz")]) == 0
    assert (tmp_path / "web.tar.gz").read_bytes() == b"whole"


def test_what_a_server_would_pass_over_is_not_asked(
    socket_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with UnixServer(socket_path, lambda asked: answers_of_lxd(asked, b"")) as server:
        assert main(["export", "web", str(tmp_path / "f"), "--exclude", "/secret"]) == 1
    assert "holdfast_export_stream" in capsys.readouterr().err
    assert [asked.path for asked in server.asked] == ["/1.0"]


def test_threat_instance_names_a_file_outside_the_target(
    socket_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with UnixServer(socket_path, lambda _: sync(["../evil"], "200 OK", "X-LXD-type: directory")):
        assert main(["file", "pull", "-r", "web/srv", str(tmp_path / "out")]) == 1
    assert "refused" in capsys.readouterr().err
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path / "out" / "evil").exists()


def test_delete_looks_before_it_begins(socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def respond(asked: Asked) -> bytes:
        if asked.path == "/1.0/instances/there":
            return sync({"name": "there", "status": "Stopped", "ephemeral": False})
        return refusal("404 Not Found", "Instance not found")

    with UnixServer(socket_path, respond) as server:
        assert main(["delete", "there", "missing"]) == 1
    assert "DELETE" not in [asked.method for asked in server.asked]
    assert capsys.readouterr().err == "Error: Instance not found\n"


def test_version_tells_both(socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with UnixServer(socket_path, lambda _: sync({"environment": {"server_version": "5.0.2"}})):
        assert main(["version"]) == 0
    assert "Server version: 5.0.2\n" in capsys.readouterr().out
    assert main(["version"]) == 0
    assert "Server version: unreachable\n" in capsys.readouterr().out


def test_query_prints_what_the_api_says(socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with UnixServer(socket_path, lambda _: sync({"a": 1})) as server:
        assert main(["query", "-X", "post", "-d", '{"x": 1}', "/1.0/y"]) == 0
    assert json.loads(capsys.readouterr().out) == {"a": 1}
    assert (server.asked[0].method, server.asked[0].json()) == ("POST", {"x": 1})


def _instance(**more: object) -> InstanceFull:
    return {  # type: ignore[return-value]
        "name": "web10",
        "type": "container",
        "status": "Running",
        "architecture": "x86_64",
        "location": "none",
        "expanded_config": {"user.owner": "ann", "limits.memory": "1GiB"},
        "state": None,
        **more,
    }


@pytest.mark.parametrize(
    ("word", "is_meant"),
    [
        ("web", True),
        ("eb", False),
        (".*10$", True),
        ("user.owner=ann", True),
        ("u.owner=ann", True),
        ("user.owner=bob", False),
        ("status=running", True),
        ("status=frozen,running", True),
        ("type=virtual-machine", False),
        ("[", False),
    ],
)
def test_filters_of_list(word: str, is_meant: bool) -> None:
    assert matches(_instance(), word) is is_meant


def test_completion_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert main(["completion", shell]) == 0
        assert "_HOLDFAST_COMPLETE" in capsys.readouterr().out
