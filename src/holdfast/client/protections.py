"""Instances of other servers that a server keeps copies of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from holdfast.client.connection import Connection, path_of
from holdfast.client.operations import RunningOperation, begin, change
from holdfast.client.shapes import Protection


class Protections:
    """The protections of a server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[Protection]:
        """Return all, by name."""
        return self._connection.get(list[Protection], path_of("protections"), {"recursion": "1"})

    def get(self, name: str) -> Protection:
        return self._connection.get(Protection, path_of("protections", name))

    def create(self, request: Mapping[str, object]) -> Protection:
        """Set one up, from a request as the API describes it."""
        return cast(Protection, self._connection.request("POST", path_of("protections"), body=dict(request)).metadata)

    def check(self, request: Mapping[str, object]) -> None:
        """Raise what `create` would, as far as it is not the other server's to say; nothing is set up."""
        self._connection.request("POST", path_of("protections"), body={**request, "check_only": True})

    def change(self, name: str, wanted: Mapping[str, object]) -> None:
        """Change what is given, for example `{"paused": True}`."""
        change(self._connection, "PATCH", path_of("protections", name), dict(wanted))

    def run(self, name: str) -> RunningOperation:
        """Pull now, whatever the schedule says."""
        return begin(self._connection, "POST", path_of("protections", name), {})

    def remove(self, name: str) -> None:
        """End it; the copies stay."""
        change(self._connection, "DELETE", path_of("protections", name))
