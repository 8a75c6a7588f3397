"""Editing a document: in the user's editor on a terminal, from standard input otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import click

from holdfast.cli.yaml_text import from_yaml, to_yaml
from holdfast.client.errors import ClientError

Save = Callable[[dict[str, object]], None]


UNCHANGED = "Nothing was changed"


def read_stdin_document() -> dict[str, object]:
    """Return the YAML that is piped in; nothing when standard input is a terminal or closed."""
    if sys.stdin is None or sys.stdin.isatty():
        return {}
    return from_yaml(_stdin_text())


def edit(document: Mapping[str, object], help_text: str, save: Save) -> None:
    """Let the user change a document and save it; an empty text leaves everything as it is.

    What the server refuses can be corrected in the editor.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        _save(_stdin_text(), document, save)
        return
    text = "".join(f"### {line}\n" for line in help_text.splitlines()) + "\n" + to_yaml(dict(document))
    before = text
    while True:
        edited = click.edit(text, extension=".yaml")
        if edited is None or edited == before:
            click.echo(UNCHANGED, err=True)
            return
        try:
            _save(edited, document, save)
            return
        except (ClientError, click.ClickException) as error:
            click.echo(f"Error: {error}", err=True)
            if not click.confirm("Edit again?", default=True, err=True):
                raise
            text = edited


def _stdin_text() -> str:
    """Return what is piped in; standard input that is closed holds nothing."""
    try:
        return "" if sys.stdin is None else sys.stdin.read()
    except UnicodeDecodeError as error:
        raise click.ClickException("What came on standard input is no text") from error


def _save(text: str, before: Mapping[str, object], save: Save) -> None:
    """Save a text that says something of what was shown: what it leaves out would be taken away."""
    wanted = from_yaml(text)
    if not wanted:
        click.echo(UNCHANGED, err=True)
        return
    if not wanted.keys() & before.keys():
        said = ", ".join(map(str, wanted))
        raise click.ClickException(f"Nothing was changed: there is no {said} here. Known are: {', '.join(before)}")
    save(wanted)
