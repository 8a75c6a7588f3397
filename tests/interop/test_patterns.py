"""Name patterns give what the distribution's real LXD makes of them, side by side."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from support.holdfast import HoldfastServer, short_directory
from support.lxd import LxdServer, require_lxd

FIXED_CLOCK = [
    "",
    "x%dy",
    "fixed",
    "%d",
    "a-%d-b",
    "é%d",
    "v1.2",
]
BY_CLOCK = [
    '{{ creation_date|date:"2006-01-02_15-04-05" }}',
    "{{ creation_date|date:'2006-01-02_15-04-05' }}",
    '{{ creation_date|date:"20060102" }}-%d',
    "{{ creation_date|date:'Mon-Jan-2-2006' }}",
    '{{creation_date|time:"15h04"}}',
    'auto-{{ creation_date|date:"06-1-2-3PM-002-MST" }}',
]
NUMBERS = re.compile(r"\d+")
Made = TypeVar("Made")


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[HoldfastServer, LxdServer]]:
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "h") as ours, LxdServer(directory / "l") as theirs:
        for server in (ours, theirs):
            server.lxc.run("init", "--empty", "c1", "-s", "bt")
        yield ours, theirs
    shutil.rmtree(directory)


def three(server: HoldfastServer | LxdServer, pattern: str) -> list[str]:
    """Make three unnamed snapshots; return their names, oldest first, and remove them."""
    server.lxc.run("config", "set", "c1", "snapshots.pattern", pattern)
    names: list[str] = []
    for _ in range(3):
        server.lxc.run("snapshot", "c1")
        found = json.loads(server.lxc.run("query", "/1.0/instances/c1/snapshots?recursion=1"))
        names += [snapshot["name"] for snapshot in found if snapshot["name"] not in names]
    for name in names:
        server.lxc.run("delete", f"c1/{name}")
    return names


@pytest.mark.parametrize("pattern", FIXED_CLOCK)
def test_patterns_without_time(pair: tuple[HoldfastServer, LxdServer], pattern: str) -> None:
    ours, theirs = (three(server, pattern) for server in pair)
    assert ours == theirs


def form(name: str) -> list[int | str]:
    return [*[len(number) for number in NUMBERS.findall(name)][:3], *NUMBERS.split(name)[:3]]


def in_one_hour(work: Callable[[], Made]) -> Made:
    """Do it, and again if another hour has begun meanwhile."""
    while True:
        before = time.time() // 3600
        made = work()
        if time.time() // 3600 == before:
            return made


@pytest.mark.parametrize("pattern", BY_CLOCK)
def test_patterns_with_time(pair: tuple[HoldfastServer, LxdServer], pattern: str) -> None:
    """The clock goes on between the two, and a second may pass between two snapshots: the form is compared.

    With another hour the form may be another, too: "9AM" and "10AM", or the next day's name.
    """
    ours, theirs = in_one_hour(lambda: tuple([form(name) for name in three(server, pattern)] for server in pair))
    assert ours[0] == theirs[0]
    assert len(ours) == len(theirs) == 3
