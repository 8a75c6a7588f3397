"""`holdfast storage volume`: what lies in a pool."""

from __future__ import annotations

import click

from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.references import NAME
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import natural_key
from holdfast.client.shapes import Volume

KINDS = ("container", "virtual-machine", "image", "custom")


@command(
    "list",
    "List the volumes of a pool. Words narrow the list to names that contain them, or KEY=VALUE of type and content.",
    examples=("holdfast storage volume list default", "holdfast storage volume list default type=container"),
)
@click.argument("pool", type=NAME)
@click.argument("filters", nargs=-1)
@click.option("--all-projects", is_flag=True, help="Show the volumes of all projects")
@format_option
@pass_session
def list_volumes(session: Session, pool: str, filters: tuple[str, ...], all_projects: bool, format_name: str) -> None:
    volumes = session.client.storage.volumes(pool, all_projects=all_projects)
    found = [volume for volume in volumes if all(_matches(volume, word) for word in filters)]
    found.sort(key=lambda volume: (volume["type"], natural_key(volume["name"])))
    rows = [
        [
            volume["type"] + (" (snapshot)" if "/" in volume["name"] else ""),
            volume["name"],
            volume["description"],
            volume["content_type"],
            str(len(volume["used_by"] or [])),
        ]
        for volume in found
    ]
    click.echo(render(format_name, ["TYPE", "NAME", "DESCRIPTION", "CONTENT-TYPE", "USED BY"], rows, found), nl=False)


def _matches(volume: Volume, word: str) -> bool:
    key, equals, value = word.partition("=")
    if not equals:
        return word in volume["name"]
    fields = {"name": volume["name"], "type": volume["type"], "content_type": volume["content_type"]}
    return fields.get(key, volume["config"].get(key)) == value


@command(
    "show",
    "Show a volume as YAML. Its name has its type before it unless it is a custom one.",
    examples=("holdfast storage volume show default container/web",),
)
@click.argument("pool", type=NAME)
@click.argument("name", metavar="[TYPE/]VOLUME")
@pass_session
def show(session: Session, pool: str, name: str) -> None:
    from holdfast.cli.yaml_text import to_yaml

    kind, slash, bare = name.partition("/")
    if not slash or kind not in KINDS:
        kind, bare = "custom", name
    click.echo(to_yaml({**session.client.storage.volume(pool, kind, bare)}), nl=False)


volume = Group(
    "volume",
    "Show the volumes of a pool: those of instances, of images, and custom ones.",
    {
        "list": Entry(__name__, "list_volumes", "List the volumes of a pool"),
        "show": Entry(__name__, "show", "Show a volume as YAML"),
    },
    examples=("holdfast storage volume list fast", "holdfast storage volume show fast container/web"),
)
