"""`holdfast storage volume show`, `info`, `get`, `set`, `unset` and `edit`: one volume or snapshot and its keys."""

from __future__ import annotations

from collections.abc import Callable

import click

from holdfast.cli.commands.volume_references import VOLUME, VolumeReference
from holdfast.cli.editing import edit
from holdfast.cli.groups import command
from holdfast.cli.references import NAME, parse_settings
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import render
from holdfast.cli.units import format_bytes, format_time, yes_or_no
from holdfast.client.errors import ApiError
from holdfast.client.instances import NEVER

VOLUME_HELP = """Set a key by a line below config. Other fields than config and description can't be changed.
Lines that begin with # are ignored. Save an unchanged or empty text to leave everything as it is."""
SNAPSHOT_HELP = """Description of the snapshot, and when it may be removed; the year 1 means never.
Held: nothing removes it then."""


@command(
    "show",
    "Show a volume or a snapshot as YAML. A volume of an instance or image has its type before its name.",
    examples=(
        "holdfast storage volume show default data",
        "holdfast storage volume show default data/snap0",
        "holdfast storage volume show default container/web",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@pass_session
def show(session: Session, pool: str, volume: VolumeReference) -> None:
    from holdfast.cli.yaml_text import to_yaml

    if volume.snapshot and volume.is_custom:
        found: dict[str, object] = {**session.client.volumes.snapshot(pool, volume.name, volume.snapshot)}
    else:
        found = {**session.client.storage.volume(pool, volume.kind, volume.name)}
    click.echo(to_yaml(found), nl=False)


@command(
    "info",
    "Show how much a volume uses, and its snapshots.",
    examples=("holdfast storage volume info default data",),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@pass_session
def info(session: Session, pool: str, volume: VolumeReference) -> None:
    name = volume.require_custom(word="info")
    found = session.client.volumes.get(pool, name)
    lines = [f"Name: {found['name']}"]
    if found["description"]:
        lines.append(f"Description: {found['description']}")
    lines += [f"Type: {found['type']}", f"Content type: {found['content_type']}"]
    click.echo("\n".join(lines + _usage_lines(session, pool, name)))
    snapshots = session.client.volumes.snapshots(pool, name)
    if snapshots:
        rows = [
            [
                each["name"].partition("/")[2],
                each["description"],
                format_time(each["expires_at"] or NEVER),
                yes_or_no(each.get("held", False)),
            ]
            for each in snapshots
        ]
        header = ["NAME", "DESCRIPTION", "EXPIRES AT", "HELD"]
        click.echo(f"\nSnapshots:\n{render('table', header, rows, snapshots)}", nl=False)


def _usage_lines(session: Session, pool: str, name: str) -> list[str]:
    """Say what it uses, where the pool can tell without looking at every file."""
    try:
        usage = session.client.volumes.usage(pool, name)
    except ApiError as error:
        if "Not supported" not in str(error):
            raise
        return []
    lines = [f"Usage: {format_bytes(usage['used'])}"]
    return [*lines, f"Total: {format_bytes(usage['total'])}"] if usage["total"] else lines


@command(
    "get",
    "Show the value of a key of a volume.",
    examples=("holdfast storage volume get default data snapshots.expiry",),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@click.argument("key")
@pass_session
def get(session: Session, pool: str, volume: VolumeReference, key: str) -> None:
    if volume.snapshot and volume.is_custom:
        config = session.client.volumes.snapshot(pool, volume.name, volume.snapshot)["config"]
    else:
        config = session.client.storage.volume(pool, volume.kind, volume.name)["config"]
    if value := config.get(key, ""):
        click.echo(value)


@command(
    "set",
    "Set keys of a volume.",
    examples=(
        "holdfast storage volume set default data snapshots.expiry=4w snapshots.pattern=day%d",
        "holdfast storage volume set fast data size=20GiB",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@click.argument("settings", nargs=-1, required=True, metavar="KEY=VALUE...")
@pass_session
def set_keys(session: Session, pool: str, volume: VolumeReference, settings: tuple[str, ...]) -> None:
    pairs = parse_settings(settings)
    _change(session, pool, volume, lambda config: config.update(pairs))


@command(
    "unset",
    "Remove a key of a volume; one that isn't set is fine.",
    examples=("holdfast storage volume unset fast data size",),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@click.argument("key")
@pass_session
def unset(session: Session, pool: str, volume: VolumeReference, key: str) -> None:
    def remove(config: dict[str, str]) -> None:
        config.pop(key, None)

    _change(session, pool, volume, remove)


def _change(session: Session, pool: str, volume: VolumeReference, change: Callable[[dict[str, str]], None]) -> None:
    name = volume.require_custom()
    document, etag = session.client.volumes.get_with_etag(pool, name)
    config = dict(document["config"])
    change(config)
    session.client.volumes.update(pool, name, {"description": document["description"], "config": config}, etag)


@command(
    "edit",
    "Edit a volume, or description, expiry and hold of a snapshot, in $EDITOR, or take the YAML from standard input.",
    examples=(
        "holdfast storage volume edit default data",
        "holdfast storage volume edit default data/snap0",
        "holdfast storage volume show default data > data.yaml",
        "holdfast storage volume edit default data < data.yaml",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@pass_session
def edit_volume(session: Session, pool: str, volume: VolumeReference) -> None:
    volumes = session.client.volumes
    if volume.snapshot:
        name = volume.require_custom(or_snapshot=True)
        snapshot, tag = volumes.snapshot_with_etag(pool, name, volume.snapshot)

        def save_snapshot(edited: dict[str, object]) -> None:
            wanted = {
                "description": edited.get("description") or "",
                "expires_at": edited.get("expires_at") or NEVER,
                **{key: edited[key] for key in ("held",) if key in edited},
            }
            volumes.update_snapshot(pool, name, volume.snapshot, wanted, tag)

        shown: dict[str, object] = {
            "description": snapshot["description"],
            "expires_at": snapshot["expires_at"] or NEVER,
        }
        if "held" in snapshot:
            shown["held"] = snapshot["held"]
        edit(shown, SNAPSHOT_HELP, save_snapshot)
        return
    name = volume.require_custom()
    document, etag = volumes.get_with_etag(pool, name)

    def save(edited: dict[str, object]) -> None:
        wanted = {"description": edited.get("description") or "", "config": edited.get("config") or {}}
        volumes.update(pool, name, wanted, etag)

    edit({**document}, VOLUME_HELP, save)
