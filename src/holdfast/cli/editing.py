"""Editing a document: in the user's editor on a terminal, from standard input otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import click

from holdfast.cli.yaml_text import from_yaml, to_yaml
from holdfast.client.errors import ClientError

Save = Callable[[dict[str, object]], None]


def read_stdin_document() -> dict[str, object]:
    """Return the YAML that is piped in; nothing when standard input is a terminal or closed."""
    if sys.stdin is None or sys.stdin.isatty():
        return {}
    return from_yaml(sys.stdin.read())


def edit(document: Mapping[str, object], help_text: str, save: Save) -> None:
    """Let the user change a document and save it. What the server refuses can be corrected in the editor."""
    if not sys.stdin.isatty():
        save(from_yaml(sys.stdin.read()))
        return
    text = "".join(f"### {line}\n" for line in help_text.splitlines()) + "\n" + to_yaml(dict(document))
    before = text
    while True:
        edited = click.edit(text, extension=".yaml")
        if edited is None or edited == before:
            click.echo("Nothing was changed", err=True)
            return
        try:
            save(from_yaml(edited))
            return
        except (ClientError, click.ClickException) as error:
            click.echo(f"Error: {error}", err=True)
            if not click.confirm("Edit again?", default=True, err=True):
                raise
            text = edited
