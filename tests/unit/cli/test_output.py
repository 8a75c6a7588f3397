"""Tables, units, YAML and arguments: what users see and type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click
import pytest

from holdfast.cli.commands.exec import with_end_of_options
from holdfast.cli.instance_columns import columns_of, needs_full
from holdfast.cli.progress import bar_text
from holdfast.cli.references import (
    INSTANCE,
    INSTANCE_OR_SNAPSHOT,
    InstanceReference,
    InstanceType,
    parse_device_overrides,
    parse_settings,
    split_remote,
    strip_remote,
)
from holdfast.cli.session import Session
from holdfast.cli.tables import render
from holdfast.cli.units import format_bytes, format_time, natural_key
from holdfast.cli.yaml_text import from_yaml, to_yaml
from holdfast.client.remotes import Remote

TABLE = """\
+---------+-------+
|  NAME   | STATE |
+---------+-------+
| a       | on    |
+---------+-------+
| longer1 | x     |
|         | yy    |
+---------+-------+
"""


def test_table_is_laid_out_like_that_of_lxc() -> None:
    assert render("table", ["NAME", "STATE"], [["a", "on"], ["longer1", "x\nyy"]], []) == TABLE
    assert render("compact", ["NAME", "S"], [["a", "on"]], []) == "  NAME  S   \n  a     on  \n"
    assert render("table", ["A"], [], []) == "+---+\n| A |\n+---+\n+---+\n".replace("+---+\n+---+\n", "+---+\n")


def test_wide_letters_keep_the_columns_straight() -> None:
    lines = render("table", ["N"], [["日本"], ["abcd"]], []).splitlines()
    assert lines[3] == "| 日本 |"


def test_formats_for_scripts() -> None:
    assert render("csv", ["A", "B"], [["x,y", "2"]], []) == '"x,y",2\n'
    assert json.loads(render("json", ["A"], [], [{"name": "c1"}])) == [{"name": "c1"}]
    assert render("yaml", ["A"], [], [{"name": "c1"}]) == "- name: c1\n"


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in render("table", ["A"], [["\x1b[31mred"]], [])


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (1023, "1023B"), (1536, "1.50KiB"), (5 << 40, "5.00TiB"), (3 << 70, "3072.00EiB")]
)
def test_sizes(size: int, text: str) -> None:
    assert format_bytes(size) == text


@pytest.mark.parametrize("never", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", ""])
def test_never_is_an_empty_time(never: str) -> None:
    assert format_time(never) == ""


def test_nanoseconds_are_read() -> None:
    assert format_time("2026-11-23T13:18:26.416103561Z")[:5] == "2026/"


def test_names_sort_by_their_numbers() -> None:
    assert sorted(["c10", "c2", "b", "c1"], key=natural_key) == ["b", "c1", "c2", "c10"]


def test_progress_bar() -> None:
    assert bar_text(512, 1024, 1.0) == "[############            ]  50% 512B of 1.00KiB (512B/s)"
    assert bar_text(512, None, 0.5) == "512B (1.00KiB/s)"


@pytest.mark.parametrize(
    "text", ["", "true", "yes", "12", "0x1", "1e3", "12:30:00", "2026-01-02", "null", "~", "a: b", "- x", "#"]
)
def test_strings_survive_editing(text: str) -> None:
    assert from_yaml(to_yaml({"config": {"key": text}})) == {"config": {"key": text}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("config: hello", '"config" must be a mapping'),
        ("properties: []", '"properties" must be a mapping'),
        ("devices: hello", '"devices" must be a mapping'),
        ("devices: {data: hello}", '"devices: data" must be a mapping'),
        ("devices: {data: {path: [a]}}", '"devices: data: path" must be a single value'),
        ("config: {user.x: {a: b}}", '"config: user.x" must be a single value'),
    ],
)
def test_what_can_be_no_configuration_is_refused(text: str, said: str) -> None:
    with pytest.raises(click.ClickException, match=said):
        from_yaml(text)


def test_what_is_typed_stays_what_it_is() -> None:
    document = from_yaml("ephemeral: false\nconfig:\n  a: 010\n  b: yes\n  c: true\n  d: 12:30:00\n  e:\n")
    assert document == {"ephemeral": False, "config": {"a": "010", "b": "yes", "c": "true", "d": "12:30:00", "e": ""}}
    assert from_yaml("") == {}
    assert from_yaml("config:\ndevices:\n  eth0:\n") == {"config": None, "devices": {"eth0": {}}}


def test_multiline_values_stay_readable() -> None:
    assert to_yaml({"a": "one\ntwo\n"}) == "a: |\n  one\n  two\n"


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words", "a: [", "a: !!python/object/apply:os.system [id]"])
def test_bad_yaml_is_one_clear_error(text: str) -> None:
    with pytest.raises(click.ClickException):
        from_yaml(text)


@pytest.fixture
def call() -> Iterator[Session]:
    """A call of the command line; words are read within it."""
    with click.Context(click.Command("any")) as context:
        yield context.ensure_object(Session)


def test_references(call: Session) -> None:
    assert INSTANCE_OR_SNAPSHOT.convert("local:web/s1", None, None) == InstanceReference("web", "s1", "local")
    assert call.remote == "local"
    assert INSTANCE.convert("web", None, None) == InstanceReference("web")
    for bad in ("web/s1", "", "local:"):
        with pytest.raises(click.BadParameter):
            INSTANCE.convert(bad, None, None)
    with pytest.raises(click.BadParameter, match="names no snapshot"):
        INSTANCE_OR_SNAPSHOT.convert("web/", None, None)


def test_unknown_remotes_are_refused_with_a_way(call: Session) -> None:
    with pytest.raises(click.BadParameter, match="holdfast remote add elsewhere"):
        strip_remote("elsewhere:web")
    with pytest.raises(click.BadParameter, match="holdfast image build"):
        strip_remote("images:debian/12", is_image=True)
    assert strip_remote("local:") == ""


@pytest.mark.parametrize("word", ["user.x=a:b", "web/a:b", "/a:b", ":x"])
def test_colons_that_name_no_remote(word: str) -> None:
    assert split_remote(word) == ("", word)


def test_one_command_works_on_one_server(call: Session) -> None:
    call.remotes.add(Remote("far", "https://far"))
    strip_remote("far:web")
    strip_remote("web2")
    with pytest.raises(click.UsageError, match='"far" and "local" are two'):
        strip_remote("local:web")


def test_targets_are_looked_at_by_the_command(call: Session) -> None:
    call.remotes.add(Remote("far", "https://far"))
    reference = InstanceType(is_target=True).convert("far:web", None, None)
    assert (reference.remote, call.remote) == ("far", "local")


def test_settings_come_in_two_forms() -> None:
    assert parse_settings(["a=1", "b=x=y"]) == {"a": "1", "b": "x=y"}
    assert parse_settings(["a.b", "1"]) == {"a.b": "1"}
    with pytest.raises(click.UsageError):
        parse_settings(["a", "b", "c"])
    with pytest.raises(click.UsageError):
        parse_settings([])
    assert parse_device_overrides(["root,size=1GiB", "root,pool=p"]) == {"root": {"size": "1GiB", "pool": "p"}}


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        (["web", "ls", "-la"], ["web", "--", "ls", "-la"]),
        (["web", "--", "ls", "-la"], ["web", "--", "ls", "-la"]),
        (["web", "--env", "A=1", "-t", "sh", "-c", "x"], ["web", "--env", "A=1", "-t", "--", "sh", "-c", "x"]),
        (["--user", "5", "web", "id"], ["--user", "5", "web", "--", "id"]),
        (["--cwd=/x", "web", "-n"], ["--cwd=/x", "web", "-n"]),
    ],
)
def test_options_end_where_the_command_begins(typed: list[str], parsed: list[str]) -> None:
    assert with_end_of_options(typed) == parsed


def test_columns() -> None:
    assert [column.header for column in columns_of("ns,user.mark:MARK,devices:root.pool")] == [
        "NAME",
        "STATE",
        "MARK",
        "ROOT POOL",
    ]
    assert needs_full("nS")
    assert not needs_full("ns,user.Sm")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("nx", 'no column "x"'),
        ("", 'empty column in ""'),
        (",", 'empty column in ","'),
        ("n,", 'empty column in "n,"'),
        ("image.os:X:2:3", 'Column "image.os:X:2:3" has too many parts'),
        ("image.os:X:-2", "not a number from 0, or -1 for all of it: -2"),
        ("image.os:X:²", "not a number"),
    ],
)
def test_columns_that_are_none(wanted: str, said: str) -> None:
    with pytest.raises(click.UsageError, match=said):
        columns_of(wanted)


@pytest.mark.parametrize(
    ("column", "header"), [("user.owner", "USER OWNER"), ("user.a:my_v1.2.x", "MY V1.2 X"), ("user.1.2", "USER 1.2")]
)
def test_headings_are_those_of_lxc(column: str, header: str) -> None:
    assert columns_of(column)[0].header == header


@pytest.mark.parametrize(
    ("width", "shown"), [("", "a long word"), (":-1", "a long word"), (":0", "a lo"), (":3", "a l")]
)
def test_width_of_a_column(width: str, shown: str) -> None:
    instance: Any = {"expanded_config": {"user.mark": "a long word"}}
    assert columns_of(f"user.mark:MARK{width}")[0].text(instance) == shown
