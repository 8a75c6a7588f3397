"""How commands are found and shown: loaded when called, with examples in their help, near misses suggested."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import click

from holdfast.cli.session import Session

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


OTHER_NAMES = {"ls": "list", "rm": "delete", "cp": "copy", "mv": "move"}
"""Short words, as `lxc` knows them, for commands that a group has."""


MAY_BE_EMPTY = frozenset({"description", "data", "keep", "profiles", "rule", "window"})
"""The parameters whose empty value says something: no text, no body, no profiles, no rule."""


@dataclass(frozen=True)
class Entry:
    """Where a command lives (module and attribute), and its line in the list of commands."""

    module: str
    attribute: str
    summary: str


def _remember_project(context: click.Context, _: click.Parameter, value: str | None) -> str | None:
    if value:
        context.ensure_object(Session).given_project = value
    return value


def _remember_quiet(context: click.Context, _: click.Parameter, value: bool) -> bool:
    if value:
        context.ensure_object(Session).is_quiet = True
    return value


GLOBAL_OPTIONS = (
    click.Option(
        ["--project"], metavar="NAME", expose_value=False, callback=_remember_project, help="Work in this project"
    ),
    click.Option(
        ["-q", "--quiet"], is_flag=True, expose_value=False, callback=_remember_quiet, help="Show no progress"
    ),
)
"""The options that every command takes, wherever they stand."""


class Command(click.Command):
    """A command with examples and the options that all commands share."""

    examples: Sequence[str] = ()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            given, _, _ = self.make_parser(ctx).parse_args(args=list(args))
            for parameter in self.get_params(ctx):
                _refuse_empty(ctx, parameter, given.get(parameter.name or ""))
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        *own, last = super().get_params(ctx)  # the last one is --help
        return [*own, *GLOBAL_OPTIONS, last]

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(self.examples, formatter)


def _refuse_empty(ctx: click.Context, parameter: click.Parameter, given: object) -> None:
    """Raise for a value that is there but empty, as of an unset variable: it isn't a word that was left out."""
    is_empty = given == "" or (parameter.multiple and isinstance(given, list | tuple) and "" in given)
    if not is_empty or parameter.name in MAY_BE_EMPTY:
        return
    if isinstance(parameter, click.Option):
        hint = f"{'/'.join(parameter.opts)} is empty: give it a value, or leave the option out"
    else:
        hint = (
            f"{parameter.make_metavar(ctx)} is empty: give a value{'' if parameter.required else ', or leave it out'}"
        )
    raise click.UsageError(hint, ctx)


class Group(click.Group):
    """A noun whose commands are loaded when they are called, so that starting stays quick."""

    def __init__(
        self,
        name: str,
        summary: str,
        entries: Mapping[str, Entry],
        *,
        other_names: Mapping[str, str] = OTHER_NAMES,
        examples: Sequence[str] = (),
    ) -> None:
        super().__init__(name, help=summary, context_settings=SETTINGS)
        self.entries = dict(entries)
        self.examples = examples
        self.other_names = {other: full for other, full in other_names.items() if full in self.entries}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries.get(self.other_names.get(cmd_name, cmd_name))
        if entry is None:
            return None
        found: click.Command = getattr(importlib.import_module(entry.module), entry.attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            self._refuse(ctx, args[0])
        return super().resolve_command(ctx, args)

    def _refuse(self, ctx: click.Context, word: str) -> NoReturn:
        near = difflib.get_close_matches(word, [*self.entries, *self.other_names], n=1, cutoff=0.5)
        hint = f"Did you mean `{ctx.command_path} {near[0]}`?" if near else f"See `{ctx.command_path} --help`"
        raise click.UsageError(f'Unknown command "{word}" for {ctx.command_path}. {hint}')

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.entries[name].summary) for name in self.list_commands(ctx)])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_examples(self.examples, formatter)


def write_examples(examples: Sequence[str], formatter: click.HelpFormatter) -> None:
    """Write the part of a help text that teaches; lines that begin with # explain the next one."""
    if not examples:
        return
    with formatter.section("Examples"):
        for line in examples:
            formatter.write(f"{'':{formatter.current_indent}}{line}\n")


def command(
    name: str, summary: str, *, examples: Sequence[str] = (), cls: type[Command] = Command
) -> Callable[[Callable[..., object]], Command]:
    """Declare a command: its name, what it does, and examples that can be typed as they stand."""

    def declare(function: Callable[..., object]) -> Command:
        made = click.command(name, cls=cls, help=summary, context_settings=SETTINGS)(function)
        made.examples = examples
        return made

    return declare
