"""Arguments that name things: `remote:instance/snapshot`, `remote:pool`, `key=value`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

import click
from click.shell_completion import CompletionItem

LOCAL = "local"
_OTHER_REMOTE = (
    'Remote "{remote}" is not known: there is only "local", the server of this machine. To use a server elsewhere, '
    "forward its socket (`ssh -L /tmp/other.socket:/var/lib/holdfast/unix.socket HOST`) "
    "and set HOLDFAST_SOCKET=/tmp/other.socket"
)
_IMAGE_HINT = ". An image server is not needed for Debian: `holdfast image build debian/12 --alias debian/12`"


def strip_remote(text: str, *, is_image: bool = False) -> str:
    """Return what follows `local:`; any other remote is refused with the way to reach it."""
    remote, colon, rest = text.partition(":")
    if not colon or "/" in remote:
        return text
    if remote != LOCAL:
        raise click.BadParameter(_OTHER_REMOTE.format(remote=remote) + (_IMAGE_HINT if is_image else ""))
    return rest


@dataclass(frozen=True)
class InstanceReference:
    """An instance, or one of its snapshots when `snapshot` is not empty."""

    name: str
    snapshot: str = ""

    def __str__(self) -> str:
        return f"{self.name}/{self.snapshot}" if self.snapshot else self.name


class InstanceType(click.ParamType[InstanceReference]):
    """Takes `[local:]instance[/snapshot]`."""

    name = "instance"

    def __init__(self, *, snapshots: bool = False, may_be_empty: bool = False) -> None:
        self._takes_snapshots = snapshots
        self._may_be_empty = may_be_empty

    def convert(
        self, value: str | InstanceReference, param: click.Parameter | None, ctx: click.Context | None
    ) -> InstanceReference:
        if isinstance(value, InstanceReference):
            return value
        name, slash, snapshot = strip_remote(value).partition("/")
        if not name and not self._may_be_empty:
            self.fail(f'"{value}" names no instance', param, ctx)
        if slash and not self._takes_snapshots:
            self.fail(f'"{value}" is a snapshot; an instance is needed here', param, ctx)
        if slash and not snapshot:
            self.fail(f'"{value}" names no snapshot after the slash', param, ctx)
        return InstanceReference(name, snapshot)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return complete_instances(incomplete)


class NameType(click.ParamType[str]):
    """Takes `[local:]name` of a pool, profile, project or image."""

    name = "name"

    def __init__(self, *, is_image: bool = False) -> None:
        self._is_image = is_image

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return strip_remote(value, is_image=self._is_image)


INSTANCE = InstanceType()
INSTANCE_OR_SNAPSHOT = InstanceType(snapshots=True)
NAME = NameType()
IMAGE = NameType(is_image=True)


def complete_instances(incomplete: str) -> list[CompletionItem]:
    """Return the names that a shell may offer; silently none when no server answers."""
    from holdfast.client.client import Client
    from holdfast.client.errors import ClientError

    try:
        names = Client.connect().instances.names()
    except ClientError:
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


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
