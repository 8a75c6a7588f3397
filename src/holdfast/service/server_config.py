"""The server's configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from holdfast.db import server_config
from holdfast.db.database import Database
from holdfast.model.server_keys import BACKUPS_VOLUME_KEY, SERVER_KEYS
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus


class Mover(Protocol):
    """Takes export files to another place while the body records that."""

    def moving(self, volume: str) -> AbstractContextManager[None]: ...


class ServerConfigService:
    """Reads and changes what `GET /1.0` shows as `config`: what was set, without defaults."""

    def __init__(self, *, database: Database, events: EventBus) -> None:
        self._database, self._events = database, events
        self.mover: Mover | None = None
        """What moves export files; it needs more of the server than this."""

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
        self._set(caller, lambda _: given)

    def patch(self, caller: Caller, config: Mapping[str, str]) -> None:
        """Change the given keys; an empty value unsets one."""
        given = {key: value for key, value in config.items() if value}
        SERVER_KEYS.check(given)
        self._set(caller, lambda before: {key: value for key, value in {**before, **config}.items() if value})

    def _set(self, caller: Caller, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
        volume = change(self.get_all()).get(BACKUPS_VOLUME_KEY, "")
        with self.mover.moving(volume) if self.mover else nullcontext(), self._database.write() as connection:
            server_config.set_all(
                connection, {**change(server_config.get_all(connection)), **_only(BACKUPS_VOLUME_KEY, volume)}
            )
        self._events.lifecycle(caller, None, "config-updated", "/1.0")


def _only(key: str, value: str) -> dict[str, str]:
    return {key: value} if value else {}
