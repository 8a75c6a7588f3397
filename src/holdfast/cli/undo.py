"""The words about an undo that more than one command has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from holdfast.client.operations import RunningOperation


def tell_of_lost_undo(operation: RunningOperation) -> None:
    """Say so where what the instance was before is lost against what its configuration says; after the end."""
    if operation.results().get("undo_kept") is False:
        click.echo(
            "Done, but it can't be undone: its pool is nearly full, or failed to keep what it was before", err=True
        )
