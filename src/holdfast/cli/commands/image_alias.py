"""`holdfast image alias`: names of images."""

from __future__ import annotations

import click

from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.naming import about
from holdfast.cli.references import IMAGE, strip_remote
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import natural_key


@command(
    "list",
    "List aliases. Words narrow the list: a part of an alias or of the fingerprint.",
    examples=("holdfast image alias list", "holdfast image alias list 58d5"),
)
@click.argument("filters", nargs=-1)
@format_option
@pass_session
def list_aliases(session: Session, filters: tuple[str, ...], format_name: str) -> None:
    words = [word for word in (strip_remote(word, is_image=True) for word in filters) if word]
    found = [
        alias
        for alias in session.client.images.aliases()
        if all(word in alias["name"] or word in alias["target"] for word in words)
    ]
    found.sort(key=lambda alias: natural_key(alias["name"]))
    rows = [
        [alias["name"], alias["target"][:12], (alias["type"] or "container").upper(), alias["description"]]
        for alias in found
    ]
    click.echo(render(format_name, ["ALIAS", "FINGERPRINT", "TYPE", "DESCRIPTION"], rows, found), nl=False)


@command("create", "Name an image.", examples=("holdfast image alias create debian 58d524962909",))
@click.argument("alias_name", type=IMAGE, metavar="ALIAS")
@click.argument("fingerprint", type=IMAGE, metavar="IMAGE")
@click.option("--description", default="", help="What the name stands for")
@pass_session
def create(session: Session, alias_name: str, fingerprint: str, description: str) -> None:
    target = session.client.images.find(fingerprint)["fingerprint"]
    session.client.images.create_alias(alias_name, target, description)


@command("delete", "Delete aliases; the images stay.", examples=("holdfast image alias delete debian",))
@click.argument("names", nargs=-1, required=True, type=IMAGE, metavar="ALIAS...")
@pass_session
def delete(session: Session, names: tuple[str, ...]) -> None:
    for name in names:
        with about(name):
            session.client.images.delete_alias(name)


@command("rename", "Rename an alias.", examples=("holdfast image alias rename debian debian/12",))
@click.argument("name", type=IMAGE, metavar="ALIAS")
@click.argument("new_name", metavar="NEW-NAME")
@pass_session
def rename(session: Session, name: str, new_name: str) -> None:
    session.client.images.rename_alias(name, new_name)


alias = Group(
    "alias",
    "Name images.",
    {
        "list": Entry(__name__, "list_aliases", "List aliases"),
        "create": Entry(__name__, "create", "Name an image"),
        "delete": Entry(__name__, "delete", "Delete aliases"),
        "rename": Entry(__name__, "rename", "Rename an alias"),
    },
    examples=("holdfast image alias create stable 0123456789ab", "holdfast image alias list"),
)
