"""`holdfast waitready`: wait until the server answers."""

from __future__ import annotations

import time

import click

from holdfast.cli.groups import command
from holdfast.cli.session import Session, pass_session

PAUSE_S = 0.1
LONGEST_S = 366 * 24 * 3600


@command(
    "waitready",
    "Wait until the server answers; the exit code is 1 when it doesn't in time.",
    examples=("holdfast waitready", "holdfast waitready --timeout 30 && holdfast list"),
)
@click.option(
    "--timeout", type=float, default=0, metavar="SECONDS", help="Wait as long; 0 is for ever  [default: for ever]"
)
@pass_session
def waitready(session: Session, timeout: float) -> None:
    if not 0 <= timeout <= LONGEST_S:  # so that what is no number ("nan") is refused, too
        raise click.UsageError(f"--timeout takes seconds from 0 (wait for ever) to {LONGEST_S}, not {timeout:g}")
    deadline = time.monotonic() + timeout if timeout > 0 else None
    while not session.client.is_ready(timeout_s=timeout or 60):
        if deadline is not None and time.monotonic() >= deadline:
            raise click.ClickException(
                f"The server at {session.client.connection.endpoint.url} didn't answer within {timeout:g} seconds"
            )
        time.sleep(PAUSE_S)
