"""The web page of a server: links that sign browsers in, and the browsers that are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from holdfast.client.connection import Connection, path_of
from holdfast.client.operations import change
from holdfast.client.shapes import SignedInBrowser, SignInLink, UiSession


class WebPage:
    """Who looks at a server in a browser."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def make_link(self, *, restricted: bool = False, projects: Sequence[str] = ()) -> SignInLink:
        """Return a link that signs one browser in, once, within ten minutes."""
        body = {"restricted": restricted, "projects": list(projects)}
        return cast(SignInLink, self._connection.request("POST", path_of("ui", "links"), body=body).metadata)

    def session(self) -> UiSession:
        """Return how the server knows us and what we may do."""
        return self._connection.get(UiSession, path_of("ui", "session"))

    def browsers(self) -> list[SignedInBrowser]:
        """Return the browsers that are signed in and that we may see."""
        return self._connection.get(list[SignedInBrowser], path_of("ui", "browsers"), {"recursion": "1"})

    def sign_out(self, browser_id: str) -> None:
        """Sign a browser out: what it has open ends."""
        change(self._connection, "DELETE", path_of("ui", "browsers", browser_id))
