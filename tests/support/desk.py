"""A person's place: our command with remotes of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.holdfast import COMMAND, HoldfastServer
from support.lxd import LxdServer
from support.relay import PASSWORD


@dataclass(frozen=True)
class Desk:
    """Runs the command; its remotes are in `configuration`."""

    configuration: Path

    @classmethod
    def knowing(cls, configuration: Path, servers: Mapping[str, HoldfastServer | LxdServer]) -> Desk:
        """Return one that knows each server under its name."""
        found = cls(configuration)
        for name, server in servers.items():
            found.know(name, server)
        return found

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "HOLDFAST_CONF": str(self.configuration), "HOLDFAST_DIR": "/nowhere"}
        return subprocess.run(
            [COMMAND, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=600, check=False
        )

    def must(self, *arguments: str | Path) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def know(self, name: str, server: HoldfastServer | LxdServer) -> None:
        """Make a server two remotes: `name` by its socket, and with an `s` before it by HTTPS."""
        self.must("remote", "add", name, f"unix://{server.socket}")
        address = json.loads(server.lxc.run("query", "/1.0"))["config"]["core.https_address"]
        self.must("remote", "add", f"s{name}", f"https://{address}", "--accept-certificate", "--password", PASSWORD)
