"""The server's configuration."""

from __future__ import annotations

from collections.abc import Mapping

from holdfast.db import server_config
from holdfast.db.database import Database
from holdfast.model.server_keys import SERVER_KEYS
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus


class ServerConfigService:
    """Reads and changes what `GET /1.0` shows as `config`: what was set, without defaults."""

    def __init__(self, *, database: Database, events: EventBus) -> None:
        self._database, self._events = database, events

    def get_all(self) -> dict[str, str]:
        with self._database.read() as connection:
            return server_config.get_all(connection)

    def get(self, key: str) -> str:
        """Return the value in force: what was set, else the default."""
        return self.get_all().get(key) or SERVER_KEYS.default(key)

    def update(self, caller: Caller, config: Mapping[str, str]) -> None:
        """Replace the configuration as a whole."""
        given = {key: value for key, value in config.items() if value}
        SERVER_KEYS.check(given)
        with self._database.write() as connection:
            server_config.set_all(connection, given)
        self._events.lifecycle(caller, None, "config-updated", "/1.0")

    def patch(self, caller: Caller, config: Mapping[str, str]) -> None:
        """Change the given keys; an empty value unsets one."""
        given = {key: value for key, value in config.items() if value}
        SERVER_KEYS.check(given)
        with self._database.write() as connection:
            merged = {**server_config.get_all(connection), **config}
            server_config.set_all(connection, {key: value for key, value in merged.items() if value})
        self._events.lifecycle(caller, None, "config-updated", "/1.0")
