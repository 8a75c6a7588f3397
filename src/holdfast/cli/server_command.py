"""`holdfast server`: run the daemon. The only part of the command line that knows it."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from holdfast.cli.groups import command
from holdfast.client.endpoints import DEFAULT_DIRECTORY


@command(
    "server",
    "Run the server in the foreground, as root. Its state is below $HOLDFAST_DIR (default /var/lib/holdfast). "
    "SIGTERM stops it; instances keep running.",
    examples=(
        "holdfast server",
        "holdfast server --group holdfast           # members of the group may use it",
        "HOLDFAST_DIR=/srv/holdfast holdfast server",
        "holdfast server & holdfast waitready && holdfast list",
    ),
)
@click.option("--group", default="", metavar="NAME", help="Let this group open the socket  [default: root only]")
@click.option("--ready-timeout", type=float, default=0, metavar="SECONDS", help="Give up when not ready in time")
def server(group: str, ready_timeout: float) -> None:
    if os.geteuid() != 0:
        raise click.ClickException("The server must be run as root")
    directory = Path(os.environ.get("HOLDFAST_DIR") or DEFAULT_DIRECTORY)
    _loaded()(directory, group=group or None, ready_timeout_s=ready_timeout or None)


def _loaded() -> Callable[..., NoReturn]:
    """Import the server. Nothing of that is garbage, now or later: looking for it costs 50 ms each time."""
    gc.disable()
    from holdfast.daemon import main

    gc.freeze()
    gc.enable()
    return main
