"""Modules stay small enough to be read in one sitting."""

from __future__ import annotations

import statistics
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "src" / "holdfast"
LONGEST_LINES = 600
MEDIAN_LINES = 200


def sizes() -> dict[str, int]:
    """Return lines per module; empty package markers don't count, they would flatter the median."""
    found = {str(path.relative_to(SOURCE)): path.read_text().count("\n") for path in SOURCE.rglob("*.py")}
    return {name: lines for name, lines in found.items() if not (name.endswith("__init__.py") and lines <= 3)}


def test_no_module_is_too_long() -> None:
    assert {name: lines for name, lines in sizes().items() if lines > LONGEST_LINES} == {}


def test_the_median_module_is_short() -> None:
    assert statistics.median(sizes().values()) < MEDIAN_LINES
