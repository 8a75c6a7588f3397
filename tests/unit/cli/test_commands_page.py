"""The page of commands says what the help texts say."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_of_commands_is_current() -> None:
    generator = runpy.run_path(str(DOCS / "generate_commands.py"))
    assert generator["PAGE"].read_text() == generator["page"](), "run: .venv/bin/python docs/generate_commands.py"
