"""`holdfast start`, `stop`, `restart` and `pause`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import click

from holdfast.cli.groups import command
from holdfast.cli.references import INSTANCE, InstanceReference
from holdfast.cli.session import Session, pass_session
from holdfast.client.errors import ClientError
from holdfast.client.instances import Action

Function = TypeVar("Function", bound=Callable[..., object])


def _targets(function: Function) -> Function:
    function = click.option("--all", "is_all", is_flag=True, help="All instances of the project")(function)
    return click.argument("instances", nargs=-1, type=INSTANCE, metavar="INSTANCE...")(function)


def _timeout_option(function: Function) -> Function:
    """Add `--timeout` with the numbers that the API takes."""
    text = "Wait as long for a clean end; 0 kills at once, -1 waits for ever  [default: -1]"
    option = click.option("--timeout", type=click.IntRange(min=-1), default=-1, metavar="SECONDS", help=text)
    return option(function)


@command(
    "start",
    "Start instances that are stopped, and thaw those that are frozen.",
    examples=("holdfast start web", "holdfast start web db cache", "holdfast start --all"),
)
@_targets
@click.option("--console", is_flag=True, help="Attach to the console at once")
@click.option("--stateless", is_flag=True, help="Ignore a saved state")
@pass_session
def start(
    session: Session, instances: tuple[InstanceReference, ...], is_all: bool, console: bool, stateless: bool
) -> None:
    if console and (is_all or len(instances) != 1):
        raise click.UsageError("--console takes exactly one instance")
    wanted = _wanted(session, instances, is_all=is_all, skip=("Running",))

    def begin(name: str) -> None:
        found = session.client.instances.get(name)
        action: Action = "unfreeze" if found["status"] == "Frozen" else "start"
        is_stateful = found["stateful"] and not stateless
        session.wait(session.client.instances.change_state(name, action, stateful=is_stateful), f"Starting {name}")

    _for_each(wanted, begin, "start")
    if console:
        from holdfast.cli.commands.console import attach

        attach(session, wanted[0])


@command(
    "stop",
    "Shut instances down, and wait until they are. With --timeout the wait ends; with --force they are killed.",
    examples=("holdfast stop web", "holdfast stop web --timeout 30", "holdfast stop --all --force"),
)
@_targets
@click.option("-f", "--force", is_flag=True, help="Kill, don't ask the system inside to shut down")
@click.option("--stateful", is_flag=True, help="Save the running state")
@_timeout_option
@pass_session
def stop(
    session: Session,
    instances: tuple[InstanceReference, ...],
    is_all: bool,
    force: bool,
    stateful: bool,
    timeout: int,
) -> None:
    wanted = _wanted(session, instances, is_all=is_all, skip=("Stopped",))

    def begin(name: str) -> None:
        operation = session.client.instances.change_state(
            name, "stop", timeout_s=timeout, force=force, stateful=stateful
        )
        session.wait(operation, f"Stopping {name}")

    _for_each(wanted, begin, "stop")


@command(
    "restart",
    "Stop instances and start them again.",
    examples=("holdfast restart web", "holdfast restart web --force"),
)
@_targets
@click.option("-f", "--force", is_flag=True, help="Kill, don't ask the system inside to shut down")
@_timeout_option
@pass_session
def restart(
    session: Session, instances: tuple[InstanceReference, ...], is_all: bool, force: bool, timeout: int
) -> None:
    wanted = _wanted(session, instances, is_all=is_all, skip=("Stopped",))

    def begin(name: str) -> None:
        operation = session.client.instances.change_state(name, "restart", timeout_s=timeout, force=force)
        session.wait(operation, f"Restarting {name}")

    _for_each(wanted, begin, "restart")


@command(
    "pause",
    "Freeze instances: their processes stay in memory and get no time. `start` thaws them.",
    examples=("holdfast pause web", "holdfast start web"),
)
@_targets
@pass_session
def pause(session: Session, instances: tuple[InstanceReference, ...], is_all: bool) -> None:
    wanted = _wanted(session, instances, is_all=is_all, skip=("Stopped", "Frozen"))

    def begin(name: str) -> None:
        session.wait(session.client.instances.change_state(name, "freeze"), f"Pausing {name}")

    _for_each(wanted, begin, "pause")


def _wanted(
    session: Session, instances: Sequence[InstanceReference], *, is_all: bool, skip: Sequence[str]
) -> list[str]:
    if is_all and instances:
        raise click.UsageError("Give instances or --all, not both")
    if is_all:
        return [found["name"] for found in session.client.instances.list() if found["status"] not in skip]
    if not instances:
        raise click.UsageError("Give at least one instance, or --all")
    return [instance.name for instance in instances]


def _for_each(names: Sequence[str], begin: Callable[[str], None], verb: str) -> None:
    """Do it for every name; one that fails doesn't keep the others from it."""
    failures: list[str] = []
    for name in names:
        try:
            begin(name)
        except ClientError as error:
            if len(names) == 1:
                raise
            failures.append(f"{name}: {error}")
    if failures:
        raise click.ClickException(f"Could not {verb} {len(failures)} of {len(names)}: {'; '.join(failures)}")
