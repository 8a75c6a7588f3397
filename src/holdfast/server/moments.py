"""Times in request bodies."""

from __future__ import annotations

from datetime import datetime

from holdfast.model.errors import BadRequestError
from holdfast.wire.timestamps import from_wire


def moment(text: str | None) -> datetime | None:
    """Return the moment, None for absent and for never; `BadRequestError` for what is no time."""
    try:
        return from_wire(text)
    except ValueError as error:
        raise BadRequestError(str(error)) from error
