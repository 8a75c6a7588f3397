"""`holdfast storage volume snapshot` and `restore`."""

from __future__ import annotations

import click

from holdfast.cli.commands.volume_references import VOLUME, VolumeReference
from holdfast.cli.groups import command
from holdfast.cli.references import NAME
from holdfast.cli.session import Session, pass_session
from holdfast.client.errors import ApiError
from holdfast.client.instances import NEVER


@command(
    "snapshot",
    "Take a snapshot of a volume. Without a name, the volume's `snapshots.pattern` gives one (snap0, …). Instances "
    "that run go on; to take both at one moment see `holdfast snapshot web --disk-volumes=all-exclusive`.",
    examples=(
        "holdfast storage volume snapshot default data",
        "holdfast storage volume snapshot default data before-upgrade --description 'version 3 still'",
        "holdfast storage volume snapshot default data nightly --reuse     # replace the one of this name",
        "holdfast storage volume snapshot default data keep --no-expiry    # whatever snapshots.expiry says",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@click.argument("name", default="", metavar="[NAME]")
@click.option("--no-expiry", is_flag=True, help="Keep it until it is deleted")
@click.option("--reuse", is_flag=True, help="Delete the snapshot of the same name first")
@click.option("--description", default="", metavar="TEXT", help="Why it was taken")
@pass_session
def snapshot(
    session: Session, pool: str, volume: VolumeReference, name: str, no_expiry: bool, reuse: bool, description: str
) -> None:
    owner, volumes = volume.require_custom(), session.client.volumes
    if reuse and name and _exists(session, pool, owner, name):
        session.wait(volumes.delete_snapshot(pool, owner, name), f"Deleting {owner}/{name}")
    expires_at = NEVER if no_expiry else None
    operation = volumes.take_snapshot(pool, owner, name, expires_at=expires_at, description=description)
    session.wait(operation, f"Taking a snapshot of {owner}")


def _exists(session: Session, pool: str, volume: str, name: str) -> bool:
    try:
        session.client.volumes.snapshot(pool, volume, name)
    except ApiError as error:
        if error.status != 404:
            raise
        return False
    return True


@command(
    "restore",
    "Put the content of a volume back to a snapshot; its configuration and other snapshots stay. "
    "No running instance may use it.",
    examples=(
        "holdfast storage volume restore default data before-upgrade",
        "holdfast storage volume restore default data/before-upgrade",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("volume", type=VOLUME)
@click.argument("name", default="", metavar="SNAPSHOT")
@pass_session
def restore(session: Session, pool: str, volume: VolumeReference, name: str) -> None:
    wanted = name or volume.snapshot
    if not wanted:
        raise click.UsageError("Give POOL VOLUME SNAPSHOT")
    session.client.volumes.restore(pool, volume.require_custom(or_snapshot=True), wanted)
