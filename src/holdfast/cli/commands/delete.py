"""`holdfast delete`: instances and snapshots."""

from __future__ import annotations

import click

from holdfast.cli.groups import command
from holdfast.cli.naming import about
from holdfast.cli.references import INSTANCE_OR_SNAPSHOT, InstanceReference
from holdfast.cli.session import Session, pass_session


@command(
    "delete",
    "Delete instances with their snapshots and backups, or single snapshots. A running instance needs --force.",
    examples=("holdfast delete web", "holdfast delete web/before-upgrade", "holdfast delete --force web db"),
)
@click.argument("targets", nargs=-1, required=True, type=INSTANCE_OR_SNAPSHOT, metavar="INSTANCE[/SNAPSHOT]...")
@click.option("-f", "--force", is_flag=True, help="Kill running instances first")
@click.option("-i", "--interactive", is_flag=True, help="Ask before each")
@pass_session
def delete(session: Session, targets: tuple[InstanceReference, ...], force: bool, interactive: bool) -> None:
    for target in targets:  # first see that all of them are there: half a deletion helps nobody
        with about(target):
            if target.snapshot:
                session.client.snapshots.get(target.name, target.snapshot)
            else:
                session.client.instances.get(target.name)
                if force:
                    _refuse_held(session, target.name)
    for target in targets:
        if interactive and not click.confirm(f"Delete {target}?", err=True):
            continue
        if target.snapshot:
            session.wait(session.client.snapshots.delete(target.name, target.snapshot), f"Deleting {target}")
        else:
            _delete_instance(session, target.name, is_forced=force)


def _refuse_held(session: Session, name: str) -> None:
    """End here if the server would refuse the deletion: it mustn't be stopped in vain."""
    snapshots = session.client.snapshots.list(name)
    held = [f"{name}/{snapshot['name']}" for snapshot in snapshots if snapshot.get("held")]
    if held:
        raise click.ClickException(
            f"Instance {name} has held snapshots: release first with `holdfast snapshot release {' '.join(held)}`"
        )


def _delete_instance(session: Session, name: str, *, is_forced: bool) -> None:
    found = session.client.instances.get(name)
    if found["status"] not in ("Stopped", "Error"):
        if not is_forced:
            raise click.ClickException(f"Instance {name} is running: stop it first, or use --force")
        session.wait(session.client.instances.change_state(name, "stop", force=True), f"Stopping {name}")
        if found["ephemeral"]:
            return
    session.wait(session.client.instances.delete(name), f"Deleting {name}")
