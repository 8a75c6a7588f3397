"""The configuration keys about snapshots: when, how they are named, how long they stay. Those marked are ours alone."""

from __future__ import annotations

from typing import Final

from holdfast.model import config_values as values
from holdfast.model.config_keys import ConfigKey
from holdfast.model.config_values import Check
from holdfast.model.errors import BadRequestError
from holdfast.model.former_state import DEFAULT_UNDO, UNDO_KEY
from holdfast.model.retention import check_keep
from holdfast.model.schedules import SCHEDULES_PREFIX, split_key


def _key(
    name: str, kind: str, check: Check, doc: str, *, default: str = "", is_ours: bool = False, is_family: bool = False
) -> ConfigKey:
    return ConfigKey(
        name=f"{name}.*" if is_family else name,
        type=kind,
        check=check,
        doc=doc,
        default=default,
        is_live=True,
        is_ours=is_ours,
    )


_ASPECTS: Final[dict[str, tuple[str, Check]]] = {
    "": ("schedule", values.schedule),
    "pattern": ("pattern", values.pattern),
    "expiry": ("expiry", values.expiry),
    "keep": ("keep", check_keep),
}

KEEP_KEY: Final = _key(
    "snapshots.keep",
    "keep",
    check_keep,
    "Which scheduled snapshots stay: last=3,hourly=24,daily=7,weekly=4,monthly=12,yearly=3, each part optional",
    is_ours=True,
)

SNAPSHOT_KEYS: Final = (
    _key("snapshots.schedule", "schedule", values.schedule, "When to make snapshots"),
    _key("snapshots.schedule.stopped", "bool", values.boolean, "Also while stopped", default="false"),
    _key("snapshots.pattern", "pattern", values.pattern, "Names of new snapshots", default="snap%d"),
    _key("snapshots.expiry", "expiry", values.expiry, "How long new snapshots are kept"),
    _key(
        "snapshots.expiry.manual",
        "expiry",
        values.expiry,
        "How long those made by hand are kept (unset: as snapshots.expiry)",
        is_ours=True,
    ),
    KEEP_KEY,
    _key(
        SCHEDULES_PREFIX.rstrip("."),
        "schedule",
        values.any_text,
        "One more schedule, by a label of a-z, 0-9 and -; LABEL.pattern, LABEL.expiry and LABEL.keep go with it",
        is_ours=True,
        is_family=True,
    ),
    _key(
        UNDO_KEY,
        "expiry",
        values.undo,
        "How long the state before a restore is kept for `restore --undo`, or off",
        default=DEFAULT_UNDO,
        is_ours=True,
    ),
)


def schedule_key(name: str) -> ConfigKey | None:
    """Return the row of a key of a labelled schedule; None for an aspect that schedules don't have."""
    try:
        _, aspect = split_key(name)
    except BadRequestError as error:
        return _key(name, "schedule", values.refused(str(error)), "", is_ours=True)
    if aspect not in _ASPECTS:
        return None
    kind, check = _ASPECTS[aspect]
    return _key(name, kind, check, "Of a schedule with a label", is_ours=True)
