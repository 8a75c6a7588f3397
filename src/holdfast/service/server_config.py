"""The server's configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Final, Protocol

from holdfast.db import server_config
from holdfast.db.database import Database
from holdfast.model.errors import BadRequestError
from holdfast.model.server_keys import BACKUPS_VOLUME_KEY, HTTPS_ADDRESS_KEY, SERVER_KEYS, TRUST_PASSWORD_KEY
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.trust_password import hash_password

HIDDEN: Final = "true"
"""What is shown of a value that nobody is to read; sent back, it means the value that is there."""


class Mover(Protocol):
    """Takes export files to another place while the body records that."""

    def moving(self, volume: str) -> AbstractContextManager[None]: ...


class Listener(Protocol):
    """Serves HTTPS at an address, "" for none; at another one once the body has recorded that."""

    def moving(self, address: str) -> AbstractContextManager[None]: ...


class ServerConfigService:
    """Reads and changes what `GET /1.0` shows as `config`: what was set, without defaults."""

    def __init__(self, *, database: Database, events: EventBus) -> None:
        self._database, self._events = database, events
        self.mover: Mover | None = None
        """What moves export files; it needs more of the server than this."""
        self.listener: Listener | None = None
        """What serves HTTPS, once the server is up."""

    def get_all(self) -> dict[str, str]:
        """Return what was set, a password as `HIDDEN`."""
        found = self._kept()
        if TRUST_PASSWORD_KEY in found:
            found[TRUST_PASSWORD_KEY] = HIDDEN
        return found

    def get(self, key: str) -> str:
        """Return the value in force: what was set, else the default."""
        return self.get_all().get(key) or SERVER_KEYS.default(key)

    def password_hash(self) -> str:
        """Return what is kept of the password for new clients, "" if there is none."""
        return self._kept().get(TRUST_PASSWORD_KEY, "")

    def update(self, caller: Caller, config: Mapping[str, str]) -> None:
        """Replace the configuration as a whole."""
        SERVER_KEYS.check(config)
        hashed = _hashed(config)
        self._set(caller, lambda before: _set_ones(_with_password(config, before, hashed)))

    def patch(self, caller: Caller, config: Mapping[str, str]) -> None:
        """Change the given keys; an empty value unsets one."""
        SERVER_KEYS.check(config)
        hashed = _hashed(config)
        self._set(caller, lambda before: _set_ones({**before, **_with_password(config, before, hashed)}))

    def _set(self, caller: Caller, change: Callable[[Mapping[str, str]], Mapping[str, str]]) -> None:
        """Write what `change` makes of what is kept. Where files and sockets are moved, they are where it says then."""
        before = self._kept()
        moved = {key: change(before).get(key, "") for key in (BACKUPS_VOLUME_KEY, HTTPS_ADDRESS_KEY)}
        with ExitStack() as stack:
            if self.mover is not None:
                stack.enter_context(self.mover.moving(moved[BACKUPS_VOLUME_KEY]))
            if self.listener is not None:
                stack.enter_context(self.listener.moving(moved[HTTPS_ADDRESS_KEY]))
            connection = stack.enter_context(self._database.write())
            server_config.set_all(connection, _set_ones({**change(server_config.get_all(connection)), **moved}))
        self._events.lifecycle(caller, None, "config-updated", "/1.0")

    def _kept(self) -> dict[str, str]:
        with self._database.read() as connection:
            return server_config.get_all(connection)


def _set_ones(config: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in config.items() if value}


def _hashed(config: Mapping[str, str]) -> str:
    """Return the hash of a password that is given anew, "" if none is."""
    given = config.get(TRUST_PASSWORD_KEY, "")
    return "" if given in ("", HIDDEN) else hash_password(given)


def _with_password(config: Mapping[str, str], before: Mapping[str, str], hashed: str) -> dict[str, str]:
    """Return the configuration with the hash in the password's place."""
    changed = dict(config)
    if hashed:
        changed[TRUST_PASSWORD_KEY] = hashed
    elif config.get(TRUST_PASSWORD_KEY) == HIDDEN:
        if TRUST_PASSWORD_KEY not in before:
            raise BadRequestError(f'{TRUST_PASSWORD_KEY} can\'t be "{HIDDEN}": that is what stands for a hidden one')
        changed[TRUST_PASSWORD_KEY] = before[TRUST_PASSWORD_KEY]
    return changed
