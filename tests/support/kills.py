"""Let a server die at a named point of a change, or let a step of it fail there, and start it again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from holdfast.service.crashpoints import ALL_POINTS
from support.holdfast import HoldfastServer


def kind_of(point: str) -> str:
    return point.partition(":")[0]


def cases(actions: Mapping[str, tuple[str, Callable[..., object]]]) -> list[Any]:
    """Return parameters `point, action`: every action, given with its kind of change, at every point of that kind."""
    return [
        pytest.param(point, action, id=f"{action}-{point}".replace(" ", "-"))
        for action, (kind, _) in actions.items()
        for point in ALL_POINTS
        if kind_of(point) == kind
    ]


def kill_at(server: HoldfastServer, point: str, act: Callable[[], object]) -> None:
    """Have the server die at the point of the change, as a power cut would, and start it again."""
    server.crash_at(point)
    act()
    assert server.wait_for_death() == -9, f"{point} was not reached"
    server.start()


def fail_at(server: HoldfastServer, point: str, errno_name: str, act: Callable[[], object]) -> None:
    """Have the step at the point of the change fail."""
    server.fail_at(point, errno_name)
    act()
    assert server.has_failed(), f"{point} was not reached"
