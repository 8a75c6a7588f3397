"""`holdfast image`: list, show, edit and delete images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NotRequired, cast

import click

from holdfast.cli.commands.key_commands import EDIT_HELP
from holdfast.cli.editing import edit as edit_text
from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.naming import about
from holdfast.cli.references import IMAGE, strip_remote
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import format_bytes, format_time, yes_or_no
from holdfast.client.shapes import Image

if TYPE_CHECKING:
    from holdfast.client.client import Client

WRITABLE = ("auto_update", "properties", "public", "expires_at", "profiles")
DEFAULT_COLUMNS = "lfpdatsu"
_TRANSFER = "holdfast.cli.commands.image_transfer"


class ListedImage(Image):
    """An image, and in a list of all projects its own, which the API doesn't tell."""

    project: NotRequired[str]


def _aliases(image: Image) -> str:
    names = sorted((alias["name"] for alias in image["aliases"] or []), key=len)
    if not names:
        return ""
    return names[0] + (f" ({len(names) - 1} more)" if len(names) > 1 else "")


@command(
    "list",
    "List images. Words narrow the list: a part of an alias or fingerprint, or KEY=VALUE of the properties or "
    "of type, architecture, public, cached. A value may be a regular expression.",
    examples=(
        "holdfast image list",
        "holdfast image list debian",
        "holdfast image list os=Debian type=container --format json",
    ),
)
@click.argument("filters", nargs=-1)
@click.option("--all-projects", is_flag=True, help="Show the images of all projects")
@click.option("-c", "--columns", default=None, help=f"Columns to show  [default: {DEFAULT_COLUMNS}]")
@format_option
@pass_session
def list_images(
    session: Session, filters: tuple[str, ...], all_projects: bool, columns: str | None, format_name: str
) -> None:
    from holdfast.cli.list_filters import matching_images

    if columns is None:
        columns = f"e{DEFAULT_COLUMNS}" if all_projects else DEFAULT_COLUMNS
    if not columns:
        raise click.UsageError(f"--columns needs at least one of {', '.join(sorted(_COLUMNS))}")
    words = [word for word in (strip_remote(word, is_image=True) for word in filters) if word]
    images = _of_all_projects(session.client) if all_projects else cast(list[ListedImage], session.client.images.list())
    found = matching_images(images, words)
    found.sort(
        key=lambda image: (image.get("project", ""), _aliases(image) == "", _aliases(image), image["fingerprint"])
    )
    for letter in columns:
        if letter not in _COLUMNS:
            raise click.UsageError(f'There is no column "{letter}". Known are: {", ".join(sorted(_COLUMNS))}')
    rows = [[_cell(letter, image) for letter in columns] for image in found]
    click.echo(render(format_name, [_COLUMNS[letter] for letter in columns], rows, found), nl=False)


_COLUMNS = {
    "l": "ALIAS",
    "L": "ALIASES",
    "f": "FINGERPRINT",
    "F": "FINGERPRINT",
    "p": "PUBLIC",
    "d": "DESCRIPTION",
    "a": "ARCHITECTURE",
    "t": "TYPE",
    "s": "SIZE",
    "u": "UPLOAD DATE",
    "e": "PROJECT",
}


def _of_all_projects(client: Client) -> Iterator[ListedImage]:
    """Give the images of each project that has its own."""
    for project in client.projects.with_own("images"):
        for image in client.in_project(project).images.list():
            yield {**image, "project": project}


def _cell(letter: str, image: ListedImage) -> str:
    cells = {
        "l": _aliases(image),
        "L": "\n".join(alias["name"] for alias in image["aliases"] or []),
        "f": image["fingerprint"][:12],
        "F": image["fingerprint"],
        "p": "yes" if image["public"] else "no",
        "d": (image["properties"] or {}).get("description", ""),
        "a": image["architecture"],
        "t": image["type"].upper(),
        "s": format_bytes(image["size"]),
        "u": format_time(image["uploaded_at"]),
        "e": image.get("project", ""),
    }
    return cells[letter]


@command("info", "Show what is known of an image.", examples=("holdfast image info debian/12",))
@click.argument("name", type=IMAGE, metavar="IMAGE")
@pass_session
def info(session: Session, name: str) -> None:
    image = session.client.images.find(name)
    lines = [
        f"Fingerprint: {image['fingerprint']}",
        f"Size: {format_bytes(image['size'])}",
        f"Architecture: {image['architecture']}",
        f"Type: {image['type']}",
        f"Public: {yes_or_no(image['public']).lower()}",
        "Timestamps:",
        f"    Created: {format_time(image['created_at']) or 'unknown'}",
        f"    Uploaded: {format_time(image['uploaded_at'])}",
        f"    Expires: {format_time(image['expires_at']) or 'never'}",
        f"    Last used: {format_time(image['last_used_at']) or 'never'}",
        "Properties:",
        *(f"    {key}: {value}" for key, value in sorted((image["properties"] or {}).items())),
        "Aliases:",
        *(f"    - {alias['name']}" for alias in image["aliases"] or []),
        f"Cached: {yes_or_no(image['cached']).lower()}",
        f"Auto update: {'enabled' if image['auto_update'] else 'disabled'}",
    ]
    if image["profiles"]:
        lines += ["Profiles:", *(f"    - {profile}" for profile in image["profiles"])]
    click.echo("\n".join(lines))


def _writable(image: Image) -> dict[str, object]:
    values: Mapping[str, object] = {**image}
    return {key: values[key] for key in WRITABLE if key in values}


@command("show", "Show what can be set on an image, as YAML.", examples=("holdfast image show debian/12",))
@click.argument("name", type=IMAGE, metavar="IMAGE")
@pass_session
def show(session: Session, name: str) -> None:
    from holdfast.cli.yaml_text import to_yaml

    click.echo(to_yaml(_writable(session.client.images.find(name))), nl=False)


@command(
    "edit",
    "Edit properties of an image in $EDITOR, or take the YAML from standard input.",
    examples=("holdfast image edit debian/12", "holdfast image show debian/12 | holdfast image edit other"),
)
@click.argument("name", type=IMAGE, metavar="IMAGE")
@pass_session
def edit(session: Session, name: str) -> None:
    image = session.client.images.find(name)
    edit_text(
        _writable(image), EDIT_HELP, lambda document: session.client.images.update(image["fingerprint"], document)
    )


@command(
    "delete",
    "Delete images. Instances made of them stay.",
    examples=("holdfast image delete debian/12", "holdfast image delete 58d524962909"),
)
@click.argument("names", nargs=-1, required=True, type=IMAGE, metavar="IMAGE...")
@pass_session
def delete(session: Session, names: tuple[str, ...]) -> None:
    fingerprints = []
    for name in names:  # first see that all of them are there
        with about(name):
            fingerprints.append(session.client.images.find(name)["fingerprint"])
    for name, fingerprint in zip(names, fingerprints, strict=True):
        session.wait(session.client.images.delete(fingerprint), f"Deleting {name}")


image = Group(
    "image",
    "Manage images: what instances are made of.\n\n"
    "An image is named by an alias, its fingerprint, or the beginning of it.",
    {
        "list": Entry(__name__, "list_images", "List images"),
        "info": Entry(__name__, "info", "Show what is known of an image"),
        "show": Entry(__name__, "show", "Show the properties of an image as YAML"),
        "edit": Entry(__name__, "edit", "Edit the properties of an image as YAML"),
        "delete": Entry(__name__, "delete", "Delete images"),
        "import": Entry(_TRANSFER, "import_file", "Add an image from files"),
        "export": Entry(_TRANSFER, "export", "Save an image to files"),
        "copy": Entry(_TRANSFER, "copy", "Copy an image to another server"),
        "build": Entry(_TRANSFER, "build", "Make an image by a recipe, from the distribution's own packages"),
        "alias": Entry("holdfast.cli.commands.image_alias", "alias", "Name images"),
    },
    examples=("holdfast image build debian/12 --alias debian/12", "holdfast image import image.tar.xz --alias mine"),
)
