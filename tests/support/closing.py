"""What tests have to say at the end of a run: counts and tables, gathered from all processes that run tests.

Tests get the counters and lists from `counts` and `lines`; `conftest.py` takes the hooks over.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

_SECTIONS = pytest.StashKey[dict[str, Counter[str]]]()
_LINES = pytest.StashKey[dict[str, list[str]]]()
_KEY = "closing"


def counts(config: pytest.Config, section: str) -> Counter[str]:
    """Return what is counted under this heading."""
    return config.stash.setdefault(_SECTIONS, {}).setdefault(section, Counter())


def lines(config: pytest.Config, section: str) -> list[str]:
    """Return the lines under this heading."""
    return config.stash.setdefault(_LINES, {}).setdefault(section, [])


def pytest_sessionfinish(session: pytest.Session) -> None:
    config: Any = session.config
    if hasattr(config, "workeroutput"):
        sections = {name: dict(found) for name, found in config.stash.get(_SECTIONS, {}).items()}
        config.workeroutput[_KEY] = (sections, config.stash.get(_LINES, {}))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Take over what a process gathered that has ended."""
    sections, listed = getattr(node, "workeroutput", {}).get(_KEY, ({}, {}))
    for name, found in sections.items():
        counts(node.config, name).update(found)
    for name, found in listed.items():
        lines(node.config, name).extend(found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for section, counted in sorted(config.stash.get(_SECTIONS, {}).items()):
        if counted:
            terminalreporter.section(section)
            for name, number in sorted(counted.items()):
                terminalreporter.write_line(f"{name}: {number}")
            terminalreporter.write_line(f"all: {counted.total()}")
    for section, found in sorted(config.stash.get(_LINES, {}).items()):
        if found:
            terminalreporter.section(section)
            for line in found:
                terminalreporter.write_line(line)
