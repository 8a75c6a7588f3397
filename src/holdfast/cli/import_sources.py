"""Where the file of an import comes from: a path or standard input, and the key that opens an encrypted one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO, Final

import click

from holdfast.cli.references import NAME, strip_remote

identity_option: Final = click.option(
    "--identity",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="The age identity, or SSH key, that opens an encrypted file",
)


def source_and_name(words: tuple[str, ...]) -> tuple[Path | BinaryIO, str, str]:
    """Return the file to send, how it is called in messages, and the name that was given."""
    if len(words) > 1 and words[0].endswith(":") and strip_remote(words[0]) == "":
        words = words[1:]
    if len(words) > 2:
        raise click.UsageError("Give FILE [NAME]")
    if "" in words:
        raise click.UsageError(f"{('FILE', 'NAME')[words.index('')]} is empty")
    name = NAME.convert(words[1], None, None) if len(words) == 2 else ""
    if words[0] == "-":
        if sys.stdin.isatty():
            raise click.ClickException("Standard input is the terminal: pipe an export file into it")
        return sys.stdin.buffer, "standard input", name
    path = Path(words[0])
    if not path.is_file():
        raise click.ClickException(f"{path} is not a file")
    return path, path.name, name
