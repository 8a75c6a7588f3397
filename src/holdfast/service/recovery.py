"""After a crash: every open intent is finished or undone, and what staging holds beside is removed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from holdfast.model.errors import ConflictError, HoldfastError
from holdfast.model.storage import Pool
from holdfast.service.intents import Intent, IntentLog
from holdfast.service.locks import instance_lock
from holdfast.storage.driver import Driver

_log = logging.getLogger(__name__)

Handler = Callable[[Intent], None]
Locked = Callable[[Intent], Sequence[str]]
"""Tells the locks that the work of an intent holds alone from its intent to its end."""


class Pools(Protocol):
    """What recovery needs of the pools."""

    def list(self) -> list[Pool]: ...
    def is_available(self, name: str) -> bool: ...
    def driver(self, name: str) -> Driver: ...


class Recovery:
    """Runs at start, before the first request, and again for an instance or volume that something was left of.

    What could not be ended (its pool was not there, its undoing failed) is tried again when the instance is next taken
    alone: before anyone builds on a state that would be changed under him later. Handlers are idempotent.
    """

    def __init__(self, intents: IntentLog, pools: Pools) -> None:
        self._intents, self._pools = intents, pools
        self._handlers: dict[str, Handler] = {}
        self._locked: dict[str, Locked] = {}
        self._settling = threading.Lock()

    def register(self, kind: str, handler: Handler, *, held: Sequence[str] = (), locked: Locked | None = None) -> None:
        """Name what finishes or undoes an intent of this kind; it closes the intent when that is done.

        `held` are the keys of the payload that name instances which the work holds alone from its intent to its end;
        `locked` tells such locks where they aren't only instances.
        """
        if kind in self._handlers:
            raise ValueError(f'Two handlers for intents of kind "{kind}"')
        self._handlers[kind] = handler
        self._locked[kind] = locked or _on_instances(held)

    def concerns(self, lock: str) -> bool:
        """Tell whether there is an open intent on the instance or volume of this lock."""
        return bool(self._left_of(lock))

    def settle(self, lock: str) -> None:
        """End what former work left of what the caller has just locked alone; raise if that can't be."""
        if not self._left_of(lock):
            return
        with self._settling:
            for intent in self._left_of(lock):
                _log.warning("Ending what was left: %s", intent.kind, extra={"intent": intent.id, **_facts(intent)})
                try:
                    self._handlers[intent.kind](intent)
                except HoldfastError as error:
                    raise ConflictError(f'A former "{intent.kind}" could not be ended yet: {error}') from error

    def give_up(self, lock: str) -> None:
        """End what was left of what the caller holds, or forget it where that can't be: what it is about is lost.

        Staged trees of it in other pools go at the next start, as those of no intent.
        """
        with self._settling:
            for intent in self._left_of(lock):
                try:
                    self._handlers[intent.kind](intent)
                except HoldfastError as error:
                    _log.warning("Giving up what was left: %s: %s", intent.kind, error, extra=_facts(intent))
                    self._intents.close(intent)

    def _left_of(self, lock: str) -> list[Intent]:
        return [
            intent
            for intent in self._intents.list_open()
            if intent.kind in self._locked and lock in self._locked[intent.kind](intent)
        ]

    def run(self) -> None:
        """Handle every open intent, oldest first, then discard staged trees that belong to none.

        An intent that can't be handled stays open, with its staged trees, for the next start; the others go on.
        """
        for intent in self._intents.list_open():
            self._handle(intent)
        still_open = {intent.id for intent in self._intents.list_open()}
        for pool in self._pools.list():
            if self._pools.is_available(pool.name):
                self._discard_leftovers(self._pools.driver(pool.name), still_open)

    def _handle(self, intent: Intent) -> None:
        handler = self._handlers.get(intent.kind)
        if handler is None:
            _log.error('Intent %s: nothing here knows the kind "%s"; left as it is', intent.id, intent.kind)
            return
        try:
            handler(intent)
        except Exception:  # noqa: BLE001 - the border of a start: one broken intent must not keep the server down
            _log.exception("Intent %s (%s) could not be ended; the next start tries again", intent.id, intent.kind)
        else:
            _log.warning("Ended what was under way: %s", intent.kind, extra={"intent": intent.id, **_facts(intent)})

    def _discard_leftovers(self, driver: Driver, still_open: set[str]) -> None:
        for token in driver.staged_tokens():
            if token.rpartition("-")[0] in still_open:
                continue
            try:
                driver.discard(token)
            except HoldfastError as error:
                _log.error("Staged tree %s in pool %s could not be removed: %s", token, driver.pool.name, error)


def _on_instances(keys: Sequence[str]) -> Locked:
    return lambda intent: [instance_lock(intent.text("project"), intent.text(key)) for key in keys]


def _facts(intent: Intent) -> dict[str, str]:
    """Return what of the payload tells a person which thing it was."""
    keys = ("project", "instance", "volume", "snapshot", "backup", "fingerprint", "pool")
    return {key: str(intent.payload[key]) for key in keys if key in intent.payload}
