"""`holdfast snapshot`: the snapshots of an instance taken, listed, explained, held and released."""

from __future__ import annotations

import click

from holdfast.cli.extensions import require_extension
from holdfast.cli.groups import Entry, command
from holdfast.cli.implied import ImpliedGroup
from holdfast.cli.naming import about
from holdfast.cli.references import INSTANCE, INSTANCE_OR_SNAPSHOT, InstanceReference
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import format_time, yes_or_no

HOLDS = "holdfast_snapshot_hold"


@command("list", "List the snapshots of an instance, oldest first.", examples=("holdfast snapshot list web",))
@click.argument("instance", type=INSTANCE)
@format_option
@pass_session
def list_snapshots(session: Session, instance: InstanceReference, format_name: str) -> None:
    found = session.client.snapshots.list(instance.name)
    rows = [
        [
            snapshot["name"],
            format_time(snapshot["created_at"]),
            format_time(snapshot["expires_at"]),
            yes_or_no(snapshot.get("held", False)),
            snapshot.get("schedule", ""),
            snapshot.get("description", ""),
        ]
        for snapshot in found
    ]
    header = ["NAME", "TAKEN AT", "EXPIRES AT", "HELD", "SCHEDULE", "DESCRIPTION"]
    click.echo(render(format_name, header, rows, found), nl=False)


@command("show", "Show all about a snapshot as YAML.", examples=("holdfast snapshot show web/before-upgrade",))
@click.argument("target", type=INSTANCE_OR_SNAPSHOT, metavar="INSTANCE/SNAPSHOT")
@pass_session
def show(session: Session, target: InstanceReference) -> None:
    from holdfast.cli.yaml_text import to_yaml

    _require_snapshots((target,))
    click.echo(to_yaml({**session.client.snapshots.get(target.name, target.snapshot)}), nl=False)


@command(
    "plan",
    "Explain for every snapshot of an instance why it is kept or when it goes. Nothing is changed.",
    examples=("holdfast snapshot plan web",),
)
@click.argument("instance", type=INSTANCE)
@format_option
@pass_session
def plan(session: Session, instance: InstanceReference, format_name: str) -> None:
    found = session.client.snapshots.plan(instance.name)
    rows = [
        [
            each["name"],
            format_time(each["created_at"]),
            each["schedule"],
            yes_or_no(each["kept"]),
            format_time(each["goes_at"] or ""),
            each["reason"],
        ]
        for each in found
    ]
    header = ["NAME", "TAKEN AT", "SCHEDULE", "KEPT", "GOES AT", "WHY"]
    click.echo(render(format_name, header, rows, found), nl=False)


@command(
    "hold",
    "Hold snapshots: nothing removes them, nor their instance, until they are released.",
    examples=("holdfast snapshot hold web/before-upgrade", "holdfast snapshot hold web/snap0 db/snap0"),
)
@click.argument("targets", nargs=-1, required=True, type=INSTANCE_OR_SNAPSHOT, metavar="INSTANCE/SNAPSHOT...")
@pass_session
def hold(session: Session, targets: tuple[InstanceReference, ...]) -> None:
    _mark(session, targets, is_held=True)


@command(
    "release",
    "Release held snapshots: they expire and can be deleted as any other.",
    examples=("holdfast snapshot release web/before-upgrade", "holdfast snapshot release web/snap0 db/snap0"),
)
@click.argument("targets", nargs=-1, required=True, type=INSTANCE_OR_SNAPSHOT, metavar="INSTANCE/SNAPSHOT...")
@pass_session
def release(session: Session, targets: tuple[InstanceReference, ...]) -> None:
    _mark(session, targets, is_held=False)


def _mark(session: Session, targets: tuple[InstanceReference, ...], *, is_held: bool) -> None:
    _require_snapshots(targets)
    require_extension(session, HOLDS, "holds")
    snapshots = session.client.snapshots
    for target in targets:  # first see that all of them are there: half of it helps nobody
        with about(target):
            snapshots.get(target.name, target.snapshot)
    for target in targets:
        operation = snapshots.update(target.name, target.snapshot, {"held": is_held})
        session.wait(operation, f"{'Holding' if is_held else 'Releasing'} {target}")


def _require_snapshots(targets: tuple[InstanceReference, ...]) -> None:
    for target in targets:
        if not target.snapshot:
            raise click.UsageError(f'"{target}" is an instance: give INSTANCE/SNAPSHOT')


snapshot = ImpliedGroup(
    "snapshot",
    "Take, list, explain, compare, hold and release snapshots of an instance.\n\n"
    "A first word that is none of the commands below is an instance, of which a snapshot is taken: "
    "`holdfast snapshot web` is `holdfast snapshot create web`. An instance named like one of them is reached by "
    "`holdfast snapshot create plan`.",
    {
        "create": Entry("holdfast.cli.commands.snapshot", "create", "Take a snapshot (need not be said)"),
        "list": Entry(__name__, "list_snapshots", "List the snapshots of an instance"),
        "show": Entry(__name__, "show", "Show all about a snapshot as YAML"),
        "plan": Entry(__name__, "plan", "Explain why snapshots are kept, and when they go"),
        "diff": Entry("holdfast.cli.commands.diff", "diff_instance", "Show what has changed since, or between two"),
        "hold": Entry(__name__, "hold", "Hold snapshots: nothing removes them"),
        "release": Entry(__name__, "release", "Release held snapshots"),
    },
    implied="create",
    examples=(
        "holdfast snapshot web before-upgrade",
        "holdfast snapshot list web",
        "holdfast snapshot hold web/before-upgrade",
        "holdfast snapshot create plan          # of an instance called plan",
    ),
)
