"""`holdfast version`: of the client and of the server."""

from __future__ import annotations

import click

from holdfast import __version__
from holdfast.cli.groups import command
from holdfast.cli.references import remote_argument
from holdfast.cli.session import Session, pass_session
from holdfast.client.errors import ClientError


@command("version", "Show the versions of the client and the server.", examples=("holdfast version",))
@remote_argument
@pass_session
def version(session: Session) -> None:
    click.echo(f"Client version: {__version__}")
    try:
        environment = {**session.client.server_info()["environment"]}
    except ClientError:
        click.echo("Server version: unreachable")
        return
    level = environment["server_version"]
    own = environment.get("holdfast_version")
    click.echo(f"Server version: {f'{own} (LXD API level {level})' if own else level}")
