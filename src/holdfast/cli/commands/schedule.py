"""`holdfast schedule`: when snapshots are made by themselves, and how that went."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.references import remote_argument
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


schedule = Group(
    "schedule",
    "See when snapshots are made by themselves.",
    {"list": Entry(__name__, "list_schedules", "List schedules")},
    examples=("holdfast config set web snapshots.schedule @daily", "holdfast schedule list"),
)
