"""`holdfast snapshot` and `holdfast restore`."""

from __future__ import annotations

import click

from holdfast.cli.groups import command
from holdfast.cli.references import INSTANCE, InstanceReference
from holdfast.cli.session import Session, pass_session
from holdfast.client.errors import ApiError
from holdfast.client.instances import NEVER

disk_volumes_option = click.option(
    "--disk-volumes",
    type=click.Choice(["root", "all-exclusive"]),
    default="root",
    show_default=True,
    help="The root disk alone, or with it all attached volumes that no other instance uses",
)


@command(
    "snapshot",
    "Take a snapshot of an instance, running or stopped. Without a name, `snapshots.pattern` gives one (snap0, …).",
    examples=(
        "holdfast snapshot web",
        "holdfast snapshot web before-upgrade",
        "holdfast snapshot web nightly --reuse       # replace the one of this name",
        "holdfast snapshot web keep --no-expiry      # whatever snapshots.expiry says",
        "holdfast snapshot web all --disk-volumes=all-exclusive     # with the volumes that only web uses",
    ),
)
@click.argument("instance", type=INSTANCE)
@click.argument("name", default="", metavar="[NAME]")
@click.option("--no-expiry", is_flag=True, help="Keep it until it is deleted")
@click.option("--reuse", is_flag=True, help="Delete the snapshot of the same name first")
@click.option("--stateful", is_flag=True, help="Save the running state too")
@disk_volumes_option
@pass_session
def snapshot(
    session: Session,
    instance: InstanceReference,
    name: str,
    no_expiry: bool,
    reuse: bool,
    stateful: bool,
    disk_volumes: str,
) -> None:
    snapshots = session.client.snapshots
    if reuse and name and _exists(session, instance.name, name):
        session.wait(snapshots.delete(instance.name, name), f"Deleting {instance.name}/{name}")
    expires_at = NEVER if no_expiry else None
    operation = snapshots.create(
        instance.name, name, expires_at=expires_at, stateful=stateful, disk_volumes=disk_volumes
    )
    session.wait(operation, f"Taking a snapshot of {instance.name}")


def _exists(session: Session, instance: str, name: str) -> bool:
    try:
        session.client.snapshots.get(instance, name)
    except ApiError as error:
        if error.status != 404:
            raise
        return False
    return True


@command(
    "restore",
    "Put an instance back to a snapshot; other snapshots stay. What it was before is kept for a day (`snapshots.undo`) "
    "and comes back by --undo. A running instance is stopped for it and started again.",
    examples=(
        "holdfast restore web before-upgrade",
        "holdfast restore web/before-upgrade",
        "holdfast restore web --undo             # as it was before the last restore; once more is a redo",
        "holdfast restore web --forget           # give the space of that state back",
        "holdfast restore web all --disk-volumes=all-exclusive     # with the volumes that were taken with it",
    ),
)
@click.argument("instance", metavar="INSTANCE")
@click.argument("name", default="", metavar="[SNAPSHOT]")
@click.option("--stateful", is_flag=True, help="Bring the running state back too, if it was saved")
@click.option("--undo", is_flag=True, help="Take the last restore back")
@click.option("--forget", is_flag=True, help="Remove what an undo would bring back")
@disk_volumes_option
@pass_session
def restore(
    session: Session, instance: str, name: str, stateful: bool, undo: bool, forget: bool, disk_volumes: str
) -> None:
    if undo or forget:
        if name or stateful or (undo and forget):
            raise click.UsageError("--undo and --forget take an INSTANCE and nothing else")
        reference = INSTANCE.convert(instance, None, None)
        if forget:
            session.client.instances.forget_undo(reference.name)
        else:
            session.wait(session.client.instances.undo(reference.name), f"Undoing the restore of {reference.name}")
        return
    whole = f"{instance}/{name}" if name else instance
    target, _, snapshot_name = whole.partition("/")
    if not snapshot_name:
        raise click.UsageError("Give INSTANCE SNAPSHOT")
    reference = INSTANCE.convert(target, None, None)
    operation = session.client.instances.restore(
        reference.name, snapshot_name, stateful=stateful, disk_volumes=disk_volumes
    )
    session.wait(operation, f"Restoring {reference.name}")
