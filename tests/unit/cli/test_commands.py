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
from holdfast.cli.main import main
from holdfast.cli.root import ROOT
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


@pytest.mark.parametrize(
    ("words", "said"), [([], "Virtual machines can't be made by this server yet"), (["launch"], "Holdfast's can't yet")]
)
def test_help_promises_no_virtual_machines(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """That the server refuses to make one is seen in `tests/system/test_cli.py`."""
    assert main([*words, "--help"]) == 0
    assert said in " ".join(capsys.readouterr().out.split())


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
        (["remote", "add", "x", "eyJjbGllbnRfbmFtZSI6Im1l" * 8], "The token is damaged"),
        (["remote", "add", "x", "eyJmb28"], "The token is damaged"),
        (["remote", "add", "x", "127.0.0.1", "--token", "eyJmb28"], "The token is damaged"),
        (["remote", "add", "x", "a" * 64], "no host has such a name"),
        (["copy", "far:web", "web2"], "holdfast remote add far"),
        (["remote", "add", "x", "unix:///nonexistent/socket"], "No server answers at /nonexistent/socket"),
        (["image", "import", "https://example.com/foo"], "https://example.com/foo is an address"),
        (["file", "push", "x", "web/x", "--mode", "77777"], "is not a mode"),
        (["file", "push", "x", "web/x", "--mode", "-1"], "is not a mode"),
        (["file", "push", "x", "web/x", "--uid", "-1"], "--uid"),
        (["file", "mkdir", "web/x", "--gid", "4294967295"], "--gid"),
        (["storage", "volume", "file", "push", "default", "x", "data/x", "--uid", "-1"], "--uid"),
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
        (["publish", "web", "--expire", "2001-01-01"], "is over already"),
        (["schedule", "preview", "web", "@daily", "--count", "0"], "1<=x<=100"),
        (["schedule", "preview", "web", "@daily", "--count", "-1"], "1<=x<=100"),
        (["list", "--project", ""], "--project is empty"),
        (["snapshot", "web", "--description", ""], "No server answers"),
        (["profile", "assign", "web", ""], "No server answers"),
        (["schedule", "preview", "web", ""], "No server answers"),
        (["list"], "No server answers"),
        (["exec", "web", "--user", "-1", "--", "id"], "0<=x<=4294967294"),
        (["exec", "web", "--user", "4294967295", "--", "id"], "0<=x<=4294967294"),
        (["exec", "web", "--group", "4294967296", "--", "id"], "0<=x<=4294967294"),
        (["config", "set", "", "user.y=1"], "name of an instance is missing"),
        (["config", "set", "", "user.y", "1"], "name of an instance is missing"),
        (["config", "get", "", "user.y"], "name of an instance is missing"),
        (["config", "get", ""], "name of a key is missing"),
        (["config", "unset", "", "user.y"], "name of an instance is missing"),
        (["config", "show", ""], "[INSTANCE[/SNAPSHOT]] is empty"),
        (["config", "edit", ""], "[INSTANCE[/SNAPSHOT]] is empty"),
        (["config", "unset", "web"], '"web" is no key of the server'),
        (["config", "unset", ""], "is no key of the server"),
        (["info", ""], "[INSTANCE] is empty"),
        (["waitready", "--timeout", "-1"], "from 0 (wait for ever)"),
        (["stop", "web", "--timeout", "-2"], "x>=-1"),
        (["restart", "web", "--timeout", "-2"], "x>=-1"),
        (["waitready", "--timeout", "nan"], "from 0 (wait for ever)"),
        (["waitready", "--timeout", "inf"], "from 0 (wait for ever)"),
        (["waitready", "--timeout", "1e30"], "from 0 (wait for ever)"),
        (["query", ""], "PATH is empty: give a value"),
        (["query", "1.0/instances"], "must begin with"),
        (["query", "-X", "FOO", "/1.0"], "'FOO' is not one of"),
        (["copy", "web", ""], "[NAME] is empty"),
        (["copy", "web", "web2", "--prune-snapshots"], "--prune-snapshots belongs to --refresh"),
        (["copy", "web", "web2", "--keep-snapshots"], "--keep-snapshots belongs to --refresh"),
        (["copy", "web", "x", "--refresh", "--prune-snapshots", "--instance-only"], "--instance-only leaves snapshots"),
        (["copy", "web/snap0", "web2", "--refresh"], "can't be refreshed from a snapshot"),
        (["storage", "volume", "copy", "p/v", "p/x", "--keep-snapshots"], "--keep-snapshots belongs to --refresh"),
        (["storage", "volume", "copy", "p/v/s", "p/x", "--refresh"], "can't be refreshed from a snapshot"),
        (["move", "web", "", "-s", "fast"], "[NAME] is empty"),
        (["list", "--fast", "-c", "nm"], "--fast or --columns, not both"),
        (["list", "-c", ""], "-c/--columns is empty"),
        (["list", "-c", ","], "empty column"),
        (["exec", "-t", "--mode", "non-interactive", "web", "tty"], "-t or --mode non-interactive, not both"),
        (["exec", "-T", "--mode", "interactive", "web", "tty"], "-T or --mode interactive, not both"),
        (["monitor", "--pretty", "-f", "json"], "--pretty or --format json, not both"),
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


@pytest.mark.parametrize(
    ("words", "servers"),
    [
        (["delete", "-f", "web", "second:db"], '"local" and "second" are two'),
        (["delete", "-f", "second:db", "web"], '"second" and "local" are two'),
        (["start", "web", "second:db"], '"local" and "second" are two'),
        (["image", "delete", "web", "second:db"], '"local" and "second" are two'),
        (["image", "alias", "delete", ""], '"" names nothing'),
    ],
)
def test_one_list_of_names_is_of_one_server(
    words: list[str], servers: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_CONF", str(tmp_path))
    with UnixServer(tmp_path / "s", lambda _: sync([])):
        assert main(["remote", "add", "second", f"unix://{tmp_path / 's'}"]) == 0
    assert main(words) == 1
    assert servers in capsys.readouterr().err


def test_a_remote_has_the_project_that_is_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_CONF", str(tmp_path))
    address = f"unix://{tmp_path / 's'}"
    with UnixServer(tmp_path / "s", lambda _: sync([{"name": "default"}, {"name": "blue"}])):
        assert main(["remote", "add", "far", address, "--project", "nope"]) == 1
        assert 'There is no project "nope"' in capsys.readouterr().err
        assert main(["remote", "add", "far", address, "--project", "blue"]) == 0


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
    assert capsys.readouterr().err == "Error: missing: Instance not found\n"


@pytest.mark.parametrize(
    ("words", "text", "said"),
    [
        ("profile delete a", "Profile not found", "a: Profile not found"),
        ("profile delete a", 'There is no profile "a"', 'There is no profile "a"'),
        ("image delete a b", "Image not found", "a: Image not found"),
        ("image alias delete a", "Image alias not found", "a: Image alias not found"),
        ("warning acknowledge a", "Warning not found", "a: Warning not found"),
        ("warning delete a", "Warning not found", "a: Warning not found"),
        ("file delete a/x b/y", "Instance not found", "a: Instance not found"),
        ("ui revoke a", "Browser not found", "a: Browser not found"),
    ],
)
def test_which_of_several_is_missing_is_told(
    words: str, text: str, said: str, socket_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with UnixServer(socket_path, lambda _: refusal("404 Not Found", text)):
        assert main(words.split()) == 1
    assert capsys.readouterr().err == f"Error: {said}\n"


@pytest.mark.parametrize("words", ["snapshot hold a/s", "storage volume hold default a/s"])
def test_which_snapshot_is_missing_is_told(words: str, socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def respond(asked: Asked) -> bytes:
        if asked.path == "/1.0":
            return sync({"api_extensions": ["holdfast_snapshot_hold"]})
        return refusal("404 Not Found", "Not here")

    with UnixServer(socket_path, respond):
        assert main(words.split()) == 1
    assert capsys.readouterr().err == "Error: a/s: Not here\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("file pull web/etc/nosuch -", "There is no /etc/nosuch in web"),
        ("file pull --snapshot s web/etc/nosuch -", "There is no /etc/nosuch in web/s"),
        ("file list web/nosuch", "There is no /nosuch in web"),
        ("file edit web/nosuch", "There is no /nosuch in web"),
        ("file delete web/nosuch/x", "There is no /nosuch/x in web"),
        ("file mkdir web/nosuch/x", "There is no directory /nosuch in web"),
        ("file mkdir web/x", "There is no place for /x in web"),
        ("file push {tree}/x web/nosuch/x", "There is no directory /nosuch in web: -p makes it"),
        ("file push -r {tree} web/srv/nosuch/", "There is no directory /srv/nosuch in web: -p makes it"),
    ],
)
def test_a_missing_path_is_named(
    words: str, said: str, socket_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Servers say no more than `Not Found`, and of some things another 404."""

    def respond(asked: Asked) -> bytes:
        return sync([]) if "/snapshots?" in f"{asked.path}?" else refusal("404 Not Found", "Not Found")

    (tmp_path / "x").touch()
    with UnixServer(socket_path, respond):
        assert main(words.format(tree=tmp_path).split()) == 1
    assert capsys.readouterr().err == f"Error: {said}\n"


IMAGES = [
    {
        "fingerprint": "7d41aa" + "0" * 58,
        "properties": {"os": "BusyBox", "my.own": "x"},
        "type": "container",
        "architecture": "x86_64",
        "public": True,
        "size": 1,
        "uploaded_at": "2026-01-01T00:00:00Z",
        "aliases": [{"name": "tiny", "description": ""}],
    },
    {
        "fingerprint": "f" * 64,
        "properties": {},
        "type": "virtual-machine",
        "architecture": "x86_64",
        "public": False,
        "size": 1,
        "uploaded_at": "2026-01-01T00:00:00Z",
        "aliases": [],
    },
]


@pytest.mark.parametrize(
    ("word", "is_meant"),
    [
        ("tin", True),
        ("41aa", True),
        ("os=busybox", True),
        ("os=Busy.*", True),
        ("os=Busy", False),
        ("m.own=x", True),
        ("type=container", True),
        ("type=virtual-machine", False),
        ("public=true", True),
        ("release=12", False),
        ("user.nothing=1", False),
    ],
)
def test_filters_of_images(word: str, is_meant: bool, socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with UnixServer(socket_path, lambda _: sync(IMAGES)):
        assert main(["image", "list", word, "--format", "csv", "-c", "l"]) == 0
    assert ("tiny" in capsys.readouterr().out) is is_meant


VOLUMES = [
    {
        "name": name,
        "type": "custom",
        "content_type": content,
        "config": {"user.of": name},
        "description": "",
        "used_by": [],
        "project": "default",
        "location": "none",
        "created_at": "",
    }
    for name, content in (("data", "filesystem"), ("disk", "block"))
]


@pytest.mark.parametrize(
    ("word", "names"), [("content_type=block", ["disk"]), ("user.of=data", ["data"]), ("type=custom", ["data", "disk"])]
)
def test_filters_of_volumes(word: str, names: list[str], socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with UnixServer(socket_path, lambda _: sync(VOLUMES)):
        assert main(["storage", "volume", "list", "default", word, "--format", "csv"]) == 0
    assert [line.split(",")[1] for line in capsys.readouterr().out.splitlines()] == names


@pytest.mark.parametrize(
    ("words", "known"),
    [(["image", "list", "kind=x"], "os"), (["storage", "volume", "list", "p", "content=x"], "content_type")],
)
def test_a_key_that_nothing_has_is_refused(
    words: list[str], known: str, socket_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with UnixServer(socket_path, lambda _: sync(IMAGES if words[0] == "image" else VOLUMES)):
        assert main(words) == 1
    told = capsys.readouterr().err
    assert "There is no key" in told
    assert known in told


def test_aliases_are_found_by_fingerprints(socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alias = {"name": "tiny", "target": "7d41aa" + "0" * 58, "type": "container", "description": ""}
    with UnixServer(socket_path, lambda _: sync([alias])):
        assert main(["image", "alias", "list", "7d4", "--format", "csv"]) == 0
    assert capsys.readouterr().out.startswith("tiny,")


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


def test_query_takes_letters_that_a_request_line_does_not(socket_path: Path) -> None:
    with UnixServer(socket_path, lambda _: sync({})) as server:
        assert main(["query", "/1.0/instances/ü b\n?filter=a%20eq%20b&x='1'"]) == 0
    assert server.asked[0].path == "/1.0/instances/%C3%BC%20b%0A?filter=a%20eq%20b&x='1'"


def test_unset_of_a_server_key_lets_the_server_say_whether_it_knows_it(socket_path: Path) -> None:
    with UnixServer(socket_path, lambda _: sync({"config": {"user.a": "1", "user.b": "2"}})) as server:
        assert main(["config", "unset", "user.a"]) == 0
    assert server.asked[-1].json() == {"config": {"user.a": "", "user.b": "2"}}


@pytest.mark.parametrize(("has_project", "text"), [(True, 'no image "tiny"'), (False, 'no project "team"')])
def test_launch_says_what_is_missing(
    has_project: bool,
    text: str,
    socket_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", None)

    def respond(asked: Asked) -> bytes:
        is_there = has_project and asked.path == "/1.0/projects/team?project=team"
        return sync({"name": "team"}) if is_there else refusal("404 Not Found", "Not found")

    with UnixServer(socket_path, respond):
        assert main(["launch", "tiny", "web", "--project", "team"]) == 1
    assert f"There is {text}" in capsys.readouterr().err


def _profile(description: str) -> dict[str, object]:
    return {"name": "default", "description": description, "config": {}, "devices": {}, "used_by": []}


def test_profiles_of_all_projects_say_whose_they_are(socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The project "shared" has those of the default project: they are told once."""
    projects = [
        {"name": "default", "config": {"features.profiles": "true"}},
        {"name": "shared", "config": {"features.profiles": "false"}},
        {"name": "team", "config": {"features.profiles": "true"}},
    ]

    def respond(asked: Asked) -> bytes:
        if asked.path.startswith("/1.0/projects"):
            return sync(projects)
        return sync([_profile("ours" if asked.path.endswith("&project=team") else "first")])

    with UnixServer(socket_path, respond):
        assert main(["profile", "list", "--all-projects", "--format", "csv"]) == 0
        assert capsys.readouterr().out == "default,default,first,0\nteam,default,ours,0\n"
        assert main(["profile", "list", "--all-projects"]) == 0
        assert capsys.readouterr().out.splitlines()[1].split()[1] == "PROJECT"
        assert main(["profile", "list", "--all-projects", "--format", "json"]) == 0
        assert [each["project"] for each in json.loads(capsys.readouterr().out)] == ["default", "team"]
        assert main(["profile", "list", "--format", "csv", "--project", "team"]) == 0
        assert capsys.readouterr().out == "default,ours,0\n"


@pytest.mark.parametrize(
    ("resources", "project"),
    [
        ({"instances": ["/1.0/instances/web?project=team"]}, "team"),
        ({"instances": ["/1.0/instances/web"]}, "default"),
        (None, ""),
    ],
)
def test_operations_of_all_projects_say_whose_they_are(
    resources: object, project: str, socket_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with UnixServer(socket_path, lambda _: sync({"running": [operation(resources=resources)]})):
        assert main(["operation", "list", "--all-projects", "--format", "csv"]) == 0
        assert capsys.readouterr().out.startswith(f"{project},11111111-")
        assert main(["operation", "list", "--format", "csv"]) == 0
        assert capsys.readouterr().out.startswith("11111111-")


DEVICES = {"eth0": {"type": "none"}, "sh2": {"type": "none"}}
EXPANDED = {**DEVICES, "root": {"type": "disk", "path": "/", "pool": "default"}}


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["get", "web", "root", "size"], "`holdfast config device override web root KEY=VALUE`"),
        (["set", "web", "root", "size=1GiB"], "it comes from a profile"),
        (["unset", "web", "root", "size"], "it comes from a profile"),
        (["remove", "web", "root"], "it comes from a profile"),
        (["remove", "web", "sh2", "nosuch"], 'no device "nosuch" of its own; it has: eth0, sh2'),
        (["override", "web", "nosuch"], 'no device "nosuch"; it has: eth0, root, sh2'),
        (["override", "web", "eth0"], "use `set`"),
    ],
)
def test_device_that_is_not_the_instance_s_own(
    words: list[str], text: str, socket_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is there is told, and nothing is changed."""
    document = {**_instance(), "config": {}, "devices": DEVICES, "expanded_devices": EXPANDED}
    with UnixServer(socket_path, lambda _: sync(document)) as server:
        assert main(["config", "device", *words]) == 1
    assert text in capsys.readouterr().err
    assert {asked.method for asked in server.asked} == {"GET"}


def test_device_of_a_profile_that_is_not_there(socket_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with UnixServer(socket_path, lambda _: sync({**_profile(""), "devices": DEVICES})):
        assert main(["profile", "device", "get", "default", "root", "size"]) == 1
    assert 'default has no device "root" of its own; it has: eth0, sh2' in capsys.readouterr().err


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
        ("^we", True),
        ("^eb", False),
        ("10$", True),
        ("w.b", False),
        ("^w[", False),
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
