"""What the server must know for a command to make sense: LXD passes over what it doesn't know without a word."""

from __future__ import annotations

import click

from holdfast.cli.session import Session


def require_extension(session: Session, name: str, what: str) -> None:
    """End the command if the server doesn't announce an extension of its API."""
    if not session.knows(name):
        raise click.ClickException(f'This server knows no {what}: it lacks the API extension "{name}"')
