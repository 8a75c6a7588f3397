"""`holdfast storage volume`: volumes listed, made, renamed, deleted; the other commands are in modules beside."""

from __future__ import annotations

import click

from holdfast.cli.commands.volume_references import VOLUME, VolumeReference
from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.list_filters import matching_volumes
from holdfast.cli.references import NAME, parse_pairs
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import natural_key


@command(
    "list",
    "List the volumes of a pool. Words narrow the list to names that contain them, or KEY=VALUE of type, "
    "content_type or a key of the configuration.",
    examples=(
        "holdfast storage volume list default",
        "holdfast storage volume list default type=custom content_type=block",
        "holdfast storage volume list default user.owner=me",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("filters", nargs=-1)
@click.option("--all-projects", is_flag=True, help="Show the volumes of all projects")
@format_option
@pass_session
def list_volumes(session: Session, pool: str, filters: tuple[str, ...], all_projects: bool, format_name: str) -> None:
    volumes = session.client.storage.volumes(pool, all_projects=all_projects)
    found = matching_volumes(volumes, filters)
    found.sort(key=lambda volume: (volume.get("project", ""), volume["type"], natural_key(volume["name"])))
    rows = [
        [
            volume["type"] + (" (snapshot)" if "/" in volume["name"] else ""),
            volume["name"],
            volume["description"],
            volume["content_type"],
            str(len(volume["used_by"] or [])),
        ]
        for volume in found
    ]
    header = ["TYPE", "NAME", "DESCRIPTION", "CONTENT-TYPE", "USED BY"]
    if all_projects:
        header = ["PROJECT", *header]
        rows = [[volume.get("project", ""), *row] for volume, row in zip(found, rows, strict=True)]
    click.echo(render(format_name, header, rows, found), nl=False)


@command(
    "create",
    "Create an empty volume. Instances use it through a disk device: see `attach`. "
    "Block content is for virtual machines.",
    examples=(
        "holdfast storage volume create default data",
        "holdfast storage volume create fast data size=10GiB snapshots.expiry=4w",
        "holdfast storage volume create default disk --type=block size=20GiB",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("name", metavar="VOLUME")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE...]")
@click.option("--type", "content_type", type=click.Choice(["filesystem", "block"]), default="filesystem")
@click.option("--description", default="", metavar="TEXT", help="What it is for")
@pass_session
def create(
    session: Session, pool: str, name: str, settings: tuple[str, ...], content_type: str, description: str
) -> None:
    config = parse_pairs(settings)
    session.client.volumes.create(pool, name, config, content_type=content_type, description=description)
    session.say(f"Storage volume {name} created")


@command(
    "rename",
    "Rename a volume or a snapshot. Instances and profiles that use the volume follow; those that run must be stopped.",
    examples=(
        "holdfast storage volume rename default data files",
        "holdfast storage volume rename default data/snap0 data/before-upgrade",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@click.argument("new", type=VOLUME, metavar="NEW-NAME")
@pass_session
def rename(session: Session, pool: str, volume: VolumeReference, new: VolumeReference) -> None:
    if not volume.snapshot:
        name = volume.require_custom()
        session.client.volumes.rename(pool, name, new.require_custom())
        session.say(f'Renamed storage volume from "{volume}" to "{new}"')
        return
    name = volume.require_custom(or_snapshot=True)
    if not new.snapshot or new.name != name:
        raise click.UsageError("A snapshot stays with its volume: give VOLUME/NEW-NAME; `copy` makes a volume of it")
    operation = session.client.volumes.rename_snapshot(pool, name, volume.snapshot, new.snapshot)
    session.wait(operation, f"Renaming {volume}")
    session.say(f'Renamed storage volume from "{volume}" to "{new}"')


@command(
    "delete",
    "Delete a volume that nothing uses, with its snapshots; or a single snapshot.",
    examples=("holdfast storage volume delete default data", "holdfast storage volume delete default data/snap0"),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@pass_session
def delete(session: Session, pool: str, volume: VolumeReference) -> None:
    name = volume.require_custom(or_snapshot=True)
    if volume.snapshot:
        session.wait(session.client.volumes.delete_snapshot(pool, name, volume.snapshot), f"Deleting {volume}")
    else:
        session.client.volumes.delete(pool, name)
    session.say(f"Storage volume {volume} deleted")


_CONFIG = "holdfast.cli.commands.volume_config"
_ATTACHING = "holdfast.cli.commands.volume_attach"
_EXPORTING = "holdfast.cli.commands.volume_export"
_COPYING = "holdfast.cli.commands.volume_copy"
_SNAPSHOTS = "holdfast.cli.commands.volume_snapshot"

volume = Group(
    "volume",
    "Manage volumes: custom ones, and (to look at) those of instances and images.",
    {
        "list": Entry(__name__, "list_volumes", "List the volumes of a pool"),
        "create": Entry(__name__, "create", "Create a volume"),
        "show": Entry(_CONFIG, "show", "Show a volume or a snapshot as YAML"),
        "info": Entry(_CONFIG, "info", "Show how much a volume uses, and its snapshots"),
        "get": Entry(_CONFIG, "get", "Show the value of a key"),
        "set": Entry(_CONFIG, "set_keys", "Set keys"),
        "unset": Entry(_CONFIG, "unset", "Remove a key"),
        "edit": Entry(_CONFIG, "edit_volume", "Edit a volume or a snapshot as YAML"),
        "rename": Entry(__name__, "rename", "Rename a volume or a snapshot"),
        "delete": Entry(__name__, "delete", "Delete a volume or a snapshot"),
        "attach": Entry(_ATTACHING, "attach", "Show a volume in an instance"),
        "attach-profile": Entry(_ATTACHING, "attach_profile", "Show a volume in all instances of a profile"),
        "detach": Entry(_ATTACHING, "detach", "Take a volume from an instance"),
        "detach-profile": Entry(_ATTACHING, "detach_profile", "Take a volume from a profile"),
        "copy": Entry(_COPYING, "copy", "Copy a volume, or make one of a snapshot"),
        "move": Entry(_COPYING, "move", "Move a volume to another pool or project"),
        "export": Entry(_EXPORTING, "export", "Save a volume with its snapshots to a file"),
        "import": Entry(_EXPORTING, "import_volume", "Make a volume of an export file"),
        "snapshot": Entry(_SNAPSHOTS, "snapshot", "Take a snapshot of a volume"),
        "restore": Entry(_SNAPSHOTS, "restore", "Put a volume back to a snapshot"),
        "hold": Entry(_SNAPSHOTS, "hold", "Hold snapshots of volumes: nothing removes them"),
        "file": Entry("holdfast.cli.commands.volume_file", "volume_file", "Read and write files in volumes"),
        "diff": Entry("holdfast.cli.commands.diff", "diff_volume", "Show what has changed since a snapshot"),
        "release": Entry(_SNAPSHOTS, "release", "Release held snapshots of volumes"),
    },
    examples=(
        "holdfast storage volume create default data",
        "holdfast storage volume attach default data web /srv/data",
        "holdfast storage volume snapshot default data before-upgrade",
        "",
        "# back to it: nothing that runs may use the volume meanwhile",
        "holdfast stop web",
        "holdfast storage volume restore default data before-upgrade",
    ),
)
