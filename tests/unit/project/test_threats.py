"""Every row of the threats that we know names tests that exist, or says that the part isn't built yet."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/internals/security.md"
ROWS = [
    line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ") and line.count("|") == 4
]
EXTRACTORS = {"tarfile", "zipfile", "libarchive"}


def _tests() -> set[str]:
    pattern = re.compile(r"^def (test_\w+)\(", re.MULTILINE)
    return {name for path in (ROOT / "tests").rglob("*.py") for name in pattern.findall(path.read_text("utf-8"))}


def test_there_are_rows() -> None:
    assert len(ROWS) > 30


@pytest.mark.parametrize("row", [row for row in ROWS if "---" not in row and not row.endswith("| test |")])
def test_each_row_has_its_tests(row: str) -> None:
    named = re.findall(r"`(test_\w+)`", row)
    assert named or "not built yet" in row
    assert set(named) <= _tests()


def test_threat_extraction_by_a_library() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name.partition(".")[0] for alias in node.names} | {getattr(node, "module", None)}
                assert not names & EXTRACTORS, path
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("unpack_archive", "extractall"), path
