"""`holdfast file`: read and write files in an instance, running or stopped; read those of a snapshot."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from holdfast.cli.commands.file_trees import Pull, Push, Wanted
from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.places import Place, place_to_read, place_to_write
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import escaped
from holdfast.cli.units import OWNER_ID
from holdfast.client.files import FileAttributes

Function = TypeVar("Function", bound=Callable[..., object])

snapshot_option = click.option("--snapshot", default="", metavar="SNAPSHOT", help="Read from this snapshot")


_MODE = re.compile(r"(0o?)?[0-7]{1,4}", re.ASCII)


def _or_unsaid(_context: click.Context, _option: click.Parameter, value: int | None) -> int:
    return -1 if value is None else value


def owner_options(function: Function) -> Function:
    """Add what is said about what is made."""
    for option in (
        click.option("--mode", default="", metavar="OCTAL", help="Set the permissions"),
        click.option("--gid", type=OWNER_ID, callback=_or_unsaid, help="Give it to this group id"),
        click.option("--uid", type=OWNER_ID, callback=_or_unsaid, help="Give it to this user id"),
    ):
        function = option(function)
    return function


def tree_options(function: Function) -> Function:
    """Add what is said about directories."""
    for option in (
        click.option("-r", "--recursive", is_flag=True, help="Copy directories with all that is in them"),
        click.option("-p", "--create-dirs", is_flag=True, help="Make directories that are missing"),
    ):
        function = option(function)
    return function


@command(
    "push",
    "Copy files into an instance. A target that ends in / is a directory. `-` reads standard input.",
    examples=(
        "holdfast file push site.conf web/etc/nginx/sites-enabled/",
        "holdfast file push -r site web/srv/",
        "echo hello | holdfast file push - web/etc/motd --mode 0644",
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="SOURCE... INSTANCE/PATH")
@owner_options
@tree_options
@pass_session
def push(
    session: Session, words: tuple[str, ...], uid: int, gid: int, mode: str, create_dirs: bool, recursive: bool
) -> None:
    push_words(session, words, Wanted(uid, gid, parse_mode(mode)), create_dirs=create_dirs, recursive=recursive)


def push_words(
    session: Session, words: Sequence[str], wanted: Wanted, *, create_dirs: bool, recursive: bool, pool: str = ""
) -> None:
    """Copy files into the place that the last word names, one in the pool if that is given."""
    if len(words) < 2:
        raise click.UsageError(f"Give at least one source and {'VOLUME' if pool else 'INSTANCE'}/PATH")
    place = place_to_write(session, words[-1], pool)
    Push(session, place.owner, wanted).run(
        words[:-1], place.path, makes_directories=create_dirs, is_recursive=recursive
    )


def parse_mode(text: str) -> int:
    if not text:
        return -1
    if not _MODE.fullmatch(text):
        raise click.UsageError(f'"{text}" is not a mode such as 0644')
    return int(text, 8)


@command(
    "pull",
    "Copy files out of an instance or one of its snapshots. `-` writes to standard output.",
    examples=(
        "holdfast file pull web/etc/hostname .",
        "holdfast file pull web/before-upgrade/etc/hostname .        # as it was in a snapshot",
        "holdfast file pull --snapshot before-upgrade web/etc/hostname .        # the same, never mistaken",
        "holdfast file pull -r web/srv/site /backups/",
        "holdfast file pull web/var/log/syslog - | tail",
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="INSTANCE[/SNAPSHOT]/PATH... TARGET")
@snapshot_option
@tree_options
@pass_session
def pull(session: Session, words: tuple[str, ...], snapshot: str, create_dirs: bool, recursive: bool) -> None:
    pull_words(session, words, snapshot, create_dirs=create_dirs, recursive=recursive)


def pull_words(
    session: Session, words: Sequence[str], snapshot: str, *, create_dirs: bool, recursive: bool, pool: str = ""
) -> None:
    """Copy files out of the places that all words but the last one name, in the pool if that is given."""
    if len(words) < 2:
        raise click.UsageError(f"Give at least one {'VOLUME' if pool else 'INSTANCE'}/PATH and a target")
    places = [place_to_read(session, word, snapshot, pool) for word in words[:-1]]
    Pull(session).run(places, words[-1], makes_directories=create_dirs, is_recursive=recursive)


@command("delete", "Delete files in an instance.", examples=("holdfast file delete web/etc/motd",))
@click.argument("places", nargs=-1, required=True, metavar="INSTANCE/PATH...")
@pass_session
def delete(session: Session, places: tuple[str, ...]) -> None:
    delete_places(session, places)


def delete_places(session: Session, places: Sequence[str], pool: str = "") -> None:
    """Delete what is at each place."""
    for place in [place_to_write(session, each, pool) for each in places]:
        session.client.files.delete(place.owner, place.path)


@command(
    "list",
    "List a directory in an instance or one of its snapshots.",
    examples=("holdfast file list web/etc", "holdfast file list web/before-upgrade/etc"),
)
@click.argument("place", metavar="INSTANCE[/SNAPSHOT]/PATH")
@snapshot_option
@pass_session
def list_directory(session: Session, place: str, snapshot: str) -> None:
    show_directory(session, place_to_read(session, place, snapshot))


def show_directory(session: Session, wanted: Place) -> None:
    """List the names in a directory."""
    with session.client.files.open(wanted.owner, wanted.path, snapshot=wanted.snapshot) as opened:
        names = opened.entries() if opened.attributes.kind == "directory" else [wanted.path]
    for name in sorted(names):
        click.echo(escaped(name))


@command("mkdir", "Make a directory in an instance.", examples=("holdfast file mkdir web/srv/site --mode 0750",))
@click.argument("places", nargs=-1, required=True, metavar="INSTANCE/PATH...")
@owner_options
@pass_session
def mkdir(session: Session, places: tuple[str, ...], uid: int, gid: int, mode: str) -> None:
    make_directories(session, places, FileAttributes("directory", uid, gid, parse_mode(mode)))


def make_directories(session: Session, places: Sequence[str], attributes: FileAttributes, pool: str = "") -> None:
    """Make a directory at each place."""
    for place in [place_to_write(session, each, pool) for each in places]:
        session.client.files.make_directory(place.owner, place.path, attributes)


@command(
    "edit",
    "Edit a file of an instance in $EDITOR, or replace it by standard input.",
    examples=("holdfast file edit web/etc/motd",),
)
@click.argument("place", metavar="INSTANCE/PATH")
@pass_session
def edit(session: Session, place: str) -> None:
    edit_file(session, place_to_write(session, place))


def edit_file(session: Session, wanted: Place) -> None:
    """Edit the file at a place."""
    owner, path = wanted.owner, wanted.path
    with session.client.files.open(owner, path) as opened, tempfile.TemporaryFile() as now:
        attributes = opened.attributes
        if attributes.kind != "file":
            raise click.ClickException(f"{path} is a {attributes.kind}, not a file")
        opened.copy_to(now)
        now.seek(0)
        content = now.read()
    if not sys.stdin.isatty():
        session.client.files.write(owner, path, sys.stdin.buffer, attributes=attributes)
        return
    with tempfile.TemporaryDirectory(prefix="holdfast-edit-") as directory:
        copy = Path(directory) / (os.path.basename(path) or "file")
        copy.write_bytes(content)
        click.edit(filename=str(copy))
        if copy.read_bytes() == content:
            click.echo("Nothing was changed", err=True)
            return
        with copy.open("rb") as edited:
            session.client.files.write(owner, path, edited, attributes=attributes)


file = Group(
    "file",
    "Read and write files in an instance, running or stopped.",
    {
        "push": Entry(__name__, "push", "Copy files into an instance"),
        "pull": Entry(__name__, "pull", "Copy files out of an instance"),
        "delete": Entry(__name__, "delete", "Delete files"),
        "edit": Entry(__name__, "edit", "Edit a file"),
        "list": Entry(__name__, "list_directory", "List a directory"),
        "mkdir": Entry(__name__, "mkdir", "Make a directory"),
    },
    examples=("holdfast file push notes.txt web/root/", "holdfast file pull web/etc/hosts - | less"),
)
