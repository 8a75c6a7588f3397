"""`holdfast profile`: named sets of configuration and devices."""

from __future__ import annotations

from collections.abc import Mapping

import click

from holdfast.cli.commands.config import writable
from holdfast.cli.commands.key_commands import (
    Noun,
    edit_command,
    get_command,
    set_command,
    show_command,
    unset_command,
)
from holdfast.cli.editing import read_stdin_document
from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.naming import about
from holdfast.cli.references import INSTANCE, NAME, InstanceReference, remote_argument
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import natural_key
from holdfast.client.shapes import Profile


def _read(session: Session, name: str) -> tuple[Mapping[str, object], str]:
    document, etag = session.client.profiles.get_with_etag(name)
    return {**document}, etag


def _write(session: Session, name: str, document: Mapping[str, object], etag: str) -> None:
    session.client.profiles.update(name, document, etag)


PROFILE = Noun(
    "PROFILE",
    "holdfast profile",
    "default",
    "limits.memory",
    "1GiB",
    _read,
    _write,
    ("config", "description", "devices"),
)
get = get_command(PROFILE)
set_keys = set_command(PROFILE)
unset = unset_command(PROFILE)
show = show_command(PROFILE)
edit = edit_command(PROFILE)


@command("list", "List profiles.", examples=("holdfast profile list", "holdfast profile list --format csv"))
@click.option("--all-projects", is_flag=True, help="Show the profiles of all projects")
@remote_argument
@format_option
@pass_session
def list_profiles(session: Session, all_projects: bool, format_name: str) -> None:
    if all_projects:
        projects = sorted(session.client.projects.with_own("profiles"), key=natural_key)
        found = [(project, profile) for project in projects for profile in _sorted(session, project)]
        documents: list[object] = [{"project": project, **profile} for project, profile in found]
    else:
        found = [("", profile) for profile in _sorted(session, session.project)]
        documents = [profile for _, profile in found]
    header = ["NAME", "DESCRIPTION", "USED BY"]
    rows = [[profile["name"], profile["description"], str(len(profile["used_by"]))] for _, profile in found]
    if all_projects:
        header = ["PROJECT", *header]
        rows = [[project, *row] for (project, _), row in zip(found, rows, strict=True)]
    click.echo(render(format_name, header, rows, documents), nl=False)


def _sorted(session: Session, project: str) -> list[Profile]:
    found = session.client.in_project(project).profiles.list()
    return sorted(found, key=lambda profile: natural_key(profile["name"]))


@command(
    "create",
    "Create a profile, empty or from YAML on standard input.",
    examples=("holdfast profile create big", "holdfast profile create big < big.yaml"),
)
@click.argument("name", type=NAME, metavar="PROFILE")
@pass_session
def create(session: Session, name: str) -> None:
    session.client.profiles.create(name, read_stdin_document())
    session.say(f"Profile {name} created")


@command("delete", "Delete profiles that nothing uses.", examples=("holdfast profile delete big",))
@click.argument("names", nargs=-1, required=True, type=NAME, metavar="PROFILE...")
@pass_session
def delete(session: Session, names: tuple[str, ...]) -> None:
    for name in names:
        with about(name):
            session.client.profiles.delete(name)
        session.say(f"Profile {name} deleted")


@command("rename", "Rename a profile.", examples=("holdfast profile rename big large",))
@click.argument("name", type=NAME, metavar="PROFILE")
@click.argument("new_name", metavar="NEW-NAME")
@pass_session
def rename(session: Session, name: str, new_name: str) -> None:
    session.client.profiles.rename(name, new_name)
    session.say(f"Profile {name} renamed to {new_name}")


@command("copy", "Copy a profile.", examples=("holdfast profile copy default big",))
@click.argument("name", type=NAME, metavar="PROFILE")
@click.argument("new_name", type=NAME, metavar="NEW-NAME")
@click.option("--refresh", is_flag=True, help="Replace the profile if it is there")
@click.option("--target-project", default="", metavar="NAME", help="Copy it to this project")
@pass_session
def copy(session: Session, name: str, new_name: str, refresh: bool, target_project: str) -> None:
    source = session.client.profiles.get(name)
    target = session.client.in_project(target_project) if target_project else session.client
    document = {key: {**source}[key] for key in PROFILE.fields}
    if refresh and new_name in (profile["name"] for profile in target.profiles.list()):
        target.profiles.update(new_name, document)
    else:
        target.profiles.create(new_name, document)


@command(
    "assign",
    "Give an instance these profiles and no others; an empty list takes all away.",
    examples=("holdfast profile assign web default,big", "holdfast profile assign web ''"),
)
@click.argument("instance", type=INSTANCE)
@click.argument("profiles", metavar="PROFILE[,PROFILE...]")
@pass_session
def assign(session: Session, instance: InstanceReference, profiles: str) -> None:
    wanted = [name for name in profiles.split(",") if name]
    _set_profiles(session, instance.name, wanted)
    session.say(f"Profiles {', '.join(wanted) or '(none)'} applied to {instance.name}")


@command("add", "Add a profile to an instance.", examples=("holdfast profile add web big",))
@click.argument("instance", type=INSTANCE)
@click.argument("profile_name", metavar="PROFILE")
@pass_session
def add(session: Session, instance: InstanceReference, profile_name: str) -> None:
    now = session.client.instances.get(instance.name)["profiles"]
    _set_profiles(session, instance.name, [*now, profile_name])
    session.say(f"Profile {profile_name} added to {instance.name}")


@command("remove", "Take a profile away from an instance.", examples=("holdfast profile remove web big",))
@click.argument("instance", type=INSTANCE)
@click.argument("profile_name", metavar="PROFILE")
@pass_session
def remove(session: Session, instance: InstanceReference, profile_name: str) -> None:
    now = session.client.instances.get(instance.name)["profiles"]
    if profile_name not in now:
        raise click.ClickException(
            f'{instance.name} has no profile "{profile_name}"; it has: {", ".join(now) or "none"}'
        )
    _set_profiles(session, instance.name, [name for name in now if name != profile_name])
    session.say(f"Profile {profile_name} removed from {instance.name}")


def _set_profiles(session: Session, instance: str, profiles: list[str]) -> None:
    document, etag = session.client.instances.get_with_etag(instance)
    document["profiles"] = profiles
    session.wait(session.client.instances.update(instance, writable(document), etag), f"Changing {instance}")


profile = Group(
    "profile",
    "Manage profiles: named sets of configuration and devices that instances share.",
    {
        "list": Entry(__name__, "list_profiles", "List profiles"),
        "show": Entry(__name__, "show", "Show a profile as YAML"),
        "create": Entry(__name__, "create", "Create a profile"),
        "edit": Entry(__name__, "edit", "Edit a profile as YAML"),
        "delete": Entry(__name__, "delete", "Delete profiles"),
        "rename": Entry(__name__, "rename", "Rename a profile"),
        "copy": Entry(__name__, "copy", "Copy a profile"),
        "assign": Entry(__name__, "assign", "Give an instance exactly these profiles"),
        "add": Entry(__name__, "add", "Add a profile to an instance"),
        "remove": Entry(__name__, "remove", "Take a profile away from an instance"),
        "get": Entry(__name__, "get", "Show the value of a key"),
        "set": Entry(__name__, "set_keys", "Set keys"),
        "unset": Entry(__name__, "unset", "Remove a key"),
        "device": Entry("holdfast.cli.commands.device", "profile_device", "Add, change and remove devices"),
    },
    examples=(
        "holdfast profile create big",
        "holdfast profile set big limits.memory=8GiB",
        "holdfast profile add web big",
    ),
)
