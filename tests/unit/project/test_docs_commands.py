"""Every `holdfast` command line in the documentation and in ./run is one that the command would take."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import click
import pytest

from holdfast.cli.commands import config
from holdfast.cli.commands.config import target_and_settings
from holdfast.cli.implied import ImpliedGroup
from holdfast.cli.references import parse_settings
from holdfast.cli.root import ROOT

REPOSITORY = Path(__file__).parents[3]
FENCE = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(holdfast [^`]+)`")


def command_lines() -> list[tuple[str, str]]:
    """Return page and line of each command in fences and in code spans, and those that the tour shows."""
    found = []
    for page in (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))):
        text = page.read_text()
        lines = [line.strip().removeprefix("$ ") for fence in FENCE.findall(text) for line in fence.splitlines()]
        lines += INLINE.findall(text)
        found += [(page.name, line) for line in lines if line.startswith("holdfast ") and "…" not in line]
    tour = (REPOSITORY / "packaging" / "tour.sh").read_text()
    found += [("tour.sh", f"holdfast {line}") for line in re.findall(r"\bshow ([a-z].*)", tour)]
    return found


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_the_command_line_is_understood(page: str, line: str) -> None:
    for words in commands_of(line):
        assert_understood(page, line, words)


def assert_understood(page: str, line: str, words: list[str]) -> None:
    command: click.Command = ROOT
    context = click.Context(ROOT, info_name="holdfast")
    while isinstance(command, click.Group) and words:
        words = command.with_verb(words) if isinstance(command, ImpliedGroup) else words
        if words[0].startswith("-"):
            break
        found = command.get_command(context, words[0])
        assert found is not None, f"{page}: no command {words[0]!r} in: {line}"
        command, context = found, click.Context(found, info_name=words[0], parent=context)
        words = words[1:]
    if isinstance(command, click.Group):
        assert not words or words[0] in known_options(command, context), line
        return
    assert_arguments_fit(command, context, words, line)


def commands_of(line: str) -> list[list[str]]:
    """Split as a shell does; return the arguments of each `holdfast` in the line."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    for word in lexer:
        if word in (";", "&", "|", "&&", ">", "<"):
            commands.append([])
        else:
            commands[-1].append(word)
    return [words[1:] for words in commands if words and words[0] == "holdfast"]


def known_options(command: click.Command, context: click.Context) -> set[str]:
    return {option for parameter in command.get_params(context) for option in parameter.opts + parameter.secondary_opts}


def assert_settings_fit(command: click.Command, values: Mapping[str, object]) -> None:
    """Refuse what `set` would: `KEY VALUE KEY VALUE`. What is read from standard input is taken for a word."""
    if command is config.set_keys:
        target_and_settings(_without_stdin(values["words"]))
    elif command.name == "set" and values.get("settings"):
        parse_settings(_without_stdin(values["settings"]))


def _without_stdin(words: object) -> tuple[str, ...]:
    assert isinstance(words, (tuple, list))
    return tuple("x" if word == "-" else str(word).replace("=-", "=x") for word in words)


def assert_arguments_fit(command: click.Command, context: click.Context, words: list[str], line: str) -> None:
    """Parse as the command does, without checks of values that only the real thing knows."""
    if not words and any(parameter.required for parameter in command.params):
        return  # a command that is only named in a sentence
    try:
        values, _, _ = command.make_parser(context).parse_args(list(words))
        assert_settings_fit(command, values)
    except click.UsageError as error:
        pytest.fail(f"{line}: {error.format_message()}")
    minimum = sum(isinstance(each, click.Argument) and each.required for each in command.params)
    given = [word for word in words if not word.startswith("-")]
    assert len(given) >= minimum or "NAME" in line or "--all" in words, f"{line}: too few arguments"
