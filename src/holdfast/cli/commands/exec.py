"""`holdfast exec`: run a command in an instance."""

from __future__ import annotations

import os

import click

from holdfast.cli.groups import Command, command
from holdfast.cli.references import INSTANCE, InstanceReference, parse_pairs
from holdfast.cli.session import Session, pass_session
from holdfast.cli.units import OWNER_ID
from holdfast.client.errors import OperationFailedError

NOT_RUN = {"Command not found": 127, "Command not executable": 126}
"""What servers of LXD's say of a command that could not begin, and the exit codes that shells give for it."""
OPTIONS_WITH_VALUE = ("--env", "--user", "--group", "--cwd", "--mode", "--project")


class ExecCommand(Command):
    """Options end where the command inside begins, so that `exec web ls -la` needs no `--`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, with_end_of_options(args))


def with_end_of_options(arguments: list[str]) -> list[str]:
    """Return the arguments with a `--` before the second word that is no option."""
    words = 0
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        if argument == "--":
            return arguments
        if not argument.startswith("-") or argument == "-":
            words += 1
            if words == 2:
                return [*arguments[:position], "--", *arguments[position:]]
        position += 2 if argument in OPTIONS_WITH_VALUE else 1
    return arguments


@command(
    "exec",
    "Run a command in a running instance; the exit code is the command's. No shell is between: for pipes and variables "
    "run `sh -c`. A terminal is given when standard input and output are terminals.",
    cls=ExecCommand,
    examples=(
        "holdfast exec web -- bash",
        "holdfast exec web -- sh -c 'cd /srv && ls | wc -l'",
        "tar -c site | holdfast exec web -- tar -x -C /srv",
        "holdfast exec web --user 1000 --cwd /tmp --env LANG=C.UTF-8 -- id",
    ),
)
@click.argument("instance", type=INSTANCE)
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[--] COMMAND...")
@click.option("--env", multiple=True, metavar="KEY=VALUE", help="Set an environment variable")
@click.option("--user", type=OWNER_ID, default=0, metavar="UID", help="Run as this user id")
@click.option("--group", type=OWNER_ID, default=0, metavar="GID", help="Run as this group id")
@click.option("--cwd", default="", metavar="DIRECTORY", help="Run in this directory")
@click.option("-n", "--disable-stdin", is_flag=True, help="Read nothing from standard input")
@click.option("-t", "--force-interactive", is_flag=True, help="Give it a terminal")
@click.option("-T", "--force-noninteractive", is_flag=True, help="Give it no terminal")
@click.option("--mode", type=click.Choice(["auto", "interactive", "non-interactive"]), default="auto", help="Terminal")
@pass_session
def exec_command(
    session: Session,
    instance: InstanceReference,
    words: tuple[str, ...],
    env: tuple[str, ...],
    user: int,
    group: int,
    cwd: str,
    disable_stdin: bool,
    force_interactive: bool,
    force_noninteractive: bool,
    mode: str,
) -> None:
    from holdfast.cli.terminal import passing_signals, raw_mode, size_of
    from holdfast.client.sessions import Command as Inside
    from holdfast.client.sessions import Streams

    if force_interactive and force_noninteractive:
        raise click.UsageError("Give -t or -T, not both")
    if mode != "auto" and (force_interactive or force_noninteractive):
        raise click.UsageError(f"Give {'-t' if force_interactive else '-T'} or --mode {mode}, not both")
    is_forced = force_interactive or mode == "interactive"
    is_refused = force_noninteractive or mode == "non-interactive" or disable_stdin
    has_terminal = is_forced or (not is_refused and os.isatty(0) and os.isatty(1))
    environment = parse_pairs(env)
    if has_terminal and "TERM" in os.environ:
        environment.setdefault("TERM", os.environ["TERM"])
    size = size_of(1) if has_terminal else None
    inside = session.client.run(instance.name, Inside(words, environment, user, group, cwd, size))
    with passing_signals(inside, has_terminal=has_terminal), raw_mode(0 if has_terminal else -1):
        try:
            code = inside.run(Streams(None if disable_stdin else 0, 1, 2))
        except OperationFailedError as error:
            if str(error) not in NOT_RUN:
                raise
            click.echo(f"Error: {error}", err=True)
            code = NOT_RUN[str(error)]
    click.get_current_context().exit(code)
