"""`holdfast snapshot create` and `holdfast restore`."""

from __future__ import annotations

import re
from functools import partial

import click

from holdfast.cli.extensions import require_extension
from holdfast.cli.groups import command
from holdfast.cli.references import INSTANCE, InstanceReference
from holdfast.cli.session import Session, pass_session
from holdfast.cli.snapshot_replacement import Replacement
from holdfast.cli.undo import tell_of_lost_undo
from holdfast.cli.units import future_time
from holdfast.client.instances import NEVER
from holdfast.client.operations import RunningOperation

disk_volumes_option = click.option(
    "--disk-volumes",
    type=click.Choice(["root", "all-exclusive"]),
    default="root",
    show_default=True,
    help="The root disk alone, or with it all attached volumes that no other instance uses",
)
_DATE = re.compile(r"\d{4}-", re.ASCII)
_EXPRESSION = re.compile(r"\d+[SMHdwmy]( \d+[SMHdwmy])*", re.ASCII)


@command(
    "create",
    "Take a snapshot of an instance, running or stopped. Without a name, `snapshots.pattern` gives one (snap0, …). "
    "`create` need not be said.",
    examples=(
        "holdfast snapshot web",
        "holdfast snapshot web before-upgrade --description 'the last one with PHP 7'",
        "holdfast snapshot web nightly --reuse       # replace the one of this name",
        "holdfast snapshot web keep --no-expiry      # whatever snapshots.expiry says",
        "holdfast snapshot web all --disk-volumes=all-exclusive     # with the volumes that only web uses",
        "holdfast snapshot web try --expires 2d      # or a time: --expires 2030-01-31T18:00",
        "holdfast snapshot create list               # of an instance called list",
    ),
)
@click.argument("instance", type=INSTANCE)
@click.argument("name", default="", metavar="[NAME]")
@click.option("--no-expiry", is_flag=True, help="Keep it until it is deleted")
@click.option("--expires", metavar="TIME", help="When it goes: a time, or an expression such as `1d 12H`")
@click.option("--description", default="", metavar="TEXT", help="What it is for")
@click.option("--reuse", is_flag=True, help="Replace the snapshot of the same name, once the new one is there")
@click.option("--stateful", is_flag=True, help="Save the running state too")
@disk_volumes_option
@pass_session
def create(
    session: Session,
    instance: InstanceReference,
    name: str,
    no_expiry: bool,
    expires: str | None,
    description: str,
    reuse: bool,
    stateful: bool,
    disk_volumes: str,
) -> None:
    if no_expiry and expires is not None:
        raise click.UsageError("--no-expiry and --expires exclude each other")
    expires_at, expiry = (NEVER, "") if no_expiry else _expiry(expires)
    if description or expiry:
        require_extension(session, "holdfast_snapshot_hold", "descriptions and expressions of expiry")
    snapshots = session.client.snapshots

    def take(chosen: str) -> RunningOperation:
        return snapshots.create(
            instance.name,
            chosen,
            expires_at=expires_at,
            stateful=stateful,
            description=description,
            expiry=expiry,
            disk_volumes=disk_volumes,
        )

    replacement = Replacement(
        owner=instance.name,
        name=name,
        find=partial(snapshots.get, instance.name),
        releasing=f"holdfast snapshot release {instance.name}/{name}",
        take=take,
        rename=partial(snapshots.rename, instance.name),
        delete=partial(snapshots.delete, instance.name),
    )
    if not (reuse and name and replacement.is_needed()):
        session.wait(take(name), f"Taking a snapshot of {instance.name}")
        return
    if disk_volumes == "root":
        replacement.carry_out(session)
    else:
        replacement.carry_out_aside(session)


def _expiry(text: str | None) -> tuple[str | None, str]:
    """Return what is meant, as a time for the API or as an expression; a time without a zone is local."""
    if text is None:
        return None, ""
    if not _DATE.match(text):
        if not _EXPRESSION.fullmatch(text):
            raise click.UsageError(f'"{text}" is neither a time (2030-01-31T18:00) nor an expression (1d 12H)')
        if not re.search(r"[1-9]", text):
            raise click.UsageError(f'"{text}" is no time at all: the snapshot would go at once')
        return None, text
    return future_time(text), ""


@command(
    "restore",
    "Put an instance back to a snapshot; other snapshots stay. What it was before is kept for a day (`snapshots.undo`) "
    "and comes back by --undo; of a restore together with volumes nothing is kept. A running instance is stopped for "
    "it and started again.",
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
        if name or stateful or disk_volumes != "root" or (undo and forget):
            raise click.UsageError("--undo and --forget take an INSTANCE and nothing else")
        reference = INSTANCE.convert(instance, None, None)
        if forget:
            session.client.instances.forget_undo(reference.name)
        else:
            undoing = session.client.instances.undo(reference.name)
            _wait_for_restore(session, undoing, f"Undoing the restore of {reference.name}")
        return
    whole = f"{instance}/{name}" if name else instance
    target, _, snapshot_name = whole.partition("/")
    if not snapshot_name:
        raise click.UsageError("Give INSTANCE SNAPSHOT")
    reference = INSTANCE.convert(target, None, None)
    operation = session.client.instances.restore(
        reference.name, snapshot_name, stateful=stateful, disk_volumes=disk_volumes
    )
    _wait_for_restore(session, operation, f"Restoring {reference.name}")


def _wait_for_restore(session: Session, operation: RunningOperation, title: str) -> None:
    session.wait(operation, title)
    tell_of_lost_undo(operation)
