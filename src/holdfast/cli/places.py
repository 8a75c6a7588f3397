"""Places of files: `INSTANCE/PATH`, `INSTANCE/SNAPSHOT/PATH`, and how the two are told apart; volumes alike, in a pool.

`c1/snap0/etc/hosts` is a file of the snapshot snap0 if there is one of that name and the instance itself has nothing
at /snap0. If it has, the words could mean either, and are refused. These always mean one thing:

    c1//snap0/etc/hosts                     the instance's own file /snap0/etc/hosts
    --snapshot snap0 c1/etc/hosts           the file /etc/hosts of the snapshot
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import click

from holdfast.cli.extensions import require_extension
from holdfast.cli.naming import about
from holdfast.cli.references import strip_remote
from holdfast.cli.session import Session
from holdfast.client.owners import Owner, VolumeName


@dataclass(frozen=True)
class Place:
    """An absolute path in an instance or volume, or in one of its snapshots when `snapshot` is not empty."""

    owner: Owner
    path: str
    snapshot: str = ""

    def below(self, name: str) -> Place:
        return Place(self.owner, f"{self.path.rstrip('/')}/{name}", self.snapshot)


def parse_place(text: str, pool: str = "") -> Place:
    """Read `INSTANCE/PATH` as a path in the instance, with a pool in the volume; the path is absolute."""
    name, slash, path = strip_remote(text).partition("/")
    if not name or not slash:
        raise click.UsageError(f'"{text}" is not of the form {"VOLUME" if pool else "INSTANCE"}/PATH')
    return Place(VolumeName(pool, name) if pool else name, "/" + path.lstrip("/"))


def place_to_read(session: Session, text: str, snapshot: str = "", pool: str = "") -> Place:
    """Read a place where a snapshot may be meant; the server is asked which snapshots there are."""
    place = _served_place(session, text, pool)
    if snapshot:
        return Place(place.owner, place.path, snapshot)
    name, rest = _first(text)
    if not name or name not in _snapshots(session, place.owner):
        return place
    if session.client.files.exists(place.owner, f"/{name}"):
        raise click.UsageError(
            f'"{text}" could mean the snapshot {name} or what the {_kind(place.owner)} has at /{name}: '
            f"write {place.owner}//{name}{rest} for the {_kind(place.owner)}, "
            f"--snapshot {name} {place.owner}{rest or '/'} for the snapshot"
        )
    return Place(place.owner, rest or "/", name)


def place_to_write(session: Session, text: str, pool: str = "") -> Place:
    """Read a place that is no snapshot's; one that looks as if a snapshot were to be changed is refused."""
    place = _served_place(session, text, pool)
    name, rest = _first(text)
    is_snapshot = bool(name) and name in _snapshots(session, place.owner)
    if is_snapshot and not session.client.files.exists(place.owner, f"/{name}"):
        raise click.UsageError(
            f"{name} is a snapshot, and snapshots can't be changed: "
            f"write {place.owner}//{name}{rest} if you mean a path in the {_kind(place.owner)}"
        )
    return place


def _served_place(session: Session, text: str, pool: str) -> Place:
    """Read a place; end the command where the server has no files of volumes."""
    place = parse_place(text, pool)
    if pool:
        require_extension(session, "holdfast_volume_files", "files of volumes")
    return place


def _kind(owner: Owner) -> str:
    return "volume" if isinstance(owner, VolumeName) else "instance"


def _snapshots(session: Session, owner: Owner) -> Sequence[str]:
    with about(owner):
        if isinstance(owner, VolumeName):
            return session.client.volumes.snapshot_names(owner.pool, owner.name)
        return session.client.snapshots.names(owner)


def _first(text: str) -> tuple[str, str]:
    """Return the first part of the path, "" if it begins with a second slash, and the rest with its slash."""
    name, slash, rest = strip_remote(text).partition("/")[2].partition("/")
    return name, slash + rest
