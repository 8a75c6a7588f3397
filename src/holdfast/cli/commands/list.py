"""`holdfast list`: instances as a table."""

from __future__ import annotations

import click

from holdfast.cli.groups import command
from holdfast.cli.instance_columns import COLUMN_HELP, columns_of, needs_full
from holdfast.cli.instance_filters import matches
from holdfast.cli.references import strip_remote
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import natural_key

DEFAULT_COLUMNS = "ns46tS"
FAST_COLUMNS = "nsacPt"


@command(
    "list",
    "List instances. Filters narrow the list: the beginning of a name, a regular expression for the whole name (with ^ "
    "or $ for its beginning or end), KEY=VALUE of the configuration, or type=, status=, architecture=.\n\n"
    "Columns are letters, or configuration keys as KEY[:NAME[:WIDTH]] (a width of -1 shows all of it, one of 0 as much "
    f"as the name has room for): {COLUMN_HELP}.",
    examples=(
        "holdfast list",
        "holdfast list web                       # names that begin with web",
        "holdfast list status=running -c nsPm    # name, state, profiles, memory",
        "holdfast list -c ns,user.owner:OWNER --format csv",
        "holdfast list --format json | jq -r '.[].name'",
    ),
)
@click.argument("filters", nargs=-1)
@click.option("-c", "--columns", default=None, help=f"Columns to show  [default: {DEFAULT_COLUMNS}]")
@click.option("--fast", is_flag=True, help=f"Show what is known without asking the instances ({FAST_COLUMNS})")
@click.option("--all-projects", is_flag=True, help="Show the instances of all projects")
@format_option
@pass_session
def list_instances(
    session: Session, filters: tuple[str, ...], columns: str | None, fast: bool, all_projects: bool, format_name: str
) -> None:
    if fast and columns is not None:
        raise click.UsageError("Give --fast or --columns, not both: --fast is a choice of columns")
    wanted = columns if columns is not None else FAST_COLUMNS if fast else DEFAULT_COLUMNS
    if all_projects and columns is None:
        wanted = "e" + wanted
    shown = columns_of(wanted)
    words = [word for word in map(strip_remote, filters) if word]
    if format_name in ("json", "yaml") or needs_full(wanted):
        instances = list(session.client.instances.list_full(all_projects=all_projects))
    else:
        instances = list(session.client.instances.list_as_full(all_projects=all_projects))
    found = [instance for instance in instances if all(matches(instance, word) for word in words)]
    found.sort(key=lambda instance: (natural_key(instance["project"]), natural_key(instance["name"])))
    rows = [[column.text(instance) for column in shown] for instance in found]
    click.echo(render(format_name, [column.header for column in shown], rows, found), nl=False)
