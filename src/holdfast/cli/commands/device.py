"""`holdfast config device` and `holdfast profile device`: the same commands on two kinds of owners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click

from holdfast.cli.commands.config import writable
from holdfast.cli.groups import Command, Group, command
from holdfast.cli.groups import Entry as Entry
from holdfast.cli.references import INSTANCE, NAME, parse_pairs, parse_settings
from holdfast.cli.session import Session, pass_session
from holdfast.client.shapes import DeviceMap

Change = Callable[[DeviceMap], None]


@dataclass(frozen=True)
class Owner:
    """Whose devices are meant: how they are read and written."""

    word: str
    read: Callable[[Session, str], DeviceMap]
    change: Callable[[Session, str, Change], None]
    parse: Callable[[str], str]
    inherited: Callable[[Session, str], DeviceMap]
    """What is there beside its own devices: of an instance those that its profiles give."""

    def own(self, session: Session, name: str, devices: DeviceMap, device: str) -> dict[str, str]:
        """Return one of its devices; refuse another with what is there, and with what helps."""
        if device in devices:
            return devices[device]
        if device in self.inherited(session, name):
            raise click.ClickException(
                f'{name} has no device "{device}" of its own: it comes from a profile. '
                f"`holdfast config device override {name} {device} KEY=VALUE` makes it the instance's own"
            )
        raise click.ClickException(f'{name} has no device "{device}" of its own; it has: {_listed(devices)}')


def _listed(devices: DeviceMap) -> str:
    return ", ".join(sorted(devices)) or "none"


def _change_instance(session: Session, name: str, apply: Change) -> None:
    document, etag = session.client.instances.get_with_etag(name)
    apply(document["devices"])
    session.wait(session.client.instances.update(name, writable(document), etag), f"Changing {name}")


def _change_profile(session: Session, name: str, apply: Change) -> None:
    document, etag = session.client.profiles.get_with_etag(name)
    apply(document["devices"])
    session.client.profiles.update(name, {**document}, etag)


INSTANCE_OWNER = Owner(
    "INSTANCE",
    lambda session, name: session.client.instances.get(name)["devices"],
    _change_instance,
    lambda text: INSTANCE.convert(text, None, None).name,
    lambda session, name: session.client.instances.get(name)["expanded_devices"],
)
PROFILE_OWNER = Owner(
    "PROFILE",
    lambda session, name: session.client.profiles.get(name)["devices"],
    _change_profile,
    lambda text: NAME.convert(text, None, None),
    lambda session, name: {},
)


class DeviceGroup(Group):
    """The commands on devices; they are made for one kind of owner and live in this module."""

    def __init__(self, owner: Owner, path: str) -> None:
        commands = device_commands(owner, path)
        entries = {made.name or "": Entry(__name__, "", made.help or "") for made in commands}
        first = commands[0].examples[:1]
        super().__init__("device", "Add, change and remove devices.", entries, examples=first)
        self._made = {made.name: made for made in commands}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self._made.get(self.other_names.get(cmd_name, cmd_name))


def device_commands(owner: Owner, path: str) -> list[Command]:
    """Make the commands for one kind of owner."""

    def argument(function: Callable[..., object]) -> Callable[..., object]:
        return click.argument("owner_name", metavar=owner.word)(function)

    @command("list", "List devices.", examples=(f"{path} list web",))
    @argument
    @pass_session
    def list_devices(session: Session, owner_name: str) -> None:
        for name in sorted(owner.read(session, owner.parse(owner_name))):
            click.echo(name)

    @command("show", "Show devices as YAML.", examples=(f"{path} show web",))
    @argument
    @pass_session
    def show(session: Session, owner_name: str) -> None:
        from holdfast.cli.yaml_text import to_yaml

        click.echo(to_yaml(owner.read(session, owner.parse(owner_name))), nl=False)

    @command(
        "add",
        "Add a device.",
        examples=(
            f"{path} add web data disk source=/srv/data path=/data",
            f"{path} add web eth0 nic nictype=bridged parent=br0",
        ),
    )
    @argument
    @click.argument("device")
    @click.argument("kind", metavar="TYPE")
    @click.argument("settings", nargs=-1, metavar="[KEY=VALUE...]")
    @pass_session
    def add(session: Session, owner_name: str, device: str, kind: str, settings: tuple[str, ...]) -> None:
        name, options = owner.parse(owner_name), parse_pairs(settings)

        def apply(devices: DeviceMap) -> None:
            if device in devices:
                raise click.ClickException(f'{name} already has a device "{device}"')
            devices[device] = {**options, "type": kind}

        owner.change(session, name, apply)
        session.say(f"Device {device} added to {name}")

    @command("remove", "Remove devices.", examples=(f"{path} remove web data",))
    @argument
    @click.argument("devices", nargs=-1, required=True, metavar="DEVICE...")
    @pass_session
    def remove(session: Session, owner_name: str, devices: tuple[str, ...]) -> None:
        name = owner.parse(owner_name)

        def apply(known: DeviceMap) -> None:
            for device in devices:
                owner.own(session, name, known, device)
            for device in set(devices):
                del known[device]

        owner.change(session, name, apply)
        session.say(f"Device {', '.join(devices)} removed from {name}")

    @command("get", "Show an option of a device.", examples=(f"{path} get web data source",))
    @argument
    @click.argument("device")
    @click.argument("key")
    @pass_session
    def get(session: Session, owner_name: str, device: str, key: str) -> None:
        name = owner.parse(owner_name)
        click.echo(owner.own(session, name, owner.read(session, name), device).get(key, ""))

    @command("set", "Set options of a device.", examples=(f"{path} set web data readonly=true",))
    @argument
    @click.argument("device")
    @click.argument("settings", nargs=-1, required=True, metavar="KEY=VALUE...")
    @pass_session
    def set_options(session: Session, owner_name: str, device: str, settings: tuple[str, ...]) -> None:
        name, options = owner.parse(owner_name), parse_settings(settings)
        owner.change(session, name, lambda devices: owner.own(session, name, devices, device).update(options))

    @command("unset", "Remove an option of a device.", examples=(f"{path} unset web data readonly",))
    @argument
    @click.argument("device")
    @click.argument("key")
    @pass_session
    def unset(session: Session, owner_name: str, device: str, key: str) -> None:
        name = owner.parse(owner_name)

        def apply(devices: DeviceMap) -> None:
            if owner.own(session, name, devices, device).pop(key, None) is None:
                raise click.ClickException(f'"{key}" is not set on device {device} of {name}')

        owner.change(session, name, apply)

    made = [list_devices, show, add, remove, get, set_options, unset]
    return [*made, override_command(path)] if owner is INSTANCE_OWNER else made


def override_command(path: str) -> Command:
    """Make `override`, which only instances have."""

    @command(
        "override",
        "Copy a device that comes from a profile into the instance, with other options.",
        examples=(f"{path} override web root size=20GiB",),
    )
    @click.argument("instance", metavar="INSTANCE")
    @click.argument("device")
    @click.argument("settings", nargs=-1, metavar="[KEY=VALUE...]")
    @pass_session
    def override(session: Session, instance: str, device: str, settings: tuple[str, ...]) -> None:
        name, options = INSTANCE_OWNER.parse(instance), parse_pairs(settings)
        inherited = session.client.instances.get(name)["expanded_devices"]

        def apply(devices: DeviceMap) -> None:
            if device in devices:
                raise click.ClickException(f'{name} already has its own device "{device}"; use `set`')
            if device not in inherited:
                raise click.ClickException(
                    f'The profiles of {name} have no device "{device}"; it has: {_listed(inherited)}'
                )
            devices[device] = {**inherited[device], **options}

        INSTANCE_OWNER.change(session, name, apply)
        session.say(f"Device {device} overridden for {name}")

    return override


config_device = DeviceGroup(INSTANCE_OWNER, "holdfast config device")
profile_device = DeviceGroup(PROFILE_OWNER, "holdfast profile device")
