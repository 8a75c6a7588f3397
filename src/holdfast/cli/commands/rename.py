"""`holdfast rename`: an instance or a snapshot."""

from __future__ import annotations

import click

from holdfast.cli.groups import command
from holdfast.cli.references import INSTANCE_OR_SNAPSHOT, InstanceReference
from holdfast.cli.session import Session, pass_session


@command(
    "rename",
    "Rename a stopped instance, or a snapshot.",
    examples=("holdfast rename web www", "holdfast rename web/snap0 web/before-upgrade"),
)
@click.argument("source", type=INSTANCE_OR_SNAPSHOT)
@click.argument("target", type=INSTANCE_OR_SNAPSHOT)
@pass_session
def rename(session: Session, source: InstanceReference, target: InstanceReference) -> None:
    rename_to(session, source, target)


def rename_to(session: Session, source: InstanceReference, target: InstanceReference) -> None:
    """Rename an instance, or a snapshot within its instance."""
    if bool(source.snapshot) != bool(target.snapshot):
        raise click.UsageError("An instance cannot become a snapshot, nor a snapshot an instance; see `copy`")
    if not source.snapshot:
        session.wait(session.client.instances.rename(source.name, target.name), f"Renaming {source}")
        return
    if source.name != target.name:
        raise click.UsageError("A snapshot stays with its instance; `copy` makes an instance of it")
    operation = session.client.snapshots.rename(source.name, source.snapshot, target.snapshot)
    session.wait(operation, f"Renaming {source}")
