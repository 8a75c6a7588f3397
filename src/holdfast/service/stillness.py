"""Keeping an instance still while its tree is copied, where a copy takes time; and thawing it after a crash."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from holdfast.model.instance import Instance
from holdfast.model.kinds import StatusCode
from holdfast.service.intents import Intent
from holdfast.service.surroundings import Surroundings, key_of

_FROZEN: Final = "frozen_key"


@contextmanager
def still(
    surroundings: Surroundings, intent: Intent, instance: Instance, *, in_any_case: bool = False
) -> Iterator[None]:
    """Freeze the instance for the body if it runs and the driver has no cheap snapshots; thaw it at the end.

    `in_any_case`: also with cheap ones, as when several trees must be of one moment.
    """
    is_slow = not surroundings.driver(instance).features.cheap_snapshots
    if not (is_slow or in_any_case) or surroundings.status(instance) is not StatusCode.RUNNING:
        yield
        return
    intent.note(**{_FROZEN: key_of(instance)})
    try:
        surroundings.runtime.freeze(key_of(instance))
        yield
    finally:
        thaw(surroundings, intent)


def thaw(surroundings: Surroundings, intent: Intent) -> None:
    """Let an instance go on that this intent froze. Idempotent: recovery calls it."""
    key = intent.payload.get(_FROZEN)
    if isinstance(key, str) and surroundings.runtime.status(key) is StatusCode.FROZEN:
        surroundings.runtime.unfreeze(key)
