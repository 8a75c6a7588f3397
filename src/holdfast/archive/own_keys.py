"""What LXD doesn't know, spelled as user keys: it takes the file, and we find everything again when we read it.

    user.holdfast.<key>                       a configuration key of ours: of an instance, volume, snapshot or profile
    user.holdfast.snapshot.held               "true" for a snapshot that is held
    user.holdfast.snapshot.schedule           the label of the schedule that made it
    user.holdfast.snapshot.due_at             when that schedule wanted it, RFC 3339
    user.holdfast.snapshot.description        LXD 5.0 drops the field of this name
    user.holdfast.snapshot.instance_description   what a restore makes of the instance's description
    user.holdfast.export.snapshot             the file holds the instance as it was in this snapshot
    user.holdfast.export.exclude              patterns of the paths that were left out, one a line

LXD gives a snapshot's keys to the instance when it restores one: what is about snapshots is dropped from instances,
and what is about the file is dropped when it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, TypeVar

from holdfast.model.config_values import is_true
from holdfast.model.errors import ArchiveError
from holdfast.model.instance import Snapshot
from holdfast.model.instance_keys import INSTANCE_KEYS
from holdfast.model.schedules import is_label
from holdfast.model.volume import VolumeSnapshot

_Snapshot = TypeVar("_Snapshot", Snapshot, VolumeSnapshot)

_PREFIX: Final = "user.holdfast."
_SNAPSHOT: Final = _PREFIX + "snapshot."
_EXPORT: Final = _PREFIX + "export."
_HELD, _SCHEDULE, _DUE_AT, _DESCRIPTION, _INSTANCE_DESCRIPTION = (
    _SNAPSHOT + aspect for aspect in ("held", "schedule", "due_at", "description", "instance_description")
)


def spelled_for_lxd(config: Mapping[str, str]) -> dict[str, str]:
    """Return the config with keys of ours as user keys."""
    return {_PREFIX + name if _is_ours(name) else name: value for name, value in config.items()}


def spelled_for_us(config: Mapping[str, str]) -> dict[str, str]:
    """Undo `spelled_for_lxd`; a key that stands in both spellings is as in ours."""
    found: dict[str, str] = {}
    for name, value in config.items():
        own = name.removeprefix(_PREFIX)
        if name.startswith((_SNAPSHOT, _EXPORT)):
            continue
        if name.startswith(_PREFIX) and _is_ours(own):
            found.setdefault(own, value)
        else:
            found[name] = value
    return found


def as_partial_export(config: Mapping[str, str], snapshot: str, exclude: Sequence[str]) -> dict[str, str]:
    """Return an instance's config for a file that holds less than the whole instance, with what is left out."""
    facts = {_EXPORT + "snapshot": snapshot, _EXPORT + "exclude": "\n".join(exclude)}
    kept = {name: value for name, value in config.items() if not name.startswith(_EXPORT)}
    return {**kept, **{name: value for name, value in facts.items() if value}}


def snapshot_config(snapshot: Snapshot) -> dict[str, str]:
    """Return a snapshot's config for a file, with what its record says beside."""
    facts = {
        **_facts(snapshot),
        _DESCRIPTION: snapshot.description,
        _INSTANCE_DESCRIPTION: snapshot.instance_description,
    }
    return {**spelled_for_lxd(snapshot.config), **{name: value for name, value in facts.items() if value}}


def volume_snapshot_config(snapshot: VolumeSnapshot) -> dict[str, str]:
    """Return the config of a volume's snapshot for a file, with what its record says beside."""
    facts = _facts(snapshot)
    return {**spelled_for_lxd(snapshot.config), **{name: value for name, value in facts.items() if value}}


def _facts(snapshot: Snapshot | VolumeSnapshot) -> dict[str, str]:
    return {
        _HELD: "true" if snapshot.is_held else "",
        _SCHEDULE: snapshot.schedule,
        _DUE_AT: snapshot.due_at.astimezone(UTC).isoformat() if snapshot.due_at is not None else "",
    }


def with_own_facts(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot as read from a file with what `snapshot_config` wrote back in its fields."""
    config = snapshot.config
    return replace(
        _with_facts(snapshot),
        description=snapshot.description or config.get(_DESCRIPTION, ""),
        instance_description=config.get(_INSTANCE_DESCRIPTION, ""),
    )


def volume_snapshot_with_own_facts(snapshot: VolumeSnapshot) -> VolumeSnapshot:
    """Return a snapshot as read from a file with what `volume_snapshot_config` wrote back in its fields."""
    return _with_facts(snapshot)


def _with_facts(snapshot: _Snapshot) -> _Snapshot:
    """Undo `_facts`."""
    config = snapshot.config
    return replace(
        snapshot,
        config=spelled_for_us(config),
        is_held=is_true(config.get(_HELD)),
        schedule=label if is_label(label := config.get(_SCHEDULE, "")) else "",
        due_at=_moment(config.get(_DUE_AT)),
    )


def _is_ours(name: str) -> bool:
    key = INSTANCE_KEYS.find(name)
    return key is not None and key.is_ours


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ArchiveError(f'Backup config holds a time that is none: "{text[:40]}"') from error
