"""`holdfast import`: an export file as an instance."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from holdfast.cli.export_ways import SINCE_EXTENSION, VOLUMES_EXTENSION
from holdfast.cli.extensions import require_extension
from holdfast.cli.groups import command
from holdfast.cli.import_sources import identity_option, source_and_name
from holdfast.cli.references import parse_device_overrides, parse_pairs
from holdfast.cli.session import Session, pass_session
from holdfast.cli.undo import tell_of_lost_undo
from holdfast.client.encryption import load_identities
from holdfast.client.lending import IMPORT_EXTENSION
from holdfast.client.uploads import EXTENSION as UPLOADS

OVERRIDES = "holdfast_import_overrides"


@command(
    "import",
    "Make an instance of an export file, under its own name or another. The file is checked first, and the instance "
    "appears when it is whole. A transfer that breaks goes on where it was.",
    examples=(
        "holdfast import web.tar.gz",
        "holdfast import web.tar.gz web-restored -s fast --start",
        "holdfast import web.tar.gz --replace                 # in the place of the web that is there",
        "holdfast import web-since-monday.tar.gz --onto web   # what is newer, where web has the snapshot monday",
        "holdfast import web.tar.gz -d root,size=20GiB -c limits.memory=1GiB -p default",
        "holdfast import web.tar.gz.age --identity key.txt",
        "ssh backup cat web.tar.gz | holdfast import -",
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="FILE|- [NAME]")
@click.option("-s", "--storage", default="", metavar="POOL", help="Keep it in this pool")
@click.option("-d", "--device", multiple=True, metavar="DEVICE,KEY=VALUE", help="Set an option of a device")
@click.option("-c", "--config", multiple=True, metavar="KEY=VALUE", help="Set a configuration key; empty: leave it out")
@click.option("-p", "--profile", multiple=True, metavar="NAME", help="Apply this profile, not the file's  [repeatable]")
@click.option("--no-profiles", is_flag=True, help="Apply no profiles")
@click.option("--replace", is_flag=True, help="Replace the instance of that name, with its snapshots")
@click.option("--onto", default="", metavar="INSTANCE", help="Bring this one up to date by a file made with --since")
@click.option("--without-volumes", is_flag=True, help="Leave out the volumes that are in the file")
@click.option("--start", is_flag=True, help="Start it when it is there")
@identity_option
@pass_session
def import_file(
    session: Session,
    words: tuple[str, ...],
    storage: str,
    device: tuple[str, ...],
    config: tuple[str, ...],
    profile: tuple[str, ...],
    no_profiles: bool,
    replace: bool,
    onto: str,
    without_volumes: bool,
    start: bool,
    identity: Path | None,
) -> None:
    source, title, name = source_and_name(words)
    profiles = [] if no_profiles else list(profile) or None
    if device:
        require_extension(session, "import_instance_devices", "import with other devices than the file's")
    if config or profiles is not None or replace:
        require_extension(session, OVERRIDES, "import with other settings than the file's, or in an instance's place")
    if onto:
        require_extension(session, SINCE_EXTENSION, "import of a difference")
    if without_volumes:
        require_extension(session, VOLUMES_EXTENSION, "leaving out the volumes of a file")
    operation = session.client.backups.import_file(
        source,
        name=name,
        pool=storage,
        devices=parse_device_overrides(device),
        config=parse_pairs(config),
        profiles=profiles,
        is_replacing=replace,
        onto=onto,
        without_volumes=without_volumes,
        in_pieces=session.knows(UPLOADS),
        may_lend=session.knows(IMPORT_EXTENSION),
        on_bytes=session.transfer(f"Sending {title}"),
        identities=load_identities(identity) if identity else (),
    )
    session.wait(operation, f"Importing {title}")
    tell_of_lost_undo(operation)
    made = operation.names("instances")[0]
    if start:
        _start(session, made)
    if sys.stdout.isatty():
        session.say(f"Imported {made}")


def _start(session: Session, name: str) -> None:
    """Start it, unless an instance that ran was replaced: that runs again already."""
    if session.client.instances.get(name)["status"] == "Stopped":
        session.wait(session.client.instances.change_state(name, "start"), f"Starting {name}")
