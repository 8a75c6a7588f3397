"""Putting a staged tree in a volume's place, taking back what has no record, removing what is left over: never more."""

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


def is_in_place(driver: Driver, volume: Volume, identity: object) -> bool:
    """Tell whether the volume is what had this identity when it was staged. A volume whose tree is gone is not."""
    return identity is not None and driver.exists(volume) and driver.identity(driver.path(volume)) == identity


def put_in_place(driver: Driver, token: str, volume: Volume) -> None:
    """Exchange a staged tree for the volume; where that has no tree any more, the staged one takes the empty place."""
    if driver.exists(volume):
        driver.swap(token, volume)
    else:
        driver.publish(token, volume)


def discard_all(driver: Driver, *tokens: str) -> None:
    """Remove staged trees of work that is done: a failure doesn't undo it. What stays is removed at the next start."""
    for token in tokens:
        try:
            driver.discard(token)
        except StorageError as error:
            _log.error("Staged tree %s in pool %s stays until the next start: %s", token, driver.pool.name, error)
