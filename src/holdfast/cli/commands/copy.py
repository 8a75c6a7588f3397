"""`holdfast copy` and `holdfast move`, within one server and between two."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

import click

from holdfast.cli.commands.creation import Wishes, apply_config, apply_devices, creation_options, profiles_of
from holdfast.cli.commands.rename import rename_to
from holdfast.cli.groups import command
from holdfast.cli.references import INSTANCE, INSTANCE_OR_SNAPSHOT, NO_INSTANCE, InstanceReference, InstanceType
from holdfast.cli.refreshing import check_kept, check_refresh, refresh_options
from holdfast.cli.session import Session, pass_session
from holdfast.client.errors import ApiError, OperationFailedError
from holdfast.client.shapes import Instance, Snapshot

if TYPE_CHECKING:
    from holdfast.client.client import Client
    from holdfast.client.crossing import Crossing

_TAKEN: Final = 'This "instances" entry already exists'
Function = TypeVar("Function", bound=Callable[..., object])


def mode_option(function: Function) -> Function:
    """Add --mode."""
    option = click.option(
        "--mode",
        type=click.Choice(["pull", "push", "relay"]),
        default=None,
        help="Between servers: who connects to whom. Without it, the first of these that is possible",
    )
    return option(function)


def instances_between(
    session: Session,
    client: Client,
    source: InstanceReference,
    request: dict[str, object],
    parts: dict[str, object],
    *,
    is_live: bool,
) -> Crossing:
    """Return the copy of an instance, or of a snapshot of one, to another server."""
    from holdfast.client.connection import path_of
    from holdfast.client.crossing import Crossing

    of_snapshot = ("snapshots", source.snapshot) if source.snapshot else ()
    is_running = is_live and not source.snapshot and session.client.instances.get(source.name)["status"] == "Running"
    names = ("instance_only", "container_only", "allow_inconsistent")
    return Crossing(
        source=session.client.connection,
        target=client.connection,
        send_path=path_of("instances", source.name, *of_snapshot),
        send_body={
            "name": request["name"] if source.snapshot else "",
            "live": is_running,
            **{name: parts[name] for name in names if name in parts},
        },
        receive_path=path_of("instances"),
        receive_body=request,
        origin=parts,
    )


@command(
    "copy",
    "Copy an instance with its snapshots, or make an instance of a snapshot, also to another server. With --refresh an "
    "existing copy is brought up to date: only differences are copied; snapshots that the source doesn't have, or no "
    "more, stay in the copy, or go with --prune-snapshots.",
    examples=(
        "holdfast copy web web2",
        "holdfast copy web/before-upgrade web-old",
        "holdfast copy web web-copy -s slow --instance-only",
        "holdfast copy web web-copy --refresh",
        "holdfast copy web backup:web --refresh",
        "holdfast copy web backup:web --refresh --prune-snapshots",
        "holdfast copy backup:web/snap0 local:web-old --mode relay",
    ),
)
@click.argument("source", type=INSTANCE_OR_SNAPSHOT, metavar="SOURCE[/SNAPSHOT]")
@click.argument("target", type=InstanceType(may_be_empty=True, is_target=True), default=NO_INSTANCE, metavar="[NAME]")
@creation_options
@click.option("--instance-only", is_flag=True, help="Without snapshots")
@refresh_options
@click.option("--stateless", is_flag=True, help="Leave a saved running state out")
@click.option("--allow-inconsistent", is_flag=True, help="Don't stop at files that change while they are copied")
@click.option("--target-project", default="", metavar="NAME", help="Copy it to this project")
@mode_option
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
    prune: bool | None,
    stateless: bool,
    allow_inconsistent: bool,
    target_project: str,
    mode: str | None,
) -> None:
    without = "--instance-only" if instance_only else None
    check_refresh(refresh=refresh, prune=prune, without=without, snapshot=source.snapshot)
    wishes = Wishes(config, device, profile, no_profiles, storage, ephemeral)
    found = _read(session, source)
    profiles = profiles_of(wishes)
    if profiles is None:
        profiles = found["profiles"]
    client = _target(session, target, target_project)
    is_here = session.is_here(target.remote)
    copied = {key: value for key, value in found["config"].items() if _is_copied(key)}
    request: dict[str, object] = {
        "name": target.name or ("" if is_here else source.name),
        "architecture": found["architecture"],
        "config": apply_config(wishes, copied),
        "devices": apply_devices(client, wishes, found["devices"], profiles),
        "profiles": profiles,
        "ephemeral": ephemeral,
        "type": {**found}.get("type", "") or session.client.instances.get(source.name)["type"],
    }
    parts: dict[str, object] = {
        "instance_only": instance_only,
        "container_only": instance_only,
        "refresh": refresh,
        "keep_snapshots": refresh and not prune,
        "allow_inconsistent": allow_inconsistent,
        "base-image": found["config"].get("volatile.base_image", ""),
    }
    if parts["keep_snapshots"] and not (is_here and instance_only):
        check_kept(
            client,
            there=lambda: client.snapshots.list(target.name or source.name),
            source=lambda: session.client.snapshots.list(source.name),
            without=without,
        )
    if not is_here:
        _check_pool(client, storage)
        between = instances_between(session, client, source, request, parts, is_live=not stateless)
        between.carry_out(mode, lambda work: session.wait(work, f"Copying {source}"))
        return
    local: dict[str, object] = {"type": "copy", "source": str(source), "project": session.project}
    local["live"] = not stateless and bool(found["stateful"])
    try:
        operation = client.instances.create({**request, "source": {**parts, **local}})
        session.wait(operation, f"Copying {source}")
    except (ApiError, OperationFailedError) as error:
        if _TAKEN not in str(error):
            raise
        remedy = "give another name; --refresh makes an earlier copy what the source is now, whatever has changed in it"
        raise click.ClickException(f'{error}. "{target.name}" is there already: {remedy}') from error
    if not target.name:
        session.say(f"Instance name is: {operation.names('instances')[0]}")


def _is_copied(key: str) -> bool:
    return not key.startswith("volatile.") or key == "volatile.base_image"


def _read(session: Session, source: InstanceReference) -> Instance | Snapshot:
    if source.snapshot:
        return session.client.snapshots.get(source.name, source.snapshot)
    return session.client.instances.get(source.name)


def _check_pool(client: Client, name: str) -> None:
    """Raise if a pool that was asked for isn't there: a server takes its default one instead of one from elsewhere."""
    if name:
        client.storage.get(name)


def _target(session: Session, target: InstanceReference, project: str) -> Client:
    """Return the server of the target, in the project where it is to be."""
    if session.is_here(target.remote):
        return session.client.in_project(project) if project else session.client
    return session.other(target.remote or session.remotes.default, project)


@command(
    "move",
    "Rename an instance or a snapshot, or move an instance to another pool, project or server. It must be stopped.",
    examples=(
        "holdfast move web www",
        "holdfast move web -s fast",
        "holdfast move web --target-project blue",
        "holdfast move web/snap0 web/kept",
        "holdfast move web backup:web",
    ),
)
@click.argument("source", type=INSTANCE_OR_SNAPSHOT, metavar="SOURCE[/SNAPSHOT]")
@click.argument(
    "target",
    type=InstanceType(snapshots=True, may_be_empty=True, is_target=True),
    default=NO_INSTANCE,
    metavar="[NAME]",
)
@click.option("-s", "--storage", default="", metavar="POOL", help="Move it to this pool")
@click.option("--target-project", default="", metavar="NAME", help="Move it to this project")
@click.option("--instance-only", is_flag=True, help="Without snapshots: they are lost. Not for a rename")
@click.option("--allow-inconsistent", is_flag=True, help="Don't stop at files that change while they are copied")
@mode_option
@pass_session
def move(
    session: Session,
    source: InstanceReference,
    target: InstanceReference,
    storage: str,
    target_project: str,
    instance_only: bool,
    allow_inconsistent: bool,
    mode: str | None,
) -> None:
    if not session.is_here(target.remote):
        _move_away(session, source, target, storage, target_project, instance_only=instance_only, mode=mode)
        return
    if not storage and not target_project:
        if not target.name:
            raise click.UsageError("Give a new name, --storage or --target-project")
        if instance_only:
            raise click.UsageError(
                "--instance-only is for moves to another pool, project or server: a rename keeps the snapshots"
            )
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


def _move_away(
    session: Session,
    source: InstanceReference,
    target: InstanceReference,
    storage: str,
    target_project: str,
    *,
    instance_only: bool,
    mode: str | None,
) -> None:
    """Copy to the other server, and delete it here when it is there."""
    INSTANCE.convert(str(source), None, None)  # a snapshot can't leave its instance
    found = session.client.instances.get(source.name)
    if found["status"] != "Stopped":
        raise click.UsageError(f"{source} runs: stop it first, or copy it with --stateless")
    client = _target(session, target, target_project)
    _check_pool(client, storage)
    wishes = Wishes((), (), (), False, storage, False)
    request: dict[str, object] = {
        "name": target.name or source.name,
        "architecture": found["architecture"],
        "config": {key: value for key, value in found["config"].items() if _is_copied(key)},
        "devices": apply_devices(client, wishes, found["devices"], found["profiles"]),
        "profiles": found["profiles"],
        "ephemeral": found["ephemeral"],
        "type": found["type"],
    }
    parts: dict[str, object] = {"instance_only": instance_only, "container_only": instance_only}
    between = instances_between(session, client, source, request, parts, is_live=False)
    between.carry_out(mode, lambda work: session.wait(work, f"Moving {source}"))
    session.wait(session.client.instances.delete(source.name), f"Deleting {source}")
