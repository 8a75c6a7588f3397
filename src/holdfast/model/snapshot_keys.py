"""The configuration keys about snapshots: when, how they are named, how long they stay. Those marked are ours alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from holdfast.model import config_values as values
from holdfast.model.config_keys import ConfigKey, KeyTable
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


KEEP_KEY: Final = _key(
    "snapshots.keep",
    "keep",
    check_keep,
    "Which scheduled snapshots stay: last=3,hourly=24,daily=7,weekly=4,monthly=12,yearly=3, each part optional",
    is_ours=True,
)


def scheduled_keys(schedule: Check) -> tuple[ConfigKey, ...]:
    """Return the keys that instances and volumes have alike; `schedule` checks a rule: they know different aliases."""
    return (
        _key("snapshots.schedule", "schedule", schedule, "When to make snapshots"),
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
            schedule,
            "One more schedule, by a label of a-z, 0-9 and -; LABEL.pattern, LABEL.expiry and LABEL.keep go with it",
            is_ours=True,
            is_family=True,
        ),
    )


INSTANCE_SNAPSHOT_KEYS: Final = (
    *scheduled_keys(values.schedule),
    _key("snapshots.schedule.stopped", "bool", values.boolean, "Also while stopped", default="false"),
    _key(
        UNDO_KEY,
        "expiry",
        values.undo,
        "How long the state before a restore is kept for `restore --undo`, or off",
        default=DEFAULT_UNDO,
        is_ours=True,
    ),
)


class ScheduledKeyTable(KeyTable):
    """A table with schedules that have labels: "snapshots.schedules.<label>", alone or with an aspect."""

    def find(self, name: str) -> ConfigKey | None:
        family = super().find(name)
        return _of_label(name, family) if family is not None and name.startswith(SCHEDULES_PREFIX) else family


def _of_label(name: str, family: ConfigKey) -> ConfigKey | None:
    """Return the row of one key of a labelled schedule; None for an aspect that schedules don't have."""
    try:
        _, aspect = split_key(name)
    except BadRequestError as error:
        return replace(family, name=name, check=values.refused(str(error)))
    if not aspect:
        return replace(family, name=name)
    checks = {"pattern": values.pattern, "expiry": values.expiry, "keep": check_keep}
    return replace(family, name=name, type=aspect, check=checks[aspect]) if aspect in checks else None
