"""`holdfast image import`, `export` and `build`: how images come and go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from holdfast.cli.groups import command
from holdfast.cli.references import IMAGE, parse_pairs, split_remote, strip_remote
from holdfast.cli.session import Session, pass_session
from holdfast.client.errors import OperationFailedError
from holdfast.client.image_names import ImageNames, names_for
from holdfast.client.images import ImageFile

RECIPES = ("debian/12", "debian/13", "busybox")
_SAME_IMAGE = "same fingerprint already exists"
"""What servers say of an image that they have."""


def look_at_names(session: Session, aliases: Sequence[str], *, reuse: bool) -> ImageNames:
    """Refuse aliases that other images have, before anything is made; with `reuse` they will be taken from them."""
    return names_for(session.client.images, aliases, remedy="" if reuse else "--reuse takes it from there")


@command(
    "import",
    "Add an image: one archive, or metadata and root file system apart. KEY=VALUE words become its properties.",
    examples=(
        "holdfast image import debian.tar.xz --alias debian",
        "holdfast image import meta.tar.xz rootfs.squashfs --alias mine description='My own'",
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="FILE [ROOTFS] [KEY=VALUE...]")
@click.option("--alias", "aliases", multiple=True, metavar="NAME", help="Name the image (may be repeated)")
@click.option("--public", is_flag=True, help="Let clients that are not trusted have it")
@click.option("--reuse", is_flag=True, help="Take the alias from the image that has it")
@pass_session
def import_file(session: Session, words: tuple[str, ...], aliases: tuple[str, ...], public: bool, reuse: bool) -> None:
    files = [word for word in words if "=" not in word and not _is_remote(word)]
    if not 1 <= len(files) <= 2:
        raise click.UsageError("Give one file, or metadata and root file system")
    for name in files:
        if "://" in name:
            raise click.ClickException(f"{name} is an address, and files are taken: download it first")
    paths = [Path(name) for name in files]
    for path in paths:
        if not path.is_file():
            raise click.ClickException(f"{path} is not a file")
    names = look_at_names(session, aliases, reuse=reuse)
    operation = session.client.images.import_file(
        ImageFile(paths[0], paths[1] if len(paths) == 2 else None),
        properties=parse_pairs([word for word in words if "=" in word]),
        is_public=public,
        aliases=names.fresh,
        on_bytes=session.transfer("Sending the image"),
    )
    try:
        session.wait(operation, "Importing the image")
    except OperationFailedError as error:
        if _SAME_IMAGE not in str(error):
            raise
        remedy = "`holdfast image list` shows it, `holdfast image alias create NAME IMAGE` names it"
        raise click.ClickException(f"{error}: {remedy}") from error
    fingerprint = str(operation.results()["fingerprint"])
    names.give(fingerprint)
    session.say(f"Image imported with fingerprint: {fingerprint}")


def _is_remote(word: str) -> bool:
    """Tell whether a word is `REMOTE:`, which lxc takes here."""
    return word.endswith(":") and strip_remote(word) == ""


@command(
    "export",
    "Save an image to a directory, or under a name to which the extension is added.",
    examples=("holdfast image export debian/12", "holdfast image export debian/12 /srv/images/debian"),
)
@click.argument("name", type=IMAGE, metavar="IMAGE")
@click.argument("target", type=click.Path(path_type=Path), default=".")
@pass_session
def export(session: Session, name: str, target: Path) -> None:
    fingerprint = session.client.images.find(name)["fingerprint"]
    for path in session.client.images.export(fingerprint, target, session.transfer(f"Fetching {name}")):
        session.say(f"Saved {path}")


@command(
    "copy",
    "Copy an image to another server, under the names that are given. The other server fetches it if it can reach "
    "this one, else it goes through the client.",
    examples=(
        "holdfast image copy debian/12 backup: --alias debian/12",
        "holdfast image copy home:mine backup: --copy-aliases",
        "holdfast image copy debian/12 backup: --mode push",
    ),
)
@click.argument("name", type=IMAGE, metavar="[REMOTE:]IMAGE")
@click.argument("target", metavar="REMOTE:")
@click.option("--alias", "aliases", multiple=True, metavar="NAME", help="Name the image there (may be repeated)")
@click.option("--copy-aliases", is_flag=True, help="Give it the names that it has here")
@click.option("--public", is_flag=True, help="Let clients that are not trusted have it")
@click.option(
    "--mode",
    type=click.Choice(["pull", "push", "relay"]),
    default=None,
    help="Who connects to whom. Without it the other server pulls if it can, else this client passes the image on",
)
@pass_session
def copy(
    session: Session,
    name: str,
    target: str,
    aliases: tuple[str, ...],
    copy_aliases: bool,
    public: bool,
    mode: str | None,
) -> None:
    from holdfast.client.client import Client
    from holdfast.client.image_crossing import ImageCrossing

    remote, rest = split_remote(target)
    if not remote or rest:
        raise click.UsageError(f'"{target}" is not of the form REMOTE:')
    there = Client(session.remotes.connection(remote, session.given_project))
    image = session.client.images.find(name)
    names = names_for(
        there.images,
        [*aliases, *(each["name"] for each in image["aliases"] or [] if copy_aliases)],
        fingerprint=image["fingerprint"],
        remedy=f"`holdfast image alias delete {remote}:NAME` frees it",
    )
    crossing = ImageCrossing(
        source=session.client.connection, target=there.connection, image=image, names=names, is_public=public
    )
    crossing.carry_out(mode, lambda work: session.wait(work, f"Copying {name}"), session.transfer)
    names.give(image["fingerprint"])
    session.say(f"Image copied to {remote}, with fingerprint: {image['fingerprint']}")


@command(
    "build",
    f"Make an image from the packages of a distribution, by the recipe {', '.join(RECIPES)}. "
    "No image server is needed: the packages come from the mirror that this machine already uses.",
    examples=("holdfast image build debian/12 --alias debian/12", "holdfast image build busybox --alias busybox"),
)
@click.argument("recipe")
@click.option("--alias", "aliases", multiple=True, metavar="NAME", help="Name the image  [default: the recipe]")
@pass_session
def build(session: Session, recipe: str, aliases: tuple[str, ...]) -> None:
    source = {"type": "build", "recipe": recipe}
    names = look_at_names(session, aliases or (recipe,), reuse=True)
    operation = session.client.images.create({"source": source, "public": False, "aliases": names.entries})
    session.wait(operation, f"Building {recipe}")
    fingerprint = str(operation.results()["fingerprint"])
    names.give(fingerprint)
    session.say(f"Image built with fingerprint: {fingerprint}")
