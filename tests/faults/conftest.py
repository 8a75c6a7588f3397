"""Counts the faults that were injected, and says so at the end of the run."""

from __future__ import annotations

from collections import Counter

import pytest

_FAULTS = pytest.StashKey[Counter[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FAULTS] = Counter()


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Counter[str]:
    """Where tests count what they made fail, by kind."""
    return request.config.stash.setdefault(_FAULTS, Counter())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counted = config.stash.get(_FAULTS, Counter())
    if counted:
        terminalreporter.section("injected faults")
        for kind, number in sorted(counted.items()):
            terminalreporter.write_line(f"{kind}: {number}")
        terminalreporter.write_line(f"all: {counted.total()}")
