"""`holdfast export`: an instance as one file."""

from __future__ import annotations

from typing import Unpack

import click

from holdfast.cli.export_ways import Choices, export_options, export_to
from holdfast.cli.groups import command
from holdfast.cli.references import INSTANCE, InstanceReference
from holdfast.cli.session import Session, pass_session


@command(
    "export",
    "Save an instance with its snapshots to one file, or write it to standard output (-). The file appears whole or "
    "not at all, and an existing one is replaced only by a whole one. Nothing is kept on the server.",
    examples=(
        "holdfast export web                                  # web.tar.gz here",
        "holdfast export web /backups/web.tar.zst --compression zstd",
        "holdfast export web web.tar --compression none --instance-only",
        "holdfast export web --with-volumes                   # the custom volumes that it shows, too",
        "holdfast export web --since monday                   # web-since-monday.tar.gz: only what is newer",
        "holdfast export web --snapshot before-upgrade --exclude /var/cache/ --exclude '*.log'",
        "holdfast export web --encrypt recipients.txt         # web.tar.gz.age",
        "holdfast export web - --bwlimit 5MiB | ssh backup 'cat > web.tar.gz'",
        "holdfast export web --manifest                       # web.tar.gz.manifest, for sha256sum and backup verify",
    ),
)
@click.argument("instance", type=INSTANCE)
@click.argument("target", default="", required=False, metavar="[FILE|-]")
@click.option("--instance-only", is_flag=True, help="Without snapshots")
@click.option("--with-volumes", is_flag=True, help="With the custom volumes that are attached to it")
@click.option("--since", default="", metavar="SNAPSHOT", help="Only the difference to this snapshot (btrfs)")
@export_options
@pass_session
def export(
    session: Session,
    /,
    instance: InstanceReference,
    target: str,
    instance_only: bool,
    with_volumes: bool,
    since: str,
    **choices: Unpack[Choices],
) -> None:
    export_to(session, instance.name, target, choices, is_alone=instance_only, with_volumes=with_volumes, since=since)
