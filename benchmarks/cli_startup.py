"""How long a command of ours takes in all, beside `lxc` on the same socket, and what it spends the time on.

usage: .venv/bin/python benchmarks/cli_startup.py [SOCKET] [--rounds N]

SOCKET defaults to the server of HOLDFAST_DIR. Rounds are interleaved, so that load hits both alike; the median counts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from holdfast.client.connection import socket_path_of

HOLDFAST = Path(sys.executable).with_name("holdfast")
LIMIT_MS = 150


def time_ms(words: list[str], environment: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("socket", nargs="?", default=socket_path_of(os.environ))
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    environment = {
        **os.environ,
        "HOLDFAST_SOCKET": arguments.socket,
        "LXD_SOCKET": arguments.socket,
        "LXD_DIR": str(Path(arguments.socket).parent),
    }
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "holdfast --version": [str(HOLDFAST), "--version"],
        "holdfast list": [str(HOLDFAST), "list"],
        "holdfast list --format yaml": [str(HOLDFAST), "list", "--format", "yaml"],
    }
    if shutil.which("lxc"):
        commands["lxc list"] = ["lxc", "list"]
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(arguments.rounds):
        for name, words in commands.items():
            times[name].append(time_ms(words, environment))
    print(f"| command | median ms | best ms |\n|---|---|---|  ({arguments.rounds} rounds)")
    for name, measured in times.items():
        print(f"| `{name}` | {statistics.median(measured):.0f} | {min(measured):.0f} |")
    return 0 if statistics.median(times["holdfast list"]) < LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
