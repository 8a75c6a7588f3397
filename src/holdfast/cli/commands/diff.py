"""`holdfast snapshot diff` and `holdfast storage volume diff`: what has changed between two points."""

from __future__ import annotations

from collections.abc import Iterator

import click

from holdfast.cli.commands.volume_references import VOLUME, VolumeReference
from holdfast.cli.extensions import require_extension
from holdfast.cli.groups import command
from holdfast.cli.references import INSTANCE_OR_SNAPSHOT, NAME, InstanceReference
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import render
from holdfast.cli.units import format_bytes
from holdfast.client.errors import ApiError
from holdfast.client.owners import Owner, VolumeName
from holdfast.client.shapes import ChangedEntry, Changes

_EXTENSION = "holdfast_changes"
_NOT_FOUND = 404
_SIGNS = {"added": "+", "changed": "~", "removed": "-"}
_PATH = click.option("--path", default="/", metavar="PATH", help="Look only below this directory")
_FORMAT = click.option("-f", "--format", "format_name", type=click.Choice(("text", "json", "yaml")), default="text")


@command(
    "diff",
    "Show which files were added (+), changed (~) and removed (-) between a snapshot and now, or between two "
    "snapshots. Contents are not compared, but sizes, times, modes and owners.",
    examples=(
        "holdfast snapshot diff web/before-upgrade",
        "holdfast snapshot diff web/before-upgrade after-upgrade --path /etc",
        "holdfast snapshot diff web/before-upgrade --format json",
    ),
)
@click.argument("earlier", type=INSTANCE_OR_SNAPSHOT, metavar="INSTANCE/SNAPSHOT")
@click.argument("later", default="", metavar="[SNAPSHOT]")
@_PATH
@_FORMAT
@pass_session
def diff_instance(session: Session, earlier: InstanceReference, later: str, path: str, format_name: str) -> None:
    if not earlier.snapshot:
        raise click.UsageError(f'"{earlier}" is an instance: give INSTANCE/SNAPSHOT')
    later = _snapshot_of(earlier.name, later)
    _show(session, earlier.name, earlier.snapshot, later, path, format_name)


@command(
    "diff",
    "Show which files of a custom volume were added (+), changed (~) and removed (-) between a snapshot and now, or "
    "between two snapshots.",
    examples=(
        "holdfast storage volume diff default data/before-upgrade",
        "holdfast storage volume diff default data/snap0 snap1",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("earlier", type=VOLUME, metavar="VOLUME/SNAPSHOT")
@click.argument("later", default="", metavar="[SNAPSHOT]")
@_PATH
@_FORMAT
@pass_session
def diff_volume(session: Session, pool: str, earlier: VolumeReference, later: str, path: str, format_name: str) -> None:
    name = earlier.require_custom(or_snapshot=True, word="snapshot diff")
    if not earlier.snapshot:
        raise click.UsageError(f'"{earlier}" is a volume: give VOLUME/SNAPSHOT')
    later = _snapshot_of(name, later)
    _show(session, VolumeName(pool, name), earlier.snapshot, later, path, format_name)


def _snapshot_of(name: str, word: str) -> str:
    """Return the snapshot that a word names, with what it is of before it or without."""
    snapshot = word.removeprefix(f"{name}/")
    if "/" in snapshot:
        raise click.UsageError(f'"{word}" is no snapshot of {name}: two of one can be compared')
    return snapshot


def _show(session: Session, owner: Owner, before: str, after: str, path: str, format_name: str) -> None:
    require_extension(session, _EXTENSION, "comparisons")
    pages = _pages(session, owner, before, after, path)
    if format_name != "text":
        found = list(pages)
        whole = {**found[-1], "entries": [entry for page in found for entry in page["entries"]]}
        click.echo(render(format_name, [], [], whole), nl=False)
        return
    last = None
    for last in pages:
        for line in _lines(last):
            click.echo(line)
    if last is not None:
        session.say(f"{last['added']} added, {last['changed']} changed, {last['removed']} removed")
        if not last["complete"]:
            session.say("There is more than could be looked at in time: give --path with a directory")


def _pages(session: Session, owner: Owner, before: str, after: str, path: str) -> Iterator[Changes]:
    """Give the pages; a path that neither side has is named, which servers don't."""
    try:
        yield from session.client.comparisons.pages(owner, before, after, path)
    except ApiError as error:
        if (error.status, str(error)) != (_NOT_FOUND, "Not Found"):
            raise
        sides = f"neither {owner}/{before} nor {f'{owner}/{after}' if after else owner}"
        raise click.ClickException(f"There is no directory {path}: {sides} has one") from error


def _lines(page: Changes) -> Iterator[str]:
    for entry in page["entries"]:
        path = "".join(letter if letter.isprintable() else "?" for letter in entry["path"])
        if entry["type"] == "directory":
            path += "/"
        note = _note(entry)
        yield f"{_SIGNS[entry['change']]} {path}" + (f"  ({note})" if note else "")


def _note(entry: ChangedEntry) -> str:
    old, new = entry["old_size"], entry["new_size"]
    if old is not None and new is not None and old != new:
        return f"{format_bytes(old)} -> {format_bytes(new)}"
    if entry["change"] == "changed":
        return ", ".join(entry["what"])
    size = new if new is not None else old
    return "" if size is None else format_bytes(size)
