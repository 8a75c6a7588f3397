"""Taking back what was published without a record: only what is ours, never something else that is in its place."""

from __future__ import annotations

from holdfast.model.storage import Volume
from holdfast.storage.driver import Driver


def take_back(driver: Driver, volume: Volume, token: str, snapshot: str | None = None) -> None:
    """Remove a tree, staged or published. Idempotent.

    A tree is in one place at a time: while it is staged, what is in the published place belongs to someone else. The
    caller has made sure, before its intent, that the place was free.
    """
    if not driver.staged_path(token).exists():
        driver.withdraw(volume, token, snapshot)
    driver.discard(token)
