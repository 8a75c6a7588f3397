"""`holdfast copy` and `holdfast move`."""

from __future__ import annotations

import click

from holdfast.cli.commands.creation import Wishes, apply_config, apply_devices, creation_options, profiles_of
from holdfast.cli.commands.rename import rename_to
from holdfast.cli.groups import command
from holdfast.cli.references import INSTANCE, INSTANCE_OR_SNAPSHOT, InstanceReference, InstanceType
from holdfast.cli.session import Session, pass_session
from holdfast.client.shapes import Instance, Snapshot


@command(
    "copy",
    "Copy an instance with its snapshots, or make an instance of a snapshot. With --refresh an existing copy is "
    "brought up to date: only differences are copied.",
    examples=(
        "holdfast copy web web2",
        "holdfast copy web/before-upgrade web-old",
        "holdfast copy web web-copy -s slow --instance-only",
        "holdfast copy web web-copy --refresh",
    ),
)
@click.argument("source", type=INSTANCE_OR_SNAPSHOT, metavar="SOURCE[/SNAPSHOT]")
@click.argument("target", type=InstanceType(may_be_empty=True, is_target=True), default="", metavar="[NAME]")
@creation_options
@click.option("--instance-only", is_flag=True, help="Without snapshots")
@click.option("--refresh", is_flag=True, help="Bring an existing copy up to date")
@click.option("--stateless", is_flag=True, help="Leave a saved running state out")
@click.option("--allow-inconsistent", is_flag=True, help="Don't stop at files that change while they are copied")
@click.option("--target-project", default="", metavar="NAME", help="Copy it to this project")
@click.option("--mode", type=click.Choice(["pull", "push", "relay"]), default="pull", help="Between servers only")
@pass_session
def copy(
    session: Session,
    source: InstanceReference,
    target: InstanceReference,
    config: tuple[str, ...],
    device: tuple[str, ...],
    profile: tuple[str, ...],
    no_profiles: bool,
    storage: str,
    ephemeral: bool,
    instance_only: bool,
    refresh: bool,
    stateless: bool,
    allow_inconsistent: bool,
    target_project: str,
    mode: str,
) -> None:
    del mode  # within one server there is nothing to choose; the option is taken because `lxc` has it
    require_one_server(session, target)
    wishes = Wishes(config, device, profile, no_profiles, storage, ephemeral)
    found = _read(session, source)
    profiles = profiles_of(wishes)
    if profiles is None:
        profiles = found["profiles"]
    client = session.client.in_project(target_project) if target_project else session.client
    copied = {key: value for key, value in found["config"].items() if _is_copied(key)}
    request: dict[str, object] = {
        "name": target.name,
        "architecture": found["architecture"],
        "config": apply_config(wishes, copied),
        "devices": apply_devices(client, wishes, found["devices"], profiles),
        "profiles": profiles,
        "ephemeral": ephemeral,
        "type": {**found}.get("type", "") or session.client.instances.get(source.name)["type"],
        "source": {
            "type": "copy",
            "source": str(source),
            "project": session.project,
            "instance_only": instance_only,
            "container_only": instance_only,
            "refresh": refresh,
            "live": not stateless and bool(found["stateful"]),
            "allow_inconsistent": allow_inconsistent,
            "base-image": found["config"].get("volatile.base_image", ""),
        },
    }
    operation = client.instances.create(request)
    session.wait(operation, f"Copying {source}")
    if not target.name:
        session.say(f"Instance name is: {operation.names('instances')[0]}")


def _is_copied(key: str) -> bool:
    return not key.startswith("volatile.") or key == "volatile.base_image"


def _read(session: Session, source: InstanceReference) -> Instance | Snapshot:
    if source.snapshot:
        return session.client.snapshots.get(source.name, source.snapshot)
    return session.client.instances.get(source.name)


def require_one_server(session: Session, target: InstanceReference) -> None:
    """Refuse a target on another server than the source. Where none is said, the default one is meant."""
    wanted = target.remote or session.remotes.default
    session.remotes.get(wanted)
    if wanted != session.remote:
        raise click.UsageError(
            f'Copies between servers aren\'t made yet: the source is on "{session.remote}", the target on "{wanted}". '
            f"Say {session.remote}:{target.name} for a target there, or export it here and import it there"
        )


@command(
    "move",
    "Rename an instance or a snapshot, or move an instance to another pool or project. It must be stopped.",
    examples=("holdfast move web www", "holdfast move web -s fast", "holdfast move web/snap0 web/kept"),
)
@click.argument("source", type=INSTANCE_OR_SNAPSHOT, metavar="SOURCE[/SNAPSHOT]")
@click.argument(
    "target", type=InstanceType(snapshots=True, may_be_empty=True, is_target=True), default="", metavar="[NAME]"
)
@click.option("-s", "--storage", default="", metavar="POOL", help="Move it to this pool")
@click.option("--target-project", default="", metavar="NAME", help="Move it to this project")
@click.option("--instance-only", is_flag=True, help="Without snapshots: they are lost")
@click.option("--allow-inconsistent", is_flag=True, help="Don't stop at files that change while they are copied")
@pass_session
def move(
    session: Session,
    source: InstanceReference,
    target: InstanceReference,
    storage: str,
    target_project: str,
    instance_only: bool,
    allow_inconsistent: bool,
) -> None:
    require_one_server(session, target)
    if not storage and not target_project:
        if not target.name:
            raise click.UsageError("Give a new name, --storage or --target-project")
        rename_to(session, source, target)
        return
    INSTANCE.convert(str(source), None, None)  # a snapshot can't leave its instance
    request: dict[str, object] = {
        "name": target.name or source.name,
        "live": False,
        "instance_only": instance_only,
        "container_only": instance_only,
        "allow_inconsistent": allow_inconsistent,
    }
    request |= {"pool": storage} if storage else {}
    request |= {"project": target_project} if target_project else {}
    session.wait(session.client.instances.move(source.name, request), f"Moving {source}")
