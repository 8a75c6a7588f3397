"""`holdfast storage volume snapshot`, `restore`, `hold` and `release`."""

from __future__ import annotations

from functools import partial

import click

from holdfast.cli.commands.snapshot_group import HOLDS
from holdfast.cli.commands.volume_references import VOLUME, VolumeReference
from holdfast.cli.extensions import require_extension
from holdfast.cli.groups import command
from holdfast.cli.naming import about
from holdfast.cli.references import NAME
from holdfast.cli.session import Session, pass_session
from holdfast.cli.snapshot_replacement import Replacement
from holdfast.client.instances import NEVER
from holdfast.client.operations import RunningOperation


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
@click.option("--reuse", is_flag=True, help="Replace the snapshot of the same name, once the new one is there")
@click.option("--description", default="", metavar="TEXT", help="Why it was taken")
@pass_session
def snapshot(
    session: Session, pool: str, volume: VolumeReference, name: str, no_expiry: bool, reuse: bool, description: str
) -> None:
    owner, volumes = volume.require_custom(), session.client.volumes
    expires_at = NEVER if no_expiry else None

    def take(chosen: str) -> RunningOperation:
        return volumes.take_snapshot(pool, owner, chosen, expires_at=expires_at, description=description)

    replacement = Replacement(
        owner=owner,
        name=name,
        find=partial(volumes.snapshot, pool, owner),
        releasing=f"holdfast storage volume release {pool} {owner}/{name}",
        take=take,
        rename=partial(volumes.rename_snapshot, pool, owner),
        delete=partial(volumes.delete_snapshot, pool, owner),
    )
    if reuse and name and replacement.is_needed():
        replacement.carry_out(session)
        return
    session.wait(take(name), f"Taking a snapshot of {owner}")


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


@command(
    "hold",
    "Hold snapshots of volumes: nothing removes them, nor their volume, until they are released.",
    examples=(
        "holdfast storage volume hold default data/before-upgrade",
        "holdfast storage volume hold default data/snap0 files/snap0",
    ),
)
@click.argument("pool", type=NAME)
@click.argument("targets", nargs=-1, required=True, type=VOLUME, metavar="VOLUME/SNAPSHOT...")
@pass_session
def hold(session: Session, pool: str, targets: tuple[VolumeReference, ...]) -> None:
    _mark(session, pool, targets, is_held=True)


@command(
    "release",
    "Release held snapshots of volumes: they expire and can be deleted as any other.",
    examples=("holdfast storage volume release default data/before-upgrade",),
)
@click.argument("pool", type=NAME)
@click.argument("targets", nargs=-1, required=True, type=VOLUME, metavar="VOLUME/SNAPSHOT...")
@pass_session
def release(session: Session, pool: str, targets: tuple[VolumeReference, ...]) -> None:
    _mark(session, pool, targets, is_held=False)


def _mark(session: Session, pool: str, targets: tuple[VolumeReference, ...], *, is_held: bool) -> None:
    for target in targets:
        target.require_custom(or_snapshot=True)
        if not target.snapshot:
            raise click.UsageError(f'"{target}" is a volume: give VOLUME/SNAPSHOT')
    require_extension(session, HOLDS, "holds")
    volumes = session.client.volumes
    for target in targets:  # first see that all of them are there: half of it helps nobody
        with about(target):
            volumes.snapshot(pool, target.name, target.snapshot)
    for target in targets:
        volumes.mark_snapshot(pool, target.name, target.snapshot, is_held=is_held)
