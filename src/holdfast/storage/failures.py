"""Failures in a pool as errors of storage: pool, verb and cause in one line."""

from __future__ import annotations

from contextlib import AbstractContextManager

from holdfast.host import failures
from holdfast.model.errors import StorageError


def explained(pool: str, doing: str) -> AbstractContextManager[None]:
    """Raise `StorageError`, or `NoSpaceError`, for a failure of the body; `doing` names verb and volume."""
    return failures.explained(f'Storage pool "{pool}": {doing}', StorageError)
