"""Who asks, and for which project. Made by the server from the request, passed on by every service."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.model.access import EVERYTHING, Access
from holdfast.model.kinds import DEFAULT_PROJECT
from holdfast.model.operation import Requestor


@dataclass(frozen=True, slots=True)
class Caller:
    """The asking side of a request; `requestor` is None for what the server does by itself."""

    project: str = DEFAULT_PROJECT
    requestor: Requestor | None = None
    access: Access = EVERYTHING


INTERNAL = Caller()
"""The server itself: start-up, recovery, expiry."""
