"""`holdfast launch` and `holdfast init`: create an instance from an image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast

import click

from holdfast.cli.commands.creation import Wishes, apply_config, apply_devices, creation_options, profiles_of
from holdfast.cli.editing import read_stdin_document
from holdfast.cli.groups import command
from holdfast.cli.references import IMAGE, NAME, split_remote
from holdfast.cli.session import Session, pass_session
from holdfast.client.shapes import DeviceMap, StringMap

Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True)
class ImageReference:
    """An image; `remote` is "" where it is on the server that makes the instance."""

    remote: str
    name: str


def _shared_options(function: Function) -> Function:
    for option in (
        click.option("--empty", is_flag=True, help="Create an instance without a system in it; give no image"),
        click.option("--vm", is_flag=True, help="Create a virtual machine (on servers of LXD; Holdfast's can't yet)"),
        click.argument("words", nargs=-1, metavar="IMAGE [NAME]"),
    ):
        function = option(function)
    return creation_options(function)


@command(
    "launch",
    "Create an instance from an image and start it. Without a name it gets one.",
    examples=(
        "holdfast launch debian/12 web",
        "holdfast launch debian/12 web -s fast -c limits.memory=1GiB -d root,size=20GiB",
        "holdfast launch home:mine backup:web      # fetched from home if it isn't there",
        "holdfast launch busybox try -e            # gone when it stops",
        "holdfast launch debian/12 db < db.yaml    # configuration and devices from a file",
    ),
)
@_shared_options
@click.option("--console", is_flag=True, help="Attach to the console at once")
@pass_session
def launch(session: Session, /, words: tuple[str, ...], empty: bool, vm: bool, console: bool, **wishes: object) -> None:
    name = create(session, words, is_empty=empty, is_vm=vm, wishes=_wishes(wishes))
    session.say(f"Starting {name}")
    session.wait(session.client.instances.change_state(name, "start"), f"Starting {name}")
    if console:
        from holdfast.cli.commands.console import attach

        attach(session, name)


@command(
    "init",
    "Create an instance from an image, and leave it stopped. Without a name it gets one.",
    examples=(
        "holdfast init debian/12 web",
        "holdfast init --empty bare -s fast",
        "holdfast init debian/12 web -p default -p big -c boot.autostart=true",
    ),
)
@_shared_options
@pass_session
def init(session: Session, /, words: tuple[str, ...], empty: bool, vm: bool, **wishes: object) -> None:
    create(session, words, is_empty=empty, is_vm=vm, wishes=_wishes(wishes))


def _wishes(values: dict[str, object]) -> Wishes:
    return Wishes(
        config=cast(tuple[str, ...], values["config"]),
        device=cast(tuple[str, ...], values["device"]),
        profile=cast(tuple[str, ...], values["profile"]),
        no_profiles=bool(values["no_profiles"]),
        storage=str(values["storage"]),
        ephemeral=bool(values["ephemeral"]),
    )


def create(session: Session, words: tuple[str, ...], *, is_empty: bool, is_vm: bool, wishes: Wishes) -> str:
    """Create the instance and return its name."""
    image, name = _image_and_name(session, words, is_empty=is_empty)
    given = read_stdin_document()
    profiles = profiles_of(wishes)
    if profiles is None and "profiles" in given:
        profiles = cast(list[str], given["profiles"])
    request: dict[str, object] = {
        **given,
        "name": name,
        "type": "virtual-machine" if is_vm else "container",
        "instance_type": "",
        "profiles": profiles,
        "ephemeral": wishes.ephemeral or bool(given.get("ephemeral")),
        "config": apply_config(wishes, cast(StringMap, given.get("config") or {})),
        "devices": apply_devices(session.client, wishes, cast(DeviceMap, given.get("devices") or {}), profiles),
    }
    session.say(f"Creating {name}" if name else "Creating the instance")

    def make(source: Mapping[str, object]) -> str:
        operation = session.client.instances.create({**request, "source": source})
        session.wait(operation, f"Creating {name or 'the instance'}")
        return operation.names("instances")[0]

    if image is None:
        made = make({"type": "none"})
    elif image.remote:
        made = _fetched(session, image, make)
    else:
        made = make(_source(session, image.name))
    if not name:
        session.say(f"Instance name is: {made}")
    return made


def _fetched(session: Session, image: ImageReference, make: Callable[[Mapping[str, object]], str]) -> str:
    """Have the server fetch the image from the other one, and make the instance of it; return its name."""
    from holdfast.client.crossing import PULL, NotListeningError, reach
    from holdfast.client.image_crossing import offered

    there = session.other(image.remote)
    found = there.images.find(image.name)
    made: list[str] = []

    def once(address: str, certificate: str) -> None:
        with offered(there.connection, found, address, certificate) as source:
            made.append(make(source))

    try:
        reach(there.connection, "source", PULL, once)
    except NotListeningError as error:
        raise click.ClickException(
            f"{image.remote} isn't listening on the network, so the image can't be fetched from there: set its "
            f"core.https_address, or copy the image first, with `holdfast image copy {image.remote}:{image.name} "
            f"{session.remote}:`"
        ) from error
    return made[0]


def _image_and_name(session: Session, words: tuple[str, ...], *, is_empty: bool) -> tuple[ImageReference | None, str]:
    limit = 1 if is_empty else 2
    if len(words) > limit or (not words and not is_empty):
        raise click.UsageError("Give [NAME] with --empty" if is_empty else "Give IMAGE [NAME]")
    names = [NAME.convert(word, None, None) for word in (words if is_empty else words[1:])]
    if is_empty:
        return None, names[0] if names else ""
    remote, image = split_remote(words[0])
    is_elsewhere = session.remotes.knows(remote) and not session.is_here(remote)  # a name without one: the default
    if not is_elsewhere:
        remote, image = "", IMAGE.convert(words[0], None, None)
    return ImageReference(remote, image), names[0] if names else ""


def _source(session: Session, image: str) -> dict[str, object]:
    from holdfast.client.errors import ApiError

    try:
        fingerprint = session.client.images.find(image)["fingerprint"]
    except ApiError as error:
        if error.status != 404:
            raise
        _check_project(session)
        text = f'There is no image "{image}". `holdfast image list` shows what is there'
        if image.startswith(("debian", "busybox")):
            text += f"; `holdfast image build {image} --alias {image}` makes it"
        raise click.ClickException(text) from error
    return {"type": "image", "fingerprint": fingerprint}


def _check_project(session: Session) -> None:
    """Refuse to work in a project that isn't there: nothing is found in it."""
    from holdfast.client.errors import ApiError

    try:
        session.client.projects.get(session.project)
    except ApiError as error:
        if error.status == 404:
            raise click.ClickException(
                f'There is no project "{session.project}". `holdfast project list` shows what is there'
            ) from error
