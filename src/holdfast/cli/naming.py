"""Which one of several things an error is about: servers of LXD's say what kind of thing is missing, and no name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from holdfast.client.errors import ApiError


@contextmanager
def about(name: object) -> Iterator[None]:
    """Put the name before the text of a refusal, unless the text quotes it."""
    try:
        yield
    except ApiError as error:
        if f'"{str(name).rpartition("/")[2]}"' in str(error):
            raise
        raise ApiError(error.status, f"{name}: {error}") from error
