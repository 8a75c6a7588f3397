"""`holdfast backup verify-stored` and `test-stored`: export files that the server keeps, looked at where they are."""

from __future__ import annotations

import click

from holdfast.cli.extensions import require_extension
from holdfast.cli.groups import command
from holdfast.cli.references import INSTANCE, InstanceReference
from holdfast.cli.session import Session, pass_session
from holdfast.client.errors import OperationFailedError
from holdfast.client.operations import RunningOperation

_VERIFY = "holdfast_backup_verify"
_TEST = "holdfast_backup_test_stored"
_WHAT = "looks at export files that it keeps"


@command(
    "verify-stored",
    "Have the server check, to the last byte, that one of the export files that it keeps is whole, and show what is in "
    "it. The exit code is 1 for a file that is not good.",
    examples=("holdfast backup verify-stored web backup0",),
)
@click.argument("instance", type=INSTANCE)
@click.argument("name", metavar="EXPORT")
@pass_session
def verify_stored(session: Session, instance: InstanceReference, name: str) -> None:
    require_extension(session, _VERIFY, _WHAT)
    _follow(session, session.client.backups.verify(instance.name, name), f"Checking {name}", "verification")


@command(
    "test-stored",
    "Have the server try one of the export files that it keeps, as `holdfast backup test` tries a file that is here.",
    examples=(
        "holdfast backup test-stored web backup0",
        "holdfast backup test-stored web backup0 --command 'systemctl is-system-running --wait' --timeout 120",
    ),
)
@click.argument("instance", type=INSTANCE)
@click.argument("name", metavar="EXPORT")
@click.option("--command", "shell_command", default="", metavar="TEXT", help="Must succeed in the instance")
@click.option("--timeout", default=60.0, metavar="SECONDS", show_default=True, help="How long the command may take")
@click.option("-s", "--storage", default="", metavar="POOL", help="Try it in this pool")
@pass_session
def test_stored(
    session: Session, instance: InstanceReference, name: str, shell_command: str, timeout: float, storage: str
) -> None:
    require_extension(session, _TEST, _WHAT)
    operation = session.client.backups.test_stored(
        instance.name, name, pool=storage, command=shell_command, timeout_s=timeout
    )
    _follow(session, operation, f"Testing {name}", "backup_test")


def _follow(session: Session, operation: RunningOperation, title: str, key: str) -> None:
    """Show what came out, also of what failed."""
    from holdfast.cli.yaml_text import to_yaml

    failure = None
    try:
        session.wait(operation, title)
    except OperationFailedError as error:
        failure = error
    found = operation.results().get(key)
    if isinstance(found, dict):
        click.echo(to_yaml(found), nl=False)
    if failure is not None:
        raise failure
