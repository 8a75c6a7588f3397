"""The staged trees of a refresh, of instances and custom volumes alike: what is built, what it takes the place of.

Token n is the n-th snapshot sent, then comes the volume itself, then what is deleted. The intent's payload names the
snapshots `sent` and `deleted`; `staged` is the identity of the new volume, there once everything is complete: that of
the old one where nothing changed.
"""

from __future__ import annotations

from collections.abc import Callable

from holdfast.model.storage import Volume
from holdfast.service import taking_back
from holdfast.service.intents import Intent
from holdfast.service.taking_back import is_in_place
from holdfast.storage.driver import Driver

Stage = Callable[[Driver, Intent], bool]
"""Makes the staged trees of the new state: token n for the n-th snapshot sent, then the main tree.

Returns False if no snapshot is sent and the volume stays what it is: then nothing is staged.
"""


def identity(driver: Driver, volume: Volume, intent: Intent, *, is_staged: bool) -> str:
    """Return what is to be noted as `staged`."""
    main = intent.token(len(intent.texts("sent")))
    return driver.identity(driver.staged_path(main) if is_staged else driver.path(volume))


def put_in_place(driver: Driver, volume: Volume, intent: Intent) -> None:
    """Exchange the volume and its snapshots for what is staged. Idempotent: recovery calls it."""
    sent = intent.texts("sent")
    main = len(sent)
    for number, name in enumerate(intent.texts("deleted"), start=main + 1):
        if not driver.staged_path(intent.token(number)).exists():
            driver.withdraw(volume, intent.token(number), name)
    for number, name in enumerate(sent):
        if driver.staged_path(intent.token(number)).exists():
            driver.publish_snapshot(intent.token(number), volume, name)
    is_staged = driver.staged_path(intent.token(main)).exists()
    if is_staged and not is_in_place(driver, volume, intent.payload["staged"]):
        taking_back.put_in_place(driver, intent.token(main), volume)


def former(intent: Intent) -> list[str]:
    """Return the tokens of what was there before, once `put_in_place` is through."""
    main = len(intent.texts("sent"))
    return [intent.token(number) for number in range(main, main + len(intent.texts("deleted")) + 1)]


def drop(driver: Driver, intent: Intent) -> None:
    """Remove what was built for nothing."""
    for number in range(len(intent.texts("sent")) + 1):
        driver.discard(intent.token(number))
