"""A state of an instance or volume that crossed between servers: the next transfer is a difference to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from holdfast.model.instance import Instance
from holdfast.model.volume import CustomVolume

BaseOwner = Instance | CustomVolume
"""What a base is a state of; its content is in the pool where that was then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferBase:
    """Its content is in the pool `pool`, under `token`; `is_received`: it came from another server, or it was sent.

    It is what this `snapshot` was at its source, if it isn't the state of the instance itself; `listed` is the UUID
    under which the source announced that.
    """

    pool: str
    token: str
    is_received: bool
    created_at: datetime
    snapshot: str | None = None
    listed: str = ""
