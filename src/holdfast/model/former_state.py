"""What an instance was before its last restore, and how long that is kept for an undo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from holdfast.model.errors import BadRequestError
from holdfast.model.expiry import check_expiry, expiry_time
from holdfast.model.instance import Instance

UNDO_KEY: Final = "snapshots.undo"
DEFAULT_UNDO: Final = "1d"
_OFF: Final = frozenset(("off", "0", "false", "no"))


@dataclass(frozen=True, kw_only=True, slots=True)
class FormerState:
    """`instance` is the record as it was. Its content is in the pool `pool`, under `token`."""

    instance: Instance
    snapshot: str
    """Bare name, at that time, of the snapshot that was restored; "": an import took its place."""
    created_at: datetime
    expires_at: datetime
    pool: str
    token: str


def check_undo(value: str) -> None:
    """Raise `BadRequestError` for what is neither a time nor a word for no; empty takes the default."""
    if value.lower() in _OFF:
        return
    try:
        check_expiry(value)
    except BadRequestError as error:
        raise BadRequestError(f'Invalid value for {UNDO_KEY} "{value}": give a time such as "1d", or "off"') from error


def undo_until(value: str, now: datetime) -> datetime | None:
    """Return until when the state before a restore of this moment is kept; None: not at all."""
    if value.lower() in _OFF:
        return None
    until = expiry_time(value.strip() or DEFAULT_UNDO, now)
    return until if until is not None and until > now else None
