"""`holdfast storage volume copy` and `move`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from holdfast.cli.commands.copy import mode_option
from holdfast.cli.commands.volume_references import PLACED_VOLUME, TARGET_VOLUME, PlacedVolume
from holdfast.cli.groups import command
from holdfast.cli.refreshing import check_kept, check_refresh, refresh_options
from holdfast.cli.session import Session, pass_session

if TYPE_CHECKING:
    from holdfast.client.client import Client
    from holdfast.client.crossing import Crossing


@command(
    "copy",
    "Copy a volume with its snapshots, or make a volume of a snapshot. With --refresh an existing copy is brought up "
    "to date: it has the content and the snapshots of the source then; snapshots that the source doesn't have, or no "
    "more, stay, or go with --prune-snapshots. The target may be on another server.",
    examples=(
        "holdfast storage volume copy default/data default/data2",
        "holdfast storage volume copy default/data fast/data --volume-only",
        "holdfast storage volume copy default/data/before-upgrade default/data-old",
        "holdfast storage volume copy default/data fast/data --refresh",
        "holdfast storage volume copy default/data backup:default/data --refresh",
        "holdfast storage volume copy default/data backup:default/data --refresh --prune-snapshots",
    ),
)
@click.argument("source", type=PLACED_VOLUME, metavar="POOL/VOLUME[/SNAPSHOT]")
@click.argument("target", type=TARGET_VOLUME, metavar="POOL/VOLUME")
@click.option("--volume-only", is_flag=True, help="Without snapshots")
@refresh_options
@click.option("--target-project", default="", metavar="NAME", help="Copy it to this project")
@mode_option
@pass_session
def copy(
    session: Session,
    source: PlacedVolume,
    target: PlacedVolume,
    volume_only: bool,
    refresh: bool,
    prune: bool | None,
    target_project: str,
    mode: str | None,
) -> None:
    without = "--volume-only" if volume_only else None
    check_refresh(refresh=refresh, prune=prune, without=without, snapshot=source.volume.snapshot)
    name = source.volume.require_custom(or_snapshot=True, word="copy")
    found = session.client.volumes.get(source.pool, name)
    config, description = found["config"], found["description"]
    if source.volume.snapshot:
        snapshot = session.client.volumes.snapshot(source.pool, name, source.volume.snapshot)
        config, description = snapshot["config"], snapshot["description"]
    parts: dict[str, object] = {"name": str(source.volume), "pool": source.pool}
    parts |= {"volume_only": volume_only, "refresh": refresh, "keep_snapshots": refresh and not prune}
    request: dict[str, object] = {
        "name": target.volume.require_custom(),
        "content_type": found["content_type"],
        "description": description,
        "config": {key: value for key, value in config.items() if not key.startswith("volatile.")},
    }
    is_here = session.is_here(target.remote)
    client = _target(session, target, target_project)
    if parts["keep_snapshots"] and not (is_here and volume_only):
        check_kept(
            client,
            there=lambda: client.volumes.snapshots(target.pool, target.volume.name),
            source=lambda: session.client.volumes.snapshots(source.pool, name),
            without=without,
        )
    if not is_here:
        between = _between(session, client, source, target, request, parts)
        between.carry_out(mode, lambda work: session.wait(work, f"Copying {source}"))
    else:
        request["source"] = {**parts, "type": "copy", "project": session.project}
        session.wait(client.volumes.copy(target.pool, request), f"Copying {source}")
    session.say("Storage volume copied successfully!")


@command(
    "move",
    "Move a volume with its snapshots to another pool, project, name or server. Instances and profiles that use it "
    "follow to another pool; those that run must be stopped. What an instance uses can't leave its server.",
    examples=(
        "holdfast storage volume move default/data fast/data",
        "holdfast storage volume move default/data default/data --target-project blue",
    ),
)
@click.argument("source", type=PLACED_VOLUME, metavar="POOL/VOLUME")
@click.argument("target", type=TARGET_VOLUME, metavar="POOL/VOLUME")
@click.option("--target-project", default="", metavar="NAME", help="Move it to this project")
@mode_option
@pass_session
def move(session: Session, source: PlacedVolume, target: PlacedVolume, target_project: str, mode: str | None) -> None:
    name, new_name = source.volume.require_custom(), target.volume.require_custom()
    if not session.is_here(target.remote):
        _move_away(session, source, target, target_project, mode)
    elif source.pool == target.pool and target_project in ("", session.project):
        session.client.volumes.rename(source.pool, name, new_name)
    else:
        request = {"name": new_name, "pool": target.pool, "project": target_project or session.project}
        session.wait(session.client.volumes.move(source.pool, name, request), f"Moving {source}")
    session.say("Storage volume moved successfully!")


def _target(session: Session, target: PlacedVolume, project: str) -> Client:
    """Return the server of the target, in the project where it is to be."""
    if session.is_here(target.remote):
        return session.client.in_project(project) if project else session.client
    return session.other(target.remote or session.remotes.default, project)


def _between(
    session: Session,
    client: Client,
    source: PlacedVolume,
    target: PlacedVolume,
    request: dict[str, object],
    parts: dict[str, object],
) -> Crossing:
    from holdfast.client.connection import path_of
    from holdfast.client.crossing import Crossing

    volume = source.volume
    of_snapshot = ("snapshots", volume.snapshot) if volume.snapshot else ()
    return Crossing(
        source=session.client.connection,
        target=client.connection,
        send_path=path_of("storage-pools", source.pool, "volumes", "custom", volume.name, *of_snapshot),
        send_body={"name": request["name"], "pool": target.pool, "volume_only": parts["volume_only"]},
        receive_path=path_of("storage-pools", target.pool, "volumes", "custom"),
        receive_body={"type": "custom", **request},
        origin=parts,
    )


def _move_away(session: Session, source: PlacedVolume, target: PlacedVolume, project: str, mode: str | None) -> None:
    """Copy to the other server, and delete it here when it is there."""
    found = session.client.volumes.get(source.pool, source.volume.name)
    if found["used_by"]:
        raise click.UsageError(f"{source} is in use, and can't leave its server: {', '.join(found['used_by'])}")
    request: dict[str, object] = {
        "name": target.volume.name,
        "content_type": found["content_type"],
        "description": found["description"],
        "config": {key: value for key, value in found["config"].items() if not key.startswith("volatile.")},
    }
    parts: dict[str, object] = {"name": source.volume.name, "pool": source.pool, "volume_only": False}
    client = _target(session, target, project)
    between = _between(session, client, source, target, request, {**parts, "refresh": False})
    between.carry_out(mode, lambda work: session.wait(work, f"Moving {source}"))
    session.client.volumes.delete(source.pool, source.volume.name)
