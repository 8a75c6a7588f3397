"""`holdfast operation`: background work."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import click

from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.references import NAME, remote_argument
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import format_time, yes_or_no
from holdfast.client.shapes import Operation


@command("list", "List background work, running and just ended.", examples=("holdfast operation list",))
@click.option("--all-projects", is_flag=True, help="Show the operations of all projects")
@remote_argument
@format_option
@pass_session
def list_operations(session: Session, all_projects: bool, format_name: str) -> None:
    found = sorted(
        session.client.operations.list(all_projects=all_projects), key=lambda operation: operation["created_at"]
    )
    rows = [
        [
            operation["id"],
            str({**operation}.get("class", "")).upper(),
            operation["description"],
            operation["status"].upper(),
            yes_or_no(operation["may_cancel"]),
            format_time(operation["created_at"]),
        ]
        for operation in found
    ]
    header = ["ID", "TYPE", "DESCRIPTION", "STATUS", "CANCELABLE", "CREATED"]
    if all_projects:
        header = ["PROJECT", *header]
        rows = [[project_of(operation), *row] for operation, row in zip(found, rows, strict=True)]
    click.echo(render(format_name, header, rows, found), nl=False)


def project_of(operation: Operation) -> str:
    """Return the project of what an operation works on, as the addresses of that tell; "" where it is about nothing."""
    urls = [url for listed in (operation["resources"] or {}).values() for url in listed]
    named = [name for url in urls for name in parse_qs(urlsplit(url).query).get("project", ())]
    return named[0] if named else "default" if urls else ""


@command(
    "show", "Show an operation as YAML.", examples=("holdfast operation show 041e9d1f-cc07-4920-9790-b5dfeeb55c8a",)
)
@click.argument("operation_id", type=NAME, metavar="ID")
@pass_session
def show(session: Session, operation_id: str) -> None:
    from holdfast.cli.yaml_text import to_yaml

    click.echo(to_yaml({**session.client.operations.get(operation_id)}), nl=False)


@command(
    "delete", "Cancel background work.", examples=("holdfast operation delete 041e9d1f-cc07-4920-9790-b5dfeeb55c8a",)
)
@click.argument("operation_id", type=NAME, metavar="ID")
@pass_session
def delete(session: Session, operation_id: str) -> None:
    session.client.operations.cancel(operation_id)
    session.say(f"Operation {operation_id} deleted")


operation = Group(
    "operation",
    "List, show and cancel background work.",
    {
        "list": Entry(__name__, "list_operations", "List background work"),
        "show": Entry(__name__, "show", "Show an operation as YAML"),
        "delete": Entry(__name__, "delete", "Cancel background work"),
    },
    examples=("holdfast operation list", "holdfast operation delete 94f80cba-98a7-45b3-8269-bfb1b0c9bae9"),
)
