"""The entry of the command, before there is a command."""

from __future__ import annotations

import subprocess
import sys

import pytest

INTERRUPTED = """
import sys


class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            raise KeyboardInterrupt


sys.meta_path.insert(0, Interrupting())
from holdfast.cli.main import main

sys.exit(main(["version"]))
"""


@pytest.mark.parametrize("module", ["click", "holdfast.cli.root", "holdfast.cli.groups", "holdfast.client.errors"])
def test_an_interrupt_while_modules_are_loaded_is_one_line(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, module], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (1, "Error: interrupted\n")
