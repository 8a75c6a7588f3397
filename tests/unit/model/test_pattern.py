"""The pattern language and Go's layouts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.errors import BadRequestError
from holdfast.model.go_layout import format_time
from holdfast.model.pattern import check_pattern, next_name

NOW = datetime(2026, 11, 23, 4, 7, 32, 120_000, tzinfo=UTC)


def three(pattern: str) -> list[str]:
    names: list[str] = []
    for _ in range(3):
        names.append(next_name(pattern, NOW, names))
    return names


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("", ["snap0", "snap1", "snap2"]),
        ("x%dy", ["x0y", "x1y", "x2y"]),
        ("fixed", ["fixed", "fixed-0", "fixed-1"]),
        (
            '{{ creation_date|date:"2006-01-02_15-04-05" }}',
            ["2026-11-23_04-07-32", "2026-11-23_04-07-32-0", "2026-11-23_04-07-32-1"],
        ),
        ('{{ creation_date|date:"20060102" }}-%d', ["20261123-0", "20261123-1", "20261123-2"]),
        ("{{ creation_date|date:'Mon-Jan-2-2006' }}", ["Mon-Nov-23-2026", "Mon-Nov-23-2026-0", "Mon-Nov-23-2026-1"]),
        ("{{creation_date}}", ["20261123-040732", "20261123-040732-0", "20261123-040732-1"]),
    ],
)
def test_three_snapshots(pattern: str, names: list[str]) -> None:
    assert three(pattern) == names


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        (["snap0", "snap2", "snap3"], "snap4"),
        (["snap10foo"], "snap11"),
        (["snap99-x"], "snap100"),
        (["snap007"], "snap8"),
        (["other"], "snap0"),
        (["snap" + "9" * 30], "snap1000000000000000000"),
    ],
)
def test_number_is_one_more_than_the_highest(taken: list[str], name: str) -> None:
    assert next_name("snap%d", NOW, taken) == name


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("%d-%d", "only once"),
        ("{{ bad", "Invalid snapshot pattern"),
        ("{{ nosuch }}z", "Invalid snapshot pattern"),
        ("a/b", 'Cannot contain "/"'),
        ("..", 'Cannot be empty, "." or ".."'),
        ("a b", "Cannot contain space"),
        ('{{ creation_date|date:"2006/01" }}', 'Cannot contain "/"'),
    ],
)
def test_refused(pattern: str, text: str) -> None:
    with pytest.raises(BadRequestError, match=text):
        next_name(pattern, NOW, [])


@pytest.mark.parametrize(
    "pattern",
    [
        '{% include "/etc/shadow" %}',
        '{% ssi "/etc/shadow" %}',
        "{{ creation_date.__class__ }}",
        '{{ "/etc/shadow"|read }}',
        "{# comment #}",
        "{{ 'a'*10000000 }}",
        '{{ creation_date|date:"{{ creation_date }}" }}',
    ],
)
def test_threat_snapshot_pattern_runs_a_template_engine(pattern: str) -> None:
    with pytest.raises(BadRequestError, match="Invalid snapshot pattern"):
        check_pattern(pattern)
    with pytest.raises(BadRequestError):
        next_name(pattern, NOW, [])


def test_threat_snapshot_pattern_length_is_capped() -> None:
    with pytest.raises(BadRequestError, match="256 characters"):
        check_pattern("a" * 257)
    with pytest.raises(BadRequestError, match="Longer than 255 bytes"):
        next_name("é" * 200, NOW, [])


def test_names_of_what_is_snapshotted() -> None:
    names = {"project": "default", "instance": "c1"}
    assert next_name("{{ project }}-{{instance}}-%d", NOW, ["default-c1-3"], names) == "default-c1-4"
    assert next_name("{{ instance }}", NOW, ["c1"], names) == "c1-0"
    with pytest.raises(BadRequestError, match="volume }} has no meaning here"):
        next_name("{{ volume }}", NOW, [], names)


def test_threat_a_name_is_not_read_as_a_pattern() -> None:
    """Names are checked where they come in; should one have braces all the same, it is text, or refused."""
    names = {"project": "{{ creation_date.x }}", "instance": "c1"}
    with pytest.raises(BadRequestError):
        next_name("{{ project }}", NOW, [], names)


PIECES = st.sampled_from(
    [
        *("{{", "}}", "{%", "%}", "{#", "#}", "%d", "|", ":", '"', "'", " ", "a", "b", "/", ".", "\n"),
        *("creation_date", "project", "instance", "volume", "date", "time", "2006", "01", "15", "__class__", "include"),
    ]
)


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=14).map("".join)))
def test_any_pattern_gives_a_safe_name_or_an_error(pattern: str) -> None:
    try:
        name = next_name(pattern, NOW, ["a", "b"], {"project": "default", "instance": "c1"})
    except BadRequestError:
        return
    assert name not in ("a", "b", ".", "..", "")
    assert "/" not in name
    assert not any(character.isspace() for character in name)


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("2006-01-02T15:04:05Z07:00", "2026-11-23T04:07:32Z"),
        ("06 1 2 3 4 5", "26 11 23 4 7 32"),
        ("January Jan Monday Mon", "November Nov Monday Mon"),
        ("Monthly", "Monthly"),
        ("_2006 _2 __2 002", "_2026 23 327 327"),
        ("03:04PM pm", "04:07AM am"),
        ("05.000 05.999 05,00", "32.120 32.12 32,12"),
        (".9999999999 .0000000000", ".12 .1200000000"),
        ("-0700 -07:00 -07 Z0700 MST", "+0000 +00:00 +00 Z UTC"),
        ("week 7 x", "week 7 x"),
    ],
)
def test_go_layout(layout: str, text: str) -> None:
    assert format_time(NOW, layout) == text


def test_go_layout_of_another_zone() -> None:
    there = NOW.astimezone(timezone(-timedelta(hours=3, minutes=30), "NST"))
    assert format_time(there, "15:04 -0700 -07:00 -07:00:00 Z07:00 MST") == "00:37 -0330 -03:30 -03:30:00 -03:30 NST"
