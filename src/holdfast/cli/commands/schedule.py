"""`holdfast schedule`: when snapshots are made by themselves, and how that went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from holdfast.cli.extensions import require_extension
from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.references import INSTANCE, InstanceReference, remote_argument
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import format_time, natural_key

if TYPE_CHECKING:
    from holdfast.client.shapes import SnapshotSchedule


@command(
    "list",
    "List schedules: what runs next, what ran last and how, and which snapshot goes next. "
    "`snapshot plan` shows the fate of every snapshot of an instance.",
    examples=(
        "holdfast schedule list",
        "holdfast schedule list --all-projects --format csv",
    ),
)
@click.option("--all-projects", is_flag=True, help="Show the schedules of all projects")
@remote_argument
@format_option
@pass_session
def list_schedules(session: Session, all_projects: bool, format_name: str) -> None:
    found = sorted(session.client.schedules.list(all_projects=all_projects), key=_order)
    header = ["INSTANCE", "SCHEDULE", "NEXT", "LAST", "STATE", "NEXT TO GO"]
    rows = [
        [
            each["name"] if each["type"] == "instance" else f"{each['name']} ({each['type']})",
            each["rule"] if each["label"] == "default" else f"{each['label']}: {each['rule']}",
            format_time(each["next_at"] or ""),
            format_time(each["last_success_at"] or ""),
            _state(each),
            _next_to_go(each),
        ]
        for each in found
    ]
    if all_projects:
        header = ["PROJECT", *header]
        rows = [[each["project"], *row] for each, row in zip(found, rows, strict=True)]
    click.echo(render(format_name, header, rows, found), nl=False)


def _order(each: SnapshotSchedule) -> tuple[object, ...]:
    return each["project"], each["type"], natural_key(each["name"])


def _state(each: SnapshotSchedule) -> str:
    if each["status"] != "failing":
        return each["status"].upper()
    return f"FAILING ({each['failures']}): {each['error']}"


def _next_to_go(each: SnapshotSchedule) -> str:
    removal = each["next_removal"]
    if removal is None:
        return ""
    return f"{removal['name']} at {format_time(removal['goes_at'])} ({removal['reason']})"


@command(
    "preview",
    "Show what a schedule would do, before it is set: its next runs, the name of the next snapshot and when that goes, "
    "and what would become of the snapshots that are there. What isn't given is as if it were not set.",
    examples=(
        "holdfast schedule preview web '30 3 * * *'",
        "holdfast schedule preview web @daily --keep daily=7,weekly=4 --pattern 'auto-%d' --expiry 4w",
        "holdfast schedule preview web '0 * * * *' --count 24",
    ),
)
@click.argument("instance", type=INSTANCE)
@click.argument("rule", metavar="SCHEDULE")
@click.option("--pattern", default="", metavar="PATTERN", help="As snapshots.pattern")
@click.option("--keep", default="", metavar="RULES", help="As snapshots.keep")
@click.option("--expiry", default="", metavar="EXPIRY", help="As snapshots.expiry")
@click.option("--count", type=click.IntRange(1, 100), default=5, show_default=True, metavar="N", help="How many runs")
@pass_session
def preview(
    session: Session, instance: InstanceReference, rule: str, pattern: str, keep: str, expiry: str, count: int
) -> None:
    require_extension(session, "holdfast_schedule_preview", "previews of schedules")
    found = session.client.schedules.preview(
        instance.name, rule, pattern=pattern, keep=keep, expiry=expiry, count=count
    )
    wrong = [f"{field}: {error}" for field, error in found["errors"].items() if error]
    if wrong:
        raise click.ClickException("; ".join(wrong))
    click.echo("Next runs:  " + ("\n            ".join(map(format_time, found["next"])) or "none by time"))
    goes = f", until {format_time(found['expires_at'])}" if found["expires_at"] else ""
    click.echo(f"Next name:  {found['name']}{goes}")
    for each in found["kept"]:
        click.echo(f"{'Kept' if each['kept'] else 'Would go'}: {each['name']} ({each['reason']})")


schedule = Group(
    "schedule",
    "See when snapshots are made by themselves.",
    {
        "list": Entry(__name__, "list_schedules", "List schedules"),
        "preview": Entry(__name__, "preview", "Show what a schedule would do"),
    },
    examples=("holdfast config set web snapshots.schedule @daily", "holdfast schedule list"),
)
