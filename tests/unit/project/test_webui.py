"""The web page passes the type checker and the linter."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

WEBUI = Path(__file__).parents[3] / "webui"


@pytest.mark.needs("node", "npm")
def test_the_types_and_the_linter_find_nothing() -> None:
    if not (WEBUI / "node_modules").is_dir():
        pytest.skip("needs the page's packages: npm ci in webui")
    done = subprocess.run(["npm", "run", "check"], cwd=WEBUI, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
