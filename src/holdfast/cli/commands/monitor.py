"""`holdfast monitor`: what happens on the server, as it happens."""

from __future__ import annotations

from contextlib import suppress

import click

from holdfast.cli.groups import command
from holdfast.cli.references import remote_argument
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import json_text
from holdfast.client.shapes import Event

TYPES = ("operation", "lifecycle", "logging")
FORMATS = ("json", "pretty", "yaml")
LEVELS = ("trace", "debug", "info", "warning", "error", "fatal", "panic")


@command(
    "monitor",
    "Show what happens on the server until it is interrupted: operations, lifecycle of things, log messages.",
    examples=(
        "holdfast monitor --pretty",
        "holdfast monitor --type lifecycle --format json | jq .metadata.action",
    ),
)
@remote_argument
@click.option("--type", "types", multiple=True, type=click.Choice(TYPES), help="Only these (may be repeated)")
@click.option("-f", "--format", "format_name", type=click.Choice(FORMATS), help="[default: yaml]")
@click.option("--pretty", is_flag=True, help="Short for --format pretty")
@click.option("--loglevel", type=click.Choice(LEVELS), default="trace", help="Least level of log messages")
@click.option("--all-projects", is_flag=True, help="Show the events of all projects")
@pass_session
def monitor(
    session: Session,
    types: tuple[str, ...],
    format_name: str | None,
    pretty: bool,
    loglevel: str,
    all_projects: bool,
) -> None:
    if pretty and format_name not in (None, "pretty"):
        raise click.UsageError(f"Give --pretty or --format {format_name}, not both")
    wanted = "pretty" if pretty else format_name or "yaml"
    least = LEVELS.index(loglevel)
    with suppress(KeyboardInterrupt):  # that is how it ends
        for event in session.client.events.listen(types, all_projects=all_projects):
            level = str(event["metadata"].get("level", ""))
            if event["type"] == "logging" and level in LEVELS and LEVELS.index(level) < least:
                continue
            click.echo(event_text(event, wanted), nl=False)


def event_text(event: Event, format_name: str) -> str:
    """Return an event as it is printed, with its line end."""
    if format_name == "json":
        return json_text(event) + "\n"
    if format_name == "yaml":
        from holdfast.cli.yaml_text import to_yaml

        return to_yaml({**event}) + "\n\n"
    metadata = event["metadata"]
    if event["type"] == "operation":
        said = f"{metadata.get('id')}: {metadata.get('description')}: {metadata.get('status')}"
    elif event["type"] == "lifecycle":
        said = f"{metadata.get('action')} {metadata.get('source')}"
    else:
        context = metadata.get("context")
        more = " ".join(f"{key}={value}" for key, value in context.items()) if isinstance(context, dict) else ""
        said = f"{str(metadata.get('level', '')).upper()} {metadata.get('message')} {more}".rstrip()
    line = f"{event['timestamp']} [{event['type']}] {said}"
    return "".join(letter if letter.isprintable() else "?" for letter in line) + "\n"
