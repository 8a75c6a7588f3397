"""What a server has, asked and changed by our own command: for tests of what is done by other ways."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.holdfast import HoldfastServer


def run(server: HoldfastServer, *command: str | Path) -> str:
    """Run `holdfast COMMAND` and return what it printed; it must succeed."""
    done = server.holdfast(*command)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout.strip()


def ask(server: HoldfastServer, path: str) -> Any:
    """Return the metadata of a path of the API."""
    return json.loads(run(server, "query", path))


def names(server: HoldfastServer, path: str) -> list[str]:
    """Return the names of what a path lists."""
    return sorted(url.split("?")[0].split("/")[-1] for url in ask(server, path))
