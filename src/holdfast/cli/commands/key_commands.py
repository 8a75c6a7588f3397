"""`get`, `set`, `unset`, `show` and `edit` for nouns that have a configuration and a description."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import click

from holdfast.cli.editing import edit
from holdfast.cli.groups import Command, command
from holdfast.cli.naming import about
from holdfast.cli.references import NAME, parse_settings
from holdfast.cli.session import Session, pass_session

EDIT_HELP = "Lines that begin with # are ignored. Save an unchanged or empty text to leave everything as it is."


@dataclass(frozen=True)
class Noun:
    """A kind of thing with a configuration: how one is read and written, and which fields can be written."""

    word: str
    path: str
    example: str
    key: str
    value: str
    read: Callable[[Session, str], tuple[Mapping[str, object], str]]
    write: Callable[[Session, str, Mapping[str, object], str], None]
    fields: tuple[str, ...]
    is_silent_unset: bool = False
    """`get` of a key that isn't set writes nothing, instead of an empty line, as that of `lxc` does."""


def _config_of(document: Mapping[str, object]) -> dict[str, str]:
    return dict(cast(Mapping[str, str], document.get("config") or {}))


def _read(session: Session, noun: Noun, name: str) -> tuple[Mapping[str, object], str]:
    with about(name):
        return noun.read(session, name)


def _write(session: Session, noun: Noun, name: str, change: Callable[[dict[str, str]], None]) -> None:
    document, etag = _read(session, noun, name)
    config = _config_of(document)
    change(config)
    shown = {field: document[field] for field in noun.fields if field in document}
    noun.write(session, name, {**shown, "config": config}, etag)


def get_command(noun: Noun) -> Command:
    """Make `get`."""

    @command("get", "Show the value of a key.", examples=(f"{noun.path} get {noun.example} {noun.key}",))
    @click.argument("name", type=NAME, metavar=noun.word)
    @click.argument("key")
    @pass_session
    def get(session: Session, name: str, key: str) -> None:
        value = _config_of(_read(session, noun, name)[0]).get(key, "")
        if value or not noun.is_silent_unset:
            click.echo(value)

    return get


def set_command(noun: Noun) -> Command:
    """Make `set`."""

    @command("set", "Set keys.", examples=(f"{noun.path} set {noun.example} {noun.key}={noun.value}",))
    @click.argument("name", type=NAME, metavar=noun.word)
    @click.argument("settings", nargs=-1, required=True, metavar="KEY=VALUE...")
    @pass_session
    def set_keys(session: Session, name: str, settings: tuple[str, ...]) -> None:
        pairs = parse_settings(settings)
        _write(session, noun, name, lambda config: config.update(pairs))

    return set_keys


def unset_command(noun: Noun) -> Command:
    """Make `unset`."""

    @command(
        "unset", "Remove a key; one that isn't set is fine.", examples=(f"{noun.path} unset {noun.example} {noun.key}",)
    )
    @click.argument("name", type=NAME, metavar=noun.word)
    @click.argument("key")
    @pass_session
    def unset(session: Session, name: str, key: str) -> None:
        def change(config: dict[str, str]) -> None:
            config.pop(key, None)

        _write(session, noun, name, change)

    return unset


def show_command(noun: Noun) -> Command:
    """Make `show`."""

    @command("show", "Show everything as YAML.", examples=(f"{noun.path} show {noun.example}",))
    @click.argument("name", type=NAME, metavar=noun.word)
    @pass_session
    def show(session: Session, name: str) -> None:
        from holdfast.cli.yaml_text import to_yaml

        click.echo(to_yaml(dict(_read(session, noun, name)[0])), nl=False)

    return show


def edit_command(noun: Noun) -> Command:
    """Make `edit`."""

    examples = (
        f"{noun.path} edit {noun.example}",
        f"{noun.path} show {noun.example} > saved.yaml",
        f"{noun.path} edit {noun.example} < saved.yaml",
    )

    @command("edit", "Edit in $EDITOR, or take the YAML from standard input.", examples=examples)
    @click.argument("name", type=NAME, metavar=noun.word)
    @pass_session
    def edit_document(session: Session, name: str) -> None:
        document, etag = _read(session, noun, name)

        def save(edited: dict[str, object]) -> None:
            noun.write(session, name, {field: edited[field] for field in noun.fields if field in edited}, etag)

        edit(document, EDIT_HELP, save)

    return edit_document
