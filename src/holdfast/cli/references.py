"""Arguments that name things: `remote:instance/snapshot`, `remote:pool`, `key=value`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import click
from click.shell_completion import CompletionItem

from holdfast.cli.session import Session

Function = TypeVar("Function", bound=Callable[..., object])

_REMOTE = re.compile(r"([A-Za-z0-9_.-]+):", re.ASCII)
_IMAGE_HINT = ". An image server is not needed for Debian: `holdfast image build debian/12 --alias debian/12`"


def split_remote(text: str) -> tuple[str, str]:
    """Return the remote that a word names, "" for none, and what follows it."""
    found = _REMOTE.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)


def strip_remote(text: str, *, is_image: bool = False) -> str:
    """Return what follows `REMOTE:`, and let the command be about that server."""
    from holdfast.client.remotes import UnknownRemoteError

    remote, rest = split_remote(text)
    if remote:
        try:
            click.get_current_context().ensure_object(Session).use_remote(remote)
        except UnknownRemoteError as error:
            raise click.BadParameter(f"{error}{_IMAGE_HINT if is_image else ''}") from error
    return rest


def _check_one_server(remote: str, param: click.Parameter | None, ctx: click.Context | None) -> None:
    """Refuse words of one list that mean several servers; one that names none means the default one."""
    if param is None or ctx is None or param.nargs != -1:
        return
    named = remote or ctx.ensure_object(Session).remotes.default
    first = ctx.meta.setdefault(f"{__name__}.server of {param.name}", named)
    if first != named:
        raise click.UsageError(
            f'One command works on one server: "{first}" and "{named}" are two. Write REMOTE: before each name'
        )


@dataclass(frozen=True)
class InstanceReference:
    """An instance, or one of its snapshots when `snapshot` is not empty."""

    name: str
    snapshot: str = ""
    remote: str = ""
    """As it was said; "" for no word of it."""

    def __str__(self) -> str:
        return f"{self.name}/{self.snapshot}" if self.snapshot else self.name


class InstanceType(click.ParamType[InstanceReference]):
    """Takes `[REMOTE:]instance[/snapshot]`."""

    name = "instance"

    def __init__(self, *, snapshots: bool = False, may_be_empty: bool = False, is_target: bool = False) -> None:
        """A target doesn't say which server the command is about."""
        self._takes_snapshots = snapshots
        self._may_be_empty = may_be_empty
        self._is_target = is_target

    def convert(
        self, value: str | InstanceReference, param: click.Parameter | None, ctx: click.Context | None
    ) -> InstanceReference:
        if isinstance(value, InstanceReference):
            return value
        remote, rest = split_remote(value)
        if not self._is_target:
            _check_one_server(remote, param, ctx)
            strip_remote(value)
        name, slash, snapshot = rest.partition("/")
        if not value:
            self.fail("the name of an instance is missing: the word is empty", param, ctx)
        if not name and not self._may_be_empty:
            self.fail(f'"{value}" names no instance', param, ctx)
        if slash and not self._takes_snapshots:
            self.fail(f'"{value}" is a snapshot; an instance is needed here', param, ctx)
        if slash and not snapshot:
            self.fail(f'"{value}" names no snapshot after the slash', param, ctx)
        return InstanceReference(name, snapshot, remote)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return complete_instances(incomplete)


class NameType(click.ParamType[str]):
    """Takes `[REMOTE:]name` of a pool, profile, project or image."""

    name = "name"

    def __init__(self, *, is_image: bool = False) -> None:
        self._is_image = is_image

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        _check_one_server(split_remote(value)[0], param, ctx)
        rest = strip_remote(value, is_image=self._is_image)
        if not rest and param is not None and param.nargs == -1:
            self.fail(f'"{value}" names nothing', param, ctx)
        return rest


class RemoteType(click.ParamType[str]):
    """Takes `REMOTE:` and nothing after it."""

    name = "remote"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value and strip_remote(value):
            self.fail(f'"{value}" is not of the form REMOTE:', param, ctx)
        return ""


INSTANCE = InstanceType()
INSTANCE_OR_SNAPSHOT = InstanceType(snapshots=True)
NAME = NameType()
IMAGE = NameType(is_image=True)
NO_INSTANCE = InstanceReference("")
"""Where no word was given; an empty one is refused, as it comes of a variable that isn't set."""


def remote_argument(function: Function) -> Function:
    """Add `[REMOTE:]` to a command that takes no other word for where it works."""
    return click.argument("remote", type=RemoteType(), default="", expose_value=False, metavar="[REMOTE:]")(function)


def complete_instances(incomplete: str) -> list[CompletionItem]:
    """Return the names that a shell may offer; silently none when no server answers."""
    from holdfast.client.client import Client
    from holdfast.client.errors import ClientError
    from holdfast.client.remotes import Remotes

    remote, begin = split_remote(incomplete)
    prefix = f"{remote}:" if remote else ""
    try:
        names = Client(Remotes.load().connection(remote)).instances.names()
    except ClientError:
        return []
    return [CompletionItem(prefix + name) for name in names if name.startswith(begin)]


def parse_pairs(words: Sequence[str]) -> dict[str, str]:
    """Read `key=value` words."""
    pairs: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise click.UsageError(f'"{word}" is not of the form key=value')
        pairs[key] = value
    return pairs


def parse_settings(words: Sequence[str]) -> dict[str, str]:
    """Read what follows `set`: `key=value` words, or one key and one value apart. A value of `-` is read from stdin."""
    if len(words) == 2 and "=" not in words[0]:
        pairs = {words[0]: words[1]}
    else:
        pairs = parse_pairs(words)
    if not pairs:
        raise click.UsageError("Nothing to set: give key=value")
    return {key: sys.stdin.read() if value == "-" else value for key, value in pairs.items()}


def parse_device_overrides(words: Sequence[str]) -> dict[str, dict[str, str]]:
    """Read `device,key=value` words of `-d`."""
    devices: dict[str, dict[str, str]] = {}
    for word in words:
        device, comma, setting = word.partition(",")
        if not comma:
            raise click.UsageError(f'"{word}" is not of the form device,key=value')
        devices.setdefault(device, {}).update(parse_pairs([setting]))
    return devices
