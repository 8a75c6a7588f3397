"""`holdfast storage volume copy` and `move`."""

from __future__ import annotations

import click

from holdfast.cli.commands.volume_references import PLACED_VOLUME, PlacedVolume
from holdfast.cli.groups import command
from holdfast.cli.session import Session, pass_session


@command(
    "copy",
    "Copy a volume with its snapshots, or make a volume of a snapshot. With --refresh an existing copy is brought up "
    "to date: it has the content and the snapshots of the source then.",
    examples=(
        "holdfast storage volume copy default/data default/data2",
        "holdfast storage volume copy default/data fast/data --volume-only",
        "holdfast storage volume copy default/data/before-upgrade default/data-old",
        "holdfast storage volume copy default/data fast/data --refresh",
    ),
)
@click.argument("source", type=PLACED_VOLUME, metavar="POOL/VOLUME[/SNAPSHOT]")
@click.argument("target", type=PLACED_VOLUME, metavar="POOL/VOLUME")
@click.option("--volume-only", is_flag=True, help="Without snapshots")
@click.option("--refresh", is_flag=True, help="Bring an existing copy up to date")
@click.option("--target-project", default="", metavar="NAME", help="Copy it to this project")
@click.option("--mode", type=click.Choice(["pull", "push", "relay"]), default="pull", help="Between servers only")
@pass_session
def copy(
    session: Session,
    source: PlacedVolume,
    target: PlacedVolume,
    volume_only: bool,
    refresh: bool,
    target_project: str,
    mode: str,
) -> None:
    del mode  # within one server there is nothing to choose; the option is taken because `lxc` has it
    name = source.volume.require_custom(or_snapshot=True)
    found = session.client.volumes.get(source.pool, name)
    config, description = found["config"], found["description"]
    if source.volume.snapshot:
        snapshot = session.client.volumes.snapshot(source.pool, name, source.volume.snapshot)
        config, description = snapshot["config"], snapshot["description"]
    request = {
        "name": target.volume.require_custom(),
        "content_type": found["content_type"],
        "description": description,
        "config": {key: value for key, value in config.items() if not key.startswith("volatile.")},
        "source": {
            "type": "copy",
            "pool": source.pool,
            "name": str(source.volume),
            "project": session.project,
            "volume_only": volume_only,
            "refresh": refresh,
        },
    }
    client = session.client.in_project(target_project) if target_project else session.client
    session.wait(client.volumes.copy(target.pool, request), f"Copying {source}")
    session.say("Storage volume copied successfully!")


@command(
    "move",
    "Move a volume with its snapshots to another pool, project or name. Instances and profiles that use it follow to "
    "another pool; those that run must be stopped.",
    examples=(
        "holdfast storage volume move default/data fast/data",
        "holdfast storage volume move default/data default/data --target-project blue",
    ),
)
@click.argument("source", type=PLACED_VOLUME, metavar="POOL/VOLUME")
@click.argument("target", type=PLACED_VOLUME, metavar="POOL/VOLUME")
@click.option("--target-project", default="", metavar="NAME", help="Move it to this project")
@pass_session
def move(session: Session, source: PlacedVolume, target: PlacedVolume, target_project: str) -> None:
    name, new_name = source.volume.require_custom(), target.volume.require_custom()
    if source.pool == target.pool and target_project in ("", session.project):
        session.client.volumes.rename(source.pool, name, new_name)
    else:
        request = {"name": new_name, "pool": target.pool, "project": target_project or session.project}
        session.wait(session.client.volumes.move(source.pool, name, request), f"Moving {source}")
    session.say("Storage volume moved successfully!")
