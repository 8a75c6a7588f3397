"""The stream of what happens on the server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from holdfast.client.connection import Connection, path_of
from holdfast.client.shapes import Event
from holdfast.client.websocket import open_websocket


class Events:
    """What happens on the server, as it happens."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def listen(self, types: Sequence[str] = (), *, all_projects: bool = False) -> Iterator[Event]:
        """Yield events until the server stops; no types means all of operation, lifecycle and logging.

        The stream is open when the first item is asked for; what happened before is not told.
        """
        query = {"type": ",".join(types)} if types else {}
        if all_projects:
            query["all-projects"] = "true"
        websocket = open_websocket(self._connection, path_of("events"), query)
        try:
            for message in websocket.messages():
                event: Event = json.loads(message)
                yield event
        finally:
            websocket.close()
