"""Instances of another server that this one keeps copies of: what is wanted, how each copy stands. Pure."""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from holdfast.model.errors import BadRequestError, ConflictError
from holdfast.model.instance import Config, Devices
from holdfast.model.retention import parse_keep
from holdfast.model.schedule import VOLUME_ALIASES, check_schedule

MARK_KEY: Final = "user.holdfast.copy_of"
"""Stands in the configuration of a copy: which protection it belongs to."""
PROFILES_KEY: Final = "user.holdfast.copy_profiles"
"""The profiles that the instance has at its home, with commas between; the copy has their settings, not them."""
DROPPED_KEY: Final = "user.holdfast.copy_left_out"
"""Devices of the instance that can't be here: they show volumes, or paths of the other host."""
SETTINGS_KEY: Final = "user.holdfast.copy_settings"
"""What the instance has at its home of settings that a copy doesn't have, as words for `config set`."""
ORIGIN_KEY: Final = "user.holdfast.copy_origin"
"""The identity that the instance has at its home; another one that is called so there has another."""
STARTED_KEY: Final = "user.holdfast.copy_started"
"""Stands in the configuration of a copy that was started here: what happened in it is in no other place."""

_SPACES: Final = re.compile(r"[^A-Za-z0-9.]+")
_WINDOW: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}", re.ASCII)
_NOT_OF_COPIES: Final = ("snapshots.", "boot.autostart", "security.protection.")
"""Beginnings of keys that rule what a server does by itself with an instance: a copy lies still."""
_COPY: Final = "user.holdfast.copy_"
_OF_ONE_SERVER: Final = ("volatile.", _COPY)
"""Beginnings of keys that say what an instance is on its server; it may be a copy itself there."""
_GRACE: Final = timedelta(hours=1)
"""How long after its time a copy may take before it counts as late."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Protection:
    """What is pulled, from where, when, and how long it is kept.

    `pattern` names instances of `project` there, with `*`, `?` and `[…]`; `certificate` (PEM) is the one that the other
    server must show. "" as `window` is any time, as `keep` for ever.
    `bytes_per_s` None is as fast as it goes, `parallel` how many are pulled at a time.
    """

    name: str
    remote: str
    address: str
    certificate: str
    project: str = "default"
    pattern: str
    target_project: str = "default"
    pool: str
    schedule: str
    keep: str = ""
    window: str = ""
    bytes_per_s: int | None = None
    parallel: int = 2
    is_paused: bool = False
    created_at: datetime

    def matches(self, instance: str) -> bool:
        return fnmatch.fnmatchcase(instance, self.pattern)

    def has_place_of(self, other: Protection) -> bool:
        """Tell whether copies of both come from one project of one server, and go to one project here."""
        return (self.address, self.project, self.target_project) == (other.address, other.project, other.target_project)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProtectedCopy:
    """How the copy of one instance stands. `is_missing`: the other server has no such instance any more.

    `error` is that of the last try, "" after a good one; `received_bytes` and `duration_s` are those of the last good
    one.
    """

    instance: str
    tried_at: datetime | None = None
    succeeded_at: datetime | None = None
    error: str = ""
    received_bytes: int = 0
    duration_s: float = 0
    is_missing: bool = False


def one_in_charge(protections: Sequence[Protection], instance: str) -> Protection | None:
    """Return which of several protections of one place pulls an instance: the one that names it, else the oldest.

    None where no one is about it. One that is paused stays in charge.
    """
    about = [each for each in protections if each.matches(instance)]
    return min(about, key=lambda each: (each.pattern != instance, each.created_at, each.name), default=None)


def check_protection(protection: Protection) -> None:
    """Raise `BadRequestError` for the first thing that can't be."""
    if not _NAME.fullmatch(protection.name):
        raise BadRequestError(
            f'Invalid name of a protection: "{protection.name}": letters, digits, "." and "-", at most 63'
        )
    if not protection.pattern or "/" in protection.pattern:
        raise BadRequestError(f'Invalid pattern of instances: "{protection.pattern}"')
    if not protection.schedule:
        raise BadRequestError('A protection needs a schedule, such as @hourly or "30 2 * * *"')
    check_schedule(protection.schedule, VOLUME_ALIASES)
    parse_keep(protection.keep)
    parse_window(protection.window)
    if not 1 <= protection.parallel <= 16:
        raise BadRequestError("Between 1 and 16 instances can be pulled at a time")
    if protection.bytes_per_s is not None and protection.bytes_per_s < 1024:
        raise BadRequestError("A bandwidth limit is at least 1024 bytes per second")


def default_name(remote: str, project: str, pattern: str) -> str:
    """Return what a protection is called when nobody says."""
    parts = (remote, pattern) if project == "default" else (remote, project, pattern)
    return "-".join(_SPACES.sub("-", part.replace("*", "all")).strip("-") or "all" for part in parts)[:63]


def parse_window(text: str) -> tuple[time, time] | None:
    """Read "22:00-06:00", in the server's zone; None for the empty text."""
    if not text:
        return None
    found = _WINDOW.fullmatch(text)
    if found is None:
        raise BadRequestError(f'Invalid window "{text}": use a form such as 22:00-06:00')
    return time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))


def is_open(window: str, local: time) -> bool:
    """Tell whether work may begin at this time of the day; a window may go over midnight."""
    parsed = parse_window(window)
    if parsed is None:
        return True
    start, end = parsed
    return start <= local < end if start <= end else local >= start or local < end


def copied_settings(
    config: Mapping[str, str], devices: Devices, profiles: tuple[str, ...], protection: Protection
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return configuration and devices of a copy, from the expanded ones of the instance: it lies still, on its own.

    What it must not have for that stands in one key, for the day when it takes the instance's place. The root disk
    comes into the protection's pool.
    """
    ours = {key: value for key, value in config.items() if not key.startswith(_OF_ONE_SERVER)}
    kept = {key: value for key, value in ours.items() if not key.startswith(_NOT_OF_COPIES)}
    left = {key: value for key, value in ours.items() if key not in kept}
    here = {name: dict(device) for name, device in devices.items() if _can_be_here(device)}
    dropped = sorted(set(devices) - set(here))
    for device in here.values():
        if device.get("type") == "disk":
            device["pool"] = protection.pool
    kept[MARK_KEY] = protection.name
    for key, value in (
        (PROFILES_KEY, ",".join(profiles)),
        (DROPPED_KEY, ",".join(dropped)),
        (SETTINGS_KEY, " ".join(f"{key}={shlex.quote(left[key])}" for key in sorted(left))),
        ("snapshots.keep", protection.keep),
    ):
        if value:
            kept[key] = value
    return kept, here


def _can_be_here(device: Mapping[str, str]) -> bool:
    if device.get("type") != "disk":
        return device.get("type") == "nic"
    return device.get("path") == "/" and not device.get("source")


def restored_config(current: Config, restored: Config) -> dict[str, str]:
    """Return the configuration that a restore brings back, as far as it isn't what an instance is on this server.

    Whose copy it is, and that it was started, no snapshot knows: those of a copy are its home's. Nor may one give
    a copy the schedules, or the rule to keep, of its home.
    """
    own = (_COPY, *_NOT_OF_COPIES) if MARK_KEY in current else (_COPY,)
    kept = {key: value for key, value in current.items() if key.startswith(own)}
    return {**{key: value for key, value in restored.items() if not key.startswith(own)}, **kept}


def is_copy_for(config: Config, protection: Protection, others: Sequence[Protection], origin: str) -> bool:
    """Tell whether an instance here is a copy that the protection, which is in charge of it, may bring up to date.

    It, or one of `others` of the same place, made it; or one that is gone did, of the instance with this identity.
    """
    mark = config.get(MARK_KEY)
    made_by = next((each for each in (protection, *others) if each.name == mark), None)
    if made_by is not None:
        return made_by.has_place_of(protection)
    return mark is not None and config.get(ORIGIN_KEY) == origin


def as_started(config: Config) -> Config:
    """Return the configuration of an instance that is started: a copy's tells that from then on."""
    return {**config, STARTED_KEY: "true"} if MARK_KEY in config else config


def check_not_started(name: str, config: Config) -> None:
    """Raise `ConflictError` for a copy that was started here: a pull would take away what happened in it."""
    if STARTED_KEY in config:
        raise ConflictError(
            f'The copy "{name}" was started here, so it is not brought up to date: rename or delete it to have a new '
            f"one pulled, or give up what happened in it: stop it, then `holdfast config unset {name} {STARTED_KEY}`"
        )


def is_late(copy: ProtectedCopy, due_at: datetime | None, now: datetime) -> bool:
    """Tell whether the newest good copy is older than the schedule promises; `due_at` is its last moment."""
    if due_at is None or copy.is_missing or now - due_at < _GRACE:
        return False
    return copy.succeeded_at is None or copy.succeeded_at < due_at
