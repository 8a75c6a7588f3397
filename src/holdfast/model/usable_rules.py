"""Values of snapshot rules that have the right form, and give no snapshot: refused when they are set.

What is stored already, or comes with a copy or a file, is taken as it is: it is refused when it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from holdfast.model.config_keys import changed_keys
from holdfast.model.errors import BadRequestError
from holdfast.model.expiry import expiry_time
from holdfast.model.former_state import UNDO_KEY, undo_until
from holdfast.model.pattern import next_name

_PREFIX: Final = "snapshots."
_LATE: Final = datetime(2100, 1, 2, 15, 4, 5, tzinfo=UTC)
"""As late as a rule must be good for; its day of one digit is filled up with a space by Go's `_2`."""
INSTANCE_NAMES: Final = {"project": "default", "instance": "c1"}
"""What a pattern of an instance may name; that of a volume may name nothing."""


def check_usable(
    before: Mapping[str, str], after: Mapping[str, str], names: Mapping[str, str], *, prefix: str = ""
) -> None:
    """Raise `BadRequestError` for a changed pattern or expiry by which no snapshot could be taken; it names the key.

    `prefix` is what keys of new volumes have before them in a pool.
    """
    for key in sorted(changed_keys(before, after)):
        if not key.startswith(prefix + _PREFIX) or not after.get(key):
            continue
        try:
            _check(key.removeprefix(prefix), after[key], names)
        except BadRequestError as error:
            raise BadRequestError(f'{error} ({key}: "{after[key]}")') from error


def _check(key: str, value: str, names: Mapping[str, str]) -> None:
    if key.endswith(".pattern"):
        next_name(value, _LATE, (), names)
    elif key == UNDO_KEY:
        undo_until(value, _LATE)
    elif key.endswith((".expiry", ".expiry.manual")):
        expiry_time(value, _LATE)
