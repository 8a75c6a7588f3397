"""`holdfast storage volume attach` and `detach`: volumes shown in instances, by themselves or by a profile."""

from __future__ import annotations

import click

from holdfast.cli.commands.device import INSTANCE_OWNER, PROFILE_OWNER, Owner
from holdfast.cli.commands.volume_references import VOLUME, VolumeReference
from holdfast.cli.groups import command
from holdfast.cli.references import NAME
from holdfast.cli.session import Session, pass_session
from holdfast.client.shapes import DeviceMap

_HELP = (
    " Give the PATH where it is shown; the DEVICE is named after the volume unless you say otherwise. "
    "A running instance has it at once, with the owners that it gives its files."
)


@command(
    "attach",
    "Show a volume in an instance." + _HELP,
    examples=(
        "holdfast storage volume attach default data web /srv/data",
        "holdfast storage volume attach default data web files /srv/data     # as device `files`",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@click.argument("instance")
@click.argument("words", nargs=-1, metavar="[DEVICE] [PATH]")
@pass_session
def attach(session: Session, pool: str, volume: VolumeReference, instance: str, words: tuple[str, ...]) -> None:
    _attach(session, INSTANCE_OWNER, instance, pool, volume.require_custom(), words)


@command(
    "attach-profile",
    "Show a volume in all instances that have a profile." + _HELP,
    examples=("holdfast storage volume attach-profile default data webserver /srv/data",),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@click.argument("profile")
@click.argument("words", nargs=-1, metavar="[DEVICE] [PATH]")
@pass_session
def attach_profile(session: Session, pool: str, volume: VolumeReference, profile: str, words: tuple[str, ...]) -> None:
    _attach(session, PROFILE_OWNER, profile, pool, volume.require_custom(), words)


def _attach(session: Session, owner: Owner, owner_name: str, pool: str, volume: str, words: tuple[str, ...]) -> None:
    device, path = _device_and_path(volume, words)
    added = {"type": "disk", "pool": pool, "source": volume} | ({"path": path} if path else {})

    def add(devices: DeviceMap) -> None:
        if device in devices:
            raise click.ClickException(f"Device already exists: {device}")
        devices[device] = added

    owner.change(session, owner.parse(owner_name), add)


def _device_and_path(volume: str, words: tuple[str, ...]) -> tuple[str, str]:
    """Tell `PATH`, `DEVICE` and `DEVICE PATH` apart: a path begins with a slash."""
    if len(words) > 2:
        raise click.UsageError("Give [DEVICE] [PATH]")
    if len(words) == 2:
        return words[0], words[1]
    if words and not words[0].startswith("/"):
        return words[0], ""
    return volume, words[0] if words else ""


@command(
    "detach",
    "Take a volume from an instance; what is in it stays. A running instance loses sight of it at once.",
    examples=("holdfast storage volume detach default data web",),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@click.argument("instance")
@click.argument("device", default="", metavar="[DEVICE]")
@pass_session
def detach(session: Session, pool: str, volume: VolumeReference, instance: str, device: str) -> None:
    _detach(session, INSTANCE_OWNER, instance, pool, volume.require_custom(), device)


@command(
    "detach-profile",
    "Take a volume from a profile; what is in it stays.",
    examples=("holdfast storage volume detach-profile default data webserver",),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@click.argument("profile")
@click.argument("device", default="", metavar="[DEVICE]")
@pass_session
def detach_profile(session: Session, pool: str, volume: VolumeReference, profile: str, device: str) -> None:
    _detach(session, PROFILE_OWNER, profile, pool, volume.require_custom(), device)


def _detach(session: Session, owner: Owner, owner_name: str, pool: str, volume: str, device: str) -> None:
    def remove(devices: DeviceMap) -> None:
        shown = [
            name
            for name, each in devices.items()
            if each.get("type") == "disk" and each.get("pool") == pool and each.get("source") == volume
        ]
        found = [name for name in shown if name == (device or name)]
        if not found:
            raise click.ClickException("No device found for this storage volume")
        if len(found) > 1:
            raise click.ClickException(
                f"More than one device matches, specify the device name: {', '.join(sorted(found))}"
            )
        del devices[found[0]]

    owner.change(session, owner.parse(owner_name), remove)
