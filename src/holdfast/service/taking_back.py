"""Taking back what was published without a record, and removing what is left over: only what is ours, never more."""

from __future__ import annotations

import logging

from holdfast.model.errors import StorageError
from holdfast.model.storage import Volume
from holdfast.storage.driver import Driver

_log = logging.getLogger(__name__)


def take_back(driver: Driver, volume: Volume, token: str, snapshot: str | None = None) -> None:
    """Remove a tree, staged or published. Idempotent.

    A tree is in one place at a time: while it is staged, what is in the published place belongs to someone else. The
    caller has made sure, before its intent, that the place was free.
    """
    if not driver.staged_path(token).exists():
        driver.withdraw(volume, token, snapshot)
    driver.discard(token)


def discard_all(driver: Driver, *tokens: str) -> None:
    """Remove staged trees of work that is done: a failure doesn't undo it. What stays is removed at the next start."""
    for token in tokens:
        try:
            driver.discard(token)
        except StorageError as error:
            _log.error("Staged tree %s in pool %s stays until the next start: %s", token, driver.pool.name, error)
