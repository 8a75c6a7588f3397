"""`holdfast storage volume file`: read and write files in a custom volume; read those of its snapshots."""

from __future__ import annotations

import click

from holdfast.cli.commands.file import (
    delete_places,
    edit_file,
    make_directories,
    owner_options,
    parse_mode,
    pull_words,
    push_words,
    show_directory,
    snapshot_option,
    tree_options,
)
from holdfast.cli.commands.file_trees import Wanted
from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.places import place_to_read, place_to_write
from holdfast.cli.references import NAME
from holdfast.cli.session import Session, pass_session
from holdfast.client.files import FileAttributes


@command(
    "pull",
    "Copy files out of a custom volume or one of its snapshots. `-` writes to standard output.",
    examples=(
        "holdfast storage volume file pull default data/letter.txt .",
        "holdfast storage volume file pull default data/before-upgrade/letter.txt .      # as it was in a snapshot",
        "holdfast storage volume file pull default --snapshot before-upgrade data/letter.txt .     # never mistaken",
        "holdfast storage volume file pull -r default data/before-upgrade/papers /backups/",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("words", nargs=-1, required=True, metavar="VOLUME[/SNAPSHOT]/PATH... TARGET")
@snapshot_option
@tree_options
@pass_session
def pull(
    session: Session, pool: str, words: tuple[str, ...], snapshot: str, create_dirs: bool, recursive: bool
) -> None:
    pull_words(session, words, snapshot, create_dirs=create_dirs, recursive=recursive, pool=pool)


@command(
    "push",
    "Copy files into a custom volume. A target that ends in / is a directory. `-` reads standard input.",
    examples=(
        "holdfast storage volume file push default letter.txt data/",
        "holdfast storage volume file push -r -p default papers data/archive/      # -p makes what is missing",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("words", nargs=-1, required=True, metavar="SOURCE... VOLUME/PATH")
@owner_options
@tree_options
@pass_session
def push(
    session: Session,
    pool: str,
    words: tuple[str, ...],
    uid: int,
    gid: int,
    mode: str,
    create_dirs: bool,
    recursive: bool,
) -> None:
    wanted = Wanted(uid, gid, parse_mode(mode))
    push_words(session, words, wanted, create_dirs=create_dirs, recursive=recursive, pool=pool)


@command(
    "list",
    "List a directory in a custom volume or one of its snapshots.",
    examples=(
        "holdfast storage volume file list default data/papers",
        "holdfast storage volume file list default data/before-upgrade/",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("place", metavar="VOLUME[/SNAPSHOT]/PATH")
@snapshot_option
@pass_session
def list_directory(session: Session, pool: str, place: str, snapshot: str) -> None:
    show_directory(session, place_to_read(session, place, snapshot, pool))


@command(
    "delete",
    "Delete files in a custom volume.",
    examples=("holdfast storage volume file delete default data/letter.txt",),
)
@click.argument("pool", type=NAME)
@click.argument("places", nargs=-1, required=True, metavar="VOLUME/PATH...")
@pass_session
def delete(session: Session, pool: str, places: tuple[str, ...]) -> None:
    delete_places(session, places, pool)


@command(
    "edit",
    "Edit a file of a custom volume in $EDITOR, or replace it by standard input.",
    examples=("holdfast storage volume file edit default data/letter.txt",),
)
@click.argument("pool", type=NAME)
@click.argument("place", metavar="VOLUME/PATH")
@pass_session
def edit(session: Session, pool: str, place: str) -> None:
    edit_file(session, place_to_write(session, place, pool))


@command(
    "mkdir",
    "Make a directory in a custom volume.",
    examples=("holdfast storage volume file mkdir default data/papers --mode 0750",),
)
@click.argument("pool", type=NAME)
@click.argument("places", nargs=-1, required=True, metavar="VOLUME/PATH...")
@owner_options
@pass_session
def mkdir(session: Session, pool: str, places: tuple[str, ...], uid: int, gid: int, mode: str) -> None:
    make_directories(session, places, FileAttributes("directory", uid, gid, parse_mode(mode)), pool)


volume_file = Group(
    "file",
    "Read and write files in a custom volume; read those of its snapshots.",
    {
        "push": Entry(__name__, "push", "Copy files into a volume"),
        "pull": Entry(__name__, "pull", "Copy files out of a volume or snapshot"),
        "delete": Entry(__name__, "delete", "Delete files"),
        "edit": Entry(__name__, "edit", "Edit a file"),
        "list": Entry(__name__, "list_directory", "List a directory"),
        "mkdir": Entry(__name__, "mkdir", "Make a directory"),
    },
    examples=(
        "# one file as it was in a snapshot, and back in its place",
        "holdfast storage volume file pull default data/before-upgrade/letter.txt .",
        "holdfast storage volume file push default letter.txt data/letter.txt",
    ),
)
