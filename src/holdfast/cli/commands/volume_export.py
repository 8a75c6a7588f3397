"""`holdfast storage volume export` and `import`."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

import click

from holdfast.cli.commands.volume_references import VOLUME, VolumeReference
from holdfast.cli.export_ways import Choices, export_options, export_to
from holdfast.cli.groups import command
from holdfast.cli.import_sources import identity_option, source_and_name
from holdfast.cli.references import NAME
from holdfast.cli.session import Session, pass_session
from holdfast.client.encryption import load_identities
from holdfast.client.lending import IMPORT_EXTENSION
from holdfast.client.owners import VolumeName
from holdfast.client.uploads import EXTENSION as UPLOADS


@command(
    "export",
    "Save a custom volume with its snapshots to one file, or write it to standard output (-). The file appears whole "
    "or not at all, and an existing one is replaced only by a whole one. Nothing is kept on the server.",
    examples=(
        "holdfast storage volume export default data             # data.tar.gz here",
        "holdfast storage volume export default data /backups/data.tar.zst --compression zstd",
        "holdfast storage volume export default data data.tar --compression none --volume-only",
        "holdfast storage volume export default data --snapshot before-upgrade --exclude '*.log'",
        "holdfast storage volume export default data --encrypt recipients.txt",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@click.argument("target", default="", required=False, metavar="[FILE|-]")
@click.option("--volume-only", is_flag=True, help="Without snapshots")
@export_options
@pass_session
def export(
    session: Session, /, pool: str, volume: VolumeReference, target: str, volume_only: bool, **choices: Unpack[Choices]
) -> None:
    owner = VolumeName(pool, volume.require_custom(word="export"))
    export_to(session, owner, target, choices, is_alone=volume_only)


@command(
    "import",
    "Make a custom volume of an export file, under its own name or another. The file is checked first, and the volume "
    "appears when it is whole. A transfer that breaks goes on where it was.",
    examples=(
        "holdfast storage volume import default data.tar.gz",
        "holdfast storage volume import fast data.tar.gz data-restored",
        "holdfast storage volume import default data.tar.gz.age --identity key.txt",
        "ssh backup cat data.tar.gz | holdfast storage volume import default -",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("words", nargs=-1, required=True, metavar="FILE|- [NAME]")
@identity_option
@pass_session
def import_volume(session: Session, pool: str, words: tuple[str, ...], identity: Path | None) -> None:
    source, title, name = source_and_name(words)
    operation = session.client.backups.import_volume(
        source,
        pool,
        name=name,
        in_pieces=session.knows(UPLOADS),
        may_lend=session.knows(IMPORT_EXTENSION),
        on_bytes=session.transfer(f"Sending {title}"),
        identities=load_identities(identity) if identity else (),
    )
    session.wait(operation, f"Importing {title}")
    session.say(f"Imported {operation.names('storage_volumes')[0]} to pool {pool}")
