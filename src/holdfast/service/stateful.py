"""The state of processes, which LXD keeps by CRIU in snapshots and at a stop: what this server says of it."""

from __future__ import annotations

from typing import Final

from holdfast.model.errors import UnsupportedError

WHY_NOT: Final = (
    "This server doesn't save the memory of processes: a snapshot holds disk and configuration, and what is restored "
    "starts anew"
)
"""Shown in `GET /1.0`, so that nobody is offered what is refused then."""


def refuse_stateful(*, stateful: bool) -> None:
    """Raise for a request that wants the state of processes kept or brought back."""
    if stateful:
        raise UnsupportedError(f"{WHY_NOT}. Leave `stateful` out")
