"""Writes docs/reference/commands.md from the help texts of the command line; a test sees that it is current."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from holdfast.cli.groups import Command, Group
from holdfast.cli.root import ROOT

PAGE = Path(__file__).parent / "reference" / "commands.md"
INTRODUCTION = """# Commands

Made from the help texts of the command line by `docs/generate_commands.py`; don't edit it by hand. The words are those
of `lxc`. Every command also takes `--project NAME`, `-q/--quiet` and `-h/--help`; the exit code is 0 or 1 (of `exec`:
the command's own), and errors are one line on standard error.
"""


def commands(group: Group, path: str) -> Iterator[tuple[str, Command]]:
    """Yield every command below a group with the words that call it."""
    for name in group.list_commands(click.Context(group)):
        found = group.get_command(click.Context(group), name)
        if isinstance(found, Group):
            yield from commands(found, f"{path} {name}")
        elif isinstance(found, Command):
            yield f"{path} {name}", found


def section(path: str, command: Command) -> str:
    """Return what the page says of one command."""
    context = click.Context(command, info_name=path)
    arguments = " ".join(command.collect_usage_pieces(context))
    lines = [f"## {path}", "", f"`{path} {arguments}`", "", (command.help or "").strip(), ""]
    options = [option for option in command.params if isinstance(option, click.Option)]
    if options:
        lines += ["| option | |", "|---|---|", *map(row, options), ""]
    lines += ["```sh", *command.examples, "```", ""]
    return "\n".join(lines)


def row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" `{option.metavar or 'VALUE'}`"
    choices = f" One of {', '.join(option.type.choices)}." if isinstance(option.type, click.Choice) else ""
    text = f"{option.help or ''}{choices}".strip()
    return f"| {names}{value} | {text} |".replace("  ", " ")


def page() -> str:
    """Return the whole page."""
    return INTRODUCTION + "\n" + "\n".join(section(path, command) for path, command in commands(ROOT, "holdfast"))


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"Wrote {PAGE}")
