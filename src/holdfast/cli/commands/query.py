"""`holdfast query`: the API as it stands."""

from __future__ import annotations

import string
import sys
from typing import cast
from urllib.parse import quote

import click

from holdfast.cli.groups import command
from holdfast.cli.references import strip_remote
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import json_text
from holdfast.client.shapes import Operation

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@command(
    "query",
    "Send a request to the API and print the answer.",
    examples=(
        "holdfast query /1.0/instances",
        "holdfast query '/1.0/instances?recursion=1' | jq '.[].status'",
        "holdfast query -X DELETE --wait /1.0/instances/web",
        'holdfast query -X POST --wait -d \'{"name": "s1"}\' /1.0/instances/web/snapshots',
    ),
)
@click.argument("path")
@click.option(
    "-X",
    "--request",
    "method",
    default="GET",
    help="Method",
    type=click.Choice(METHODS, case_sensitive=False),
    show_default=True,
)
@click.option("-d", "--data", default=None, help="JSON to send; - reads it from standard input")
@click.option("--wait", "is_waiting", is_flag=True, help="Wait until background work has ended")
@click.option("--raw", is_flag=True, help="Print the answer as it came")
@pass_session
def query(session: Session, path: str, method: str, data: str | None, is_waiting: bool, raw: bool) -> None:
    target = quote(
        strip_remote(path), safe=string.punctuation, errors="surrogateescape"
    )  # what a request can't hold as it stands
    if not target:
        raise click.UsageError("The path is missing, such as /1.0/instances")
    if not target.startswith("/"):
        raise click.UsageError(f'The path must begin with "/": /{target}')
    connection = session.client.connection
    content = None
    headers = {}
    if data is not None:
        content = sys.stdin.buffer.read() if data == "-" else data.encode()
        headers["Content-Type"] = "application/json"
    answer = connection.open(method, target, content=content, headers=headers)
    if raw or answer.headers.get_content_type() != "application/json":
        with answer:
            while chunk := answer.read(65536):
                sys.stdout.buffer.write(chunk)
        return
    from holdfast.client.connection import decode_answer
    from holdfast.client.operations import RunningOperation

    decoded = decode_answer(answer, f"{method} {target}")
    metadata = decoded.metadata
    if is_waiting and decoded.operation_url:
        operation = RunningOperation(connection, cast(Operation, metadata))
        metadata = session.wait(operation, "Waiting")
    if metadata not in (None, {}):
        click.echo(json_text(metadata, indent="\t"))
