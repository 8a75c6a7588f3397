"""`holdfast project`: rooms with instances, profiles and images of their own."""

from __future__ import annotations

from collections.abc import Mapping

import click

from holdfast.cli.commands.key_commands import (
    Noun,
    edit_command,
    get_command,
    set_command,
    show_command,
    unset_command,
)
from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.references import NAME, parse_pairs, remote_argument
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import natural_key, yes_or_no


def _read(session: Session, name: str) -> tuple[Mapping[str, object], str]:
    document, etag = session.client.projects.get_with_etag(name)
    return {**document}, etag


def _write(session: Session, name: str, document: Mapping[str, object], etag: str) -> None:
    session.client.projects.update(name, document, etag)


PROJECT = Noun(
    "PROJECT", "holdfast project", "team", "features.images", "false", _read, _write, ("config", "description")
)
get = get_command(PROJECT)
set_keys = set_command(PROJECT)
unset = unset_command(PROJECT)
show = show_command(PROJECT)
edit = edit_command(PROJECT)
FEATURES = {
    "IMAGES": "features.images",
    "PROFILES": "features.profiles",
    "STORAGE VOLUMES": "features.storage.volumes",
}


@command("list", "List projects.", examples=("holdfast project list",))
@remote_argument
@format_option
@pass_session
def list_projects(session: Session, format_name: str) -> None:
    found = sorted(session.client.projects.list(), key=lambda project: natural_key(project["name"]))
    rows = [
        [
            project["name"] + (" (current)" if project["name"] == session.project else ""),
            *(yes_or_no(project["config"].get(key) == "true") for key in FEATURES.values()),
            project["description"],
            str(len(project["used_by"])),
        ]
        for project in found
    ]
    click.echo(render(format_name, ["NAME", *FEATURES, "DESCRIPTION", "USED BY"], rows, found), nl=False)


@command(
    "create",
    "Create a project.",
    examples=("holdfast project create team", "holdfast project create team -c features.images=false"),
)
@click.argument("name", type=NAME, metavar="PROJECT")
@click.option("-c", "--config", multiple=True, metavar="KEY=VALUE", help="Set a configuration key")
@pass_session
def create(session: Session, name: str, config: tuple[str, ...]) -> None:
    session.client.projects.create(name, parse_pairs(config))
    session.say(f"Project {name} created")


@command("delete", "Delete an empty project.", examples=("holdfast project delete team",))
@click.argument("name", type=NAME, metavar="PROJECT")
@pass_session
def delete(session: Session, name: str) -> None:
    session.client.projects.delete(name)
    session.say(f"Project {name} deleted")


@command("rename", "Rename a project.", examples=("holdfast project rename team crew",))
@click.argument("name", type=NAME, metavar="PROJECT")
@click.argument("new_name", metavar="NEW-NAME")
@pass_session
def rename(session: Session, name: str, new_name: str) -> None:
    session.client.projects.rename(name, new_name)
    session.say(f"Project {name} renamed to {new_name}")


project = Group(
    "project",
    "Manage projects: rooms with instances, profiles and images of their own.\n\n"
    "Any command works in a project with `--project NAME`; HOLDFAST_PROJECT sets it for a shell.",
    {
        "list": Entry(__name__, "list_projects", "List projects"),
        "show": Entry(__name__, "show", "Show a project as YAML"),
        "create": Entry(__name__, "create", "Create a project"),
        "edit": Entry(__name__, "edit", "Edit a project as YAML"),
        "delete": Entry(__name__, "delete", "Delete an empty project"),
        "rename": Entry(__name__, "rename", "Rename a project"),
        "get": Entry(__name__, "get", "Show the value of a key"),
        "set": Entry(__name__, "set_keys", "Set keys"),
        "unset": Entry(__name__, "unset", "Remove a key"),
    },
    examples=("holdfast project create team", "holdfast list --project team", "export HOLDFAST_PROJECT=team"),
)
