"""Places of files: `INSTANCE/PATH`, `INSTANCE/SNAPSHOT/PATH`, and how the two are told apart.

`c1/snap0/etc/hosts` is a file of the snapshot snap0 if there is one of that name and the instance itself has nothing
at /snap0. If it has, the words could mean either, and are refused. These always mean one thing:

    c1//snap0/etc/hosts                     the instance's own file /snap0/etc/hosts
    --snapshot snap0 c1/etc/hosts           the file /etc/hosts of the snapshot
"""

from __future__ import annotations

from dataclasses import dataclass

import click

from holdfast.cli.references import strip_remote
from holdfast.cli.session import Session


@dataclass(frozen=True)
class Place:
    """An absolute path in an instance, or in one of its snapshots when `snapshot` is not empty."""

    instance: str
    path: str
    snapshot: str = ""

    def below(self, name: str) -> Place:
        return Place(self.instance, f"{self.path.rstrip('/')}/{name}", self.snapshot)


def parse_place(text: str) -> Place:
    """Read `INSTANCE/PATH` as a path in the instance; the path is absolute."""
    instance, slash, path = strip_remote(text).partition("/")
    if not instance or not slash:
        raise click.UsageError(f'"{text}" is not of the form INSTANCE/PATH')
    return Place(instance, "/" + path.lstrip("/"))


def place_to_read(session: Session, text: str, snapshot: str = "") -> Place:
    """Read a place where a snapshot may be meant; the server is asked which snapshots there are."""
    place = parse_place(text)
    if snapshot:
        return Place(place.instance, place.path, snapshot)
    name, rest = _first(text)
    if not name or name not in session.client.snapshots.names(place.instance):
        return place
    if session.client.files.exists(place.instance, f"/{name}"):
        raise click.UsageError(
            f'"{text}" could mean the snapshot {name} or what the instance has at /{name}: '
            f"write {place.instance}//{name}{rest} for the instance, "
            f"--snapshot {name} {place.instance}{rest or '/'} for the snapshot"
        )
    return Place(place.instance, rest or "/", name)


def place_to_write(session: Session, text: str) -> Place:
    """Read a place in an instance; one that looks as if a snapshot were to be changed is refused."""
    place = parse_place(text)
    name, rest = _first(text)
    is_snapshot = bool(name) and name in session.client.snapshots.names(place.instance)
    if is_snapshot and not session.client.files.exists(place.instance, f"/{name}"):
        raise click.UsageError(
            f"{name} is a snapshot, and snapshots can't be changed: "
            f"write {place.instance}//{name}{rest} if you mean a path in the instance"
        )
    return place


def _first(text: str) -> tuple[str, str]:
    """Return the first part of the path, "" if it begins with a second slash, and the rest with its slash."""
    name, slash, rest = strip_remote(text).partition("/")[2].partition("/")
    return name, slash + rest
