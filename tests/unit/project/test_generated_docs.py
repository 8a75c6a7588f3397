"""Pages that are made from the code say what the code says."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("name", ["generate_configuration.py", "generate_api.py", "generate_openapi.py"])
def test_the_page_is_current(name: str) -> None:
    generator = runpy.run_path(str(DOCS / name))
    assert generator["PAGE"].read_text() == generator["page"](), f"run: .venv/bin/python docs/{name}"


def test_every_variable_of_the_environment_is_documented() -> None:
    page = (DOCS / "reference" / "environment.md").read_text()
    source = "".join(path.read_text() for path in (DOCS.parent / "src").rglob("*.py"))
    set_by_shells = {"HOLDFAST_COMPLETE"}
    assert set(re.findall(r"HOLDFAST_[A-Z_]+", source)) - set_by_shells == set(
        re.findall(r"`(HOLDFAST_[A-Z_]+)`", page)
    )
