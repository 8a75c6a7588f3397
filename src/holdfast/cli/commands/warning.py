"""`holdfast warning`: what went wrong while nobody asked."""

from __future__ import annotations

import click

from holdfast.cli.groups import OTHER_NAMES, Entry, Group, command
from holdfast.cli.naming import about
from holdfast.cli.references import NAME, remote_argument
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import format_time

_ID = "041e9d1f-cc07-4920-9790-b5dfeeb55c8a"


@command(
    "list",
    "List the warnings that are new. From the default project: those of the whole server.",
    examples=("holdfast warning list", "holdfast warning list --all      # also those seen, and those resolved"),
)
@click.option("-a", "--all", "is_all", is_flag=True, help="Show those that are acknowledged or resolved, too")
@remote_argument
@format_option
@pass_session
def list_warnings(session: Session, is_all: bool, format_name: str) -> None:
    found = sorted(session.client.warnings.list(), key=lambda warning: warning["last_seen_at"])
    shown = [warning for warning in found if is_all or warning["status"] == "new"]
    rows = [
        [
            warning["uuid"],
            warning["type"],
            warning["entity_url"].partition("?")[0].removeprefix("/1.0/"),
            warning["status"].upper(),
            warning["severity"].upper(),
            str(warning["count"]),
            warning["project"],
            format_time(warning["last_seen_at"]),
        ]
        for warning in shown
    ]
    header = ["UUID", "TYPE", "ABOUT", "STATUS", "SEVERITY", "COUNT", "PROJECT", "LAST SEEN"]
    click.echo(render(format_name, header, rows, shown), nl=False)


@command("show", "Show a warning as YAML.", examples=(f"holdfast warning show {_ID}",))
@click.argument("warning_id", type=NAME, metavar="UUID")
@pass_session
def show(session: Session, warning_id: str) -> None:
    from holdfast.cli.yaml_text import to_yaml

    click.echo(to_yaml({**session.client.warnings.get(warning_id)}), nl=False)


@command(
    "acknowledge",
    "Note that warnings have been seen: they leave the list, and last until they are resolved.",
    examples=(f"holdfast warning acknowledge {_ID}", f"holdfast warning ack {_ID}"),
)
@click.argument("warning_ids", nargs=-1, type=NAME, required=True, metavar="UUID...")
@pass_session
def acknowledge(session: Session, warning_ids: tuple[str, ...]) -> None:
    for warning_id in warning_ids:
        with about(warning_id):
            session.client.warnings.acknowledge(warning_id)


@command(
    "delete",
    "Remove warnings. What happens again is told again.",
    examples=(f"holdfast warning delete {_ID}", "holdfast warning delete --all"),
)
@click.argument("warning_ids", nargs=-1, type=NAME, metavar="[UUID...]")
@click.option("-a", "--all", "is_all", is_flag=True, help="Remove all warnings")
@pass_session
def delete(session: Session, warning_ids: tuple[str, ...], is_all: bool) -> None:
    if is_all == bool(warning_ids):
        raise click.UsageError("Give UUIDs or --all")
    for warning_id in warning_ids or [warning["uuid"] for warning in session.client.warnings.list()]:
        with about(warning_id):
            session.client.warnings.delete(warning_id)
        session.say(f"Warning {warning_id} deleted")


warning = Group(
    "warning",
    "List, show and acknowledge warnings: what went wrong while nobody asked, such as a failing schedule.",
    {
        "list": Entry(__name__, "list_warnings", "List warnings"),
        "show": Entry(__name__, "show", "Show a warning as YAML"),
        "acknowledge": Entry(__name__, "acknowledge", "Note that warnings have been seen"),
        "delete": Entry(__name__, "delete", "Remove warnings"),
    },
    other_names={**OTHER_NAMES, "ack": "acknowledge"},
    examples=("holdfast warning list", f"holdfast warning show {_ID}", f"holdfast warning ack {_ID}"),
)
