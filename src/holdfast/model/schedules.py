"""The schedules of an instance or volume: the plain one, and others with labels, patterns and expiries of their own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from holdfast.model.errors import BadRequestError

DEFAULT_LABEL: Final = "default"
"""The label of the plain `snapshots.schedule`."""

SCHEDULES_PREFIX: Final = "snapshots.schedules."
_LABEL: Final = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """When snapshots are made (`rule`), how they are named, and how long they are kept; "" is the default or none."""

    label: str
    rule: str
    pattern: str = ""
    expiry: str = ""
    keep: str = ""


def schedules_of(config: Mapping[str, str]) -> list[Schedule]:
    """Return the schedules in an expanded config: the plain one first, then by label; those without a rule left out.

    What a labelled schedule doesn't say is as for the plain one.
    """
    labels = sorted(
        name.removeprefix(SCHEDULES_PREFIX)
        for name in config
        if name.startswith(SCHEDULES_PREFIX) and "." not in name.removeprefix(SCHEDULES_PREFIX)
    )
    found = [_plain(config), *(_labelled(config, label) for label in labels)]
    return [schedule for schedule in found if schedule.rule]


def keep_rule(config: Mapping[str, str], label: str) -> str:
    """Return the rule to keep what the schedule of this label made, whether the schedule is still there or not."""
    if label != DEFAULT_LABEL and (own := config.get(f"{SCHEDULES_PREFIX}{label}.keep")):
        return own
    return config.get("snapshots.keep", "")


def is_label(text: str) -> bool:
    """Tell whether a schedule can be called so."""
    return _LABEL.fullmatch(text) is not None


def split_key(name: str) -> tuple[str, str]:
    """Return label and aspect ("", "pattern", "expiry", "keep") of a key; a bad label raises `BadRequestError`."""
    label, _, aspect = name.removeprefix(SCHEDULES_PREFIX).partition(".")
    if not is_label(label):
        raise BadRequestError(f'Invalid label "{label}" of a schedule: 1 to 32 of a-z, 0-9 and "-"')
    if label == DEFAULT_LABEL:
        raise BadRequestError(
            'The label "default" is that of snapshots.schedule: set that one, or choose another label'
        )
    return label, aspect


def _plain(config: Mapping[str, str]) -> Schedule:
    return Schedule(
        label=DEFAULT_LABEL,
        rule=config.get("snapshots.schedule", ""),
        pattern=config.get("snapshots.pattern", ""),
        expiry=config.get("snapshots.expiry", ""),
        keep=config.get("snapshots.keep", ""),
    )


def _labelled(config: Mapping[str, str], label: str) -> Schedule:
    plain, prefix = _plain(config), f"{SCHEDULES_PREFIX}{label}"
    return Schedule(
        label=label,
        rule=config[prefix],
        pattern=config.get(f"{prefix}.pattern") or plain.pattern,
        expiry=config.get(f"{prefix}.expiry") or plain.expiry,
        keep=keep_rule(config, label),
    )
