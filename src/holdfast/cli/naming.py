"""Errors of a server that don't say about what: here the name is known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from holdfast.client.errors import ApiError

NOT_FOUND: Final = 404
CONFLICT: Final = 409


@contextmanager
def naming(what: str, *, status: int = NOT_FOUND) -> Iterator[None]:
    """Add to an error of this status what it is about, and what may help."""
    try:
        yield
    except ApiError as error:
        if error.status != status:
            raise
        raise ApiError(error.status, f"{error}: {what}") from error
