"""`holdfast file`: read and write files in an instance, running or stopped; read those of a snapshot."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import click

from holdfast.cli.commands.file_trees import Pull, Push, Wanted
from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.places import place_to_read, place_to_write
from holdfast.cli.session import Session, pass_session
from holdfast.client.files import FileAttributes


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
@click.option("--uid", type=int, default=-1, help="Give the files to this user id")
@click.option("--gid", type=int, default=-1, help="Give the files to this group id")
@click.option("--mode", default="", metavar="OCTAL", help="Set the permissions")
@click.option("-p", "--create-dirs", is_flag=True, help="Make directories that are missing")
@click.option("-r", "--recursive", is_flag=True, help="Copy directories with all that is in them")
@pass_session
def push(
    session: Session, words: tuple[str, ...], uid: int, gid: int, mode: str, create_dirs: bool, recursive: bool
) -> None:
    if len(words) < 2:
        raise click.UsageError("Give at least one source and INSTANCE/PATH")
    place = place_to_write(session, words[-1])
    wanted = Wanted(uid, gid, _parse_mode(mode))
    Push(session, place.instance, wanted).run(
        words[:-1], place.path, makes_directories=create_dirs, is_recursive=recursive
    )


def _parse_mode(text: str) -> int:
    try:
        return int(text, 8) if text else -1
    except ValueError:
        raise click.UsageError(f'"{text}" is not a mode such as 0644') from None


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
@click.option("--snapshot", default="", metavar="SNAPSHOT", help="Read from this snapshot of the instance")
@click.option("-p", "--create-dirs", is_flag=True, help="Make directories that are missing")
@click.option("-r", "--recursive", is_flag=True, help="Copy directories with all that is in them")
@pass_session
def pull(session: Session, words: tuple[str, ...], snapshot: str, create_dirs: bool, recursive: bool) -> None:
    if len(words) < 2:
        raise click.UsageError("Give at least one INSTANCE/PATH and a target")
    places = [place_to_read(session, word, snapshot) for word in words[:-1]]
    Pull(session).run(places, words[-1], makes_directories=create_dirs, is_recursive=recursive)


@command("delete", "Delete files in an instance.", examples=("holdfast file delete web/etc/motd",))
@click.argument("places", nargs=-1, required=True, metavar="INSTANCE/PATH...")
@pass_session
def delete(session: Session, places: tuple[str, ...]) -> None:
    for place in [place_to_write(session, each) for each in places]:
        session.client.files.delete(place.instance, place.path)


@command(
    "list",
    "List a directory in an instance or one of its snapshots.",
    examples=("holdfast file list web/etc", "holdfast file list web/before-upgrade/etc"),
)
@click.argument("place", metavar="INSTANCE[/SNAPSHOT]/PATH")
@click.option("--snapshot", default="", metavar="SNAPSHOT", help="Read from this snapshot of the instance")
@pass_session
def list_directory(session: Session, place: str, snapshot: str) -> None:
    wanted = place_to_read(session, place, snapshot)
    with session.client.files.open(wanted.instance, wanted.path, snapshot=wanted.snapshot) as opened:
        names = opened.entries() if opened.attributes.kind == "directory" else [wanted.path]
    for name in sorted(names):
        click.echo(name)


@command("mkdir", "Make a directory in an instance.", examples=("holdfast file mkdir web/srv/site --mode 0750",))
@click.argument("places", nargs=-1, required=True, metavar="INSTANCE/PATH...")
@click.option("--uid", type=int, default=-1, help="Give it to this user id")
@click.option("--gid", type=int, default=-1, help="Give it to this group id")
@click.option("--mode", default="", metavar="OCTAL", help="Set the permissions")
@pass_session
def mkdir(session: Session, places: tuple[str, ...], uid: int, gid: int, mode: str) -> None:
    attributes = FileAttributes("directory", uid, gid, _parse_mode(mode))
    for place in [place_to_write(session, each) for each in places]:
        session.client.files.make_directory(place.instance, place.path, attributes)


@command(
    "edit",
    "Edit a file of an instance in $EDITOR, or replace it by standard input.",
    examples=("holdfast file edit web/etc/motd",),
)
@click.argument("place", metavar="INSTANCE/PATH")
@pass_session
def edit(session: Session, place: str) -> None:
    wanted = place_to_write(session, place)
    instance, path = wanted.instance, wanted.path
    with session.client.files.open(instance, path) as opened, tempfile.TemporaryFile() as now:
        attributes = opened.attributes
        if attributes.kind != "file":
            raise click.ClickException(f"{path} is a {attributes.kind}, not a file")
        opened.copy_to(now)
        now.seek(0)
        content = now.read()
    if not sys.stdin.isatty():
        session.client.files.write(instance, path, sys.stdin.buffer, attributes=attributes)
        return
    with tempfile.TemporaryDirectory(prefix="holdfast-edit-") as directory:
        copy = Path(directory) / (os.path.basename(path) or "file")
        copy.write_bytes(content)
        click.edit(filename=str(copy))
        if copy.read_bytes() == content:
            click.echo("Nothing was changed", err=True)
            return
        with copy.open("rb") as edited:
            session.client.files.write(instance, path, edited, attributes=attributes)


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
