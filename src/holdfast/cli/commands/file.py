"""`holdfast file`: read and write files in an instance, running or stopped."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import click

from holdfast.cli.commands.file_trees import Pull, Push, Wanted
from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.references import strip_remote
from holdfast.cli.session import Session, pass_session
from holdfast.client.files import FileAttributes


def parse_place(text: str) -> tuple[str, str]:
    """Read `INSTANCE/PATH`; the path is absolute."""
    instance, slash, path = strip_remote(text).partition("/")
    if not instance or not slash:
        raise click.UsageError(f'"{text}" is not of the form INSTANCE/PATH')
    return instance, "/" + path


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
    instance, path = parse_place(words[-1])
    wanted = Wanted(uid, gid, _parse_mode(mode))
    Push(session, instance, wanted).run(words[:-1], path, makes_directories=create_dirs, is_recursive=recursive)


def _parse_mode(text: str) -> int:
    try:
        return int(text, 8) if text else -1
    except ValueError:
        raise click.UsageError(f'"{text}" is not a mode such as 0644') from None


@command(
    "pull",
    "Copy files out of an instance. `-` writes to standard output.",
    examples=(
        "holdfast file pull web/etc/hostname .",
        "holdfast file pull -r web/srv/site /backups/",
        "holdfast file pull web/var/log/syslog - | tail",
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="INSTANCE/PATH... TARGET")
@click.option("-p", "--create-dirs", is_flag=True, help="Make directories that are missing")
@click.option("-r", "--recursive", is_flag=True, help="Copy directories with all that is in them")
@pass_session
def pull(session: Session, words: tuple[str, ...], create_dirs: bool, recursive: bool) -> None:
    if len(words) < 2:
        raise click.UsageError("Give at least one INSTANCE/PATH and a target")
    places = [parse_place(word) for word in words[:-1]]
    Pull(session).run(places, words[-1], makes_directories=create_dirs, is_recursive=recursive)


@command("delete", "Delete files in an instance.", examples=("holdfast file delete web/etc/motd",))
@click.argument("places", nargs=-1, required=True, metavar="INSTANCE/PATH...")
@pass_session
def delete(session: Session, places: tuple[str, ...]) -> None:
    for place in places:
        session.client.files.delete(*parse_place(place))


@command("list", "List a directory in an instance.", examples=("holdfast file list web/etc",))
@click.argument("place", metavar="INSTANCE/PATH")
@pass_session
def list_directory(session: Session, place: str) -> None:
    instance, path = parse_place(place)
    with session.client.files.open(instance, path) as opened:
        names = opened.entries() if opened.attributes.kind == "directory" else [path]
    for name in sorted(names):
        click.echo(name)


@command("mkdir", "Make a directory in an instance.", examples=("holdfast file mkdir web/srv/site --mode 0750",))
@click.argument("places", nargs=-1, required=True, metavar="INSTANCE/PATH...")
@click.option("--uid", type=int, default=-1, help="Give it to this user id")
@click.option("--gid", type=int, default=-1, help="Give it to this group id")
@click.option("--mode", default="", metavar="OCTAL", help="Set the permissions")
@pass_session
def mkdir(session: Session, places: tuple[str, ...], uid: int, gid: int, mode: str) -> None:
    for place in places:
        instance, path = parse_place(place)
        attributes = FileAttributes("directory", uid, gid, _parse_mode(mode))
        session.client.files.make_directory(instance, path, attributes)


@command(
    "edit",
    "Edit a file of an instance in $EDITOR, or replace it by standard input.",
    examples=("holdfast file edit web/etc/motd",),
)
@click.argument("place", metavar="INSTANCE/PATH")
@pass_session
def edit(session: Session, place: str) -> None:
    instance, path = parse_place(place)
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
