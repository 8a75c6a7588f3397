"""The volumes in an instance's file: made together with the instance, in its work and under its intent, all or none.

The intent's payload lists them under `volumes`; the staged trees of each begin at its number `first`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from holdfast.archive.definition_text import read_volume_definition, write_volume_definition
from holdfast.archive.export_index import ExportIndex
from holdfast.archive.volume_definition import VolumeDefinition
from holdfast.db.database import Connection
from holdfast.model.errors import ConflictError, PoolNotFoundError
from holdfast.model.instance import Device
from holdfast.model.operation import JsonValue
from holdfast.service.attached_import_plan import Attached, wanted_places
from holdfast.service.caller import Caller
from holdfast.service.import_trees import StagedPart, check_form
from holdfast.service.intents import Intent, TokenRange, Tokens
from holdfast.service.locks import custom_volume_lock
from holdfast.service.volume_building import NewVolume, new_uuid, publish_trees, record, sync_trees, take_back_trees
from holdfast.service.volume_import_plan import plan_volume_import
from holdfast.service.volume_import_trees import definition_of, finish_trees, staged_volume
from holdfast.service.volume_store import VolumeStore, lock_on, payload_of
from holdfast.storage.driver import Driver

_PAYLOAD: Final = "volumes"
_REMEDY: Final = (
    "rename it (`storage volume rename`), give the one of the file another name by its device "
    "(`--device <device>,source=<name>`), or import without volumes"
)


class AttachedVolumes:
    """Plans and makes them; the caller holds what `locks` names."""

    def __init__(self, store: VolumeStore) -> None:
        self._store, self._around = store, store.around

    # --- before the first side effect ---------------------------------------------------------------------------------

    def plan(
        self,
        project: str,
        index: ExportIndex,
        wanted: Mapping[str, Device],
        *,
        pool: str | None,
        fallback: str,
        prefix: str | None = None,
    ) -> list[Attached | None]:
        """Return for each volume of the file what is made of it; raise for what can't be, or is there already.

        `pool` is the one that everything shall be in, `fallback` the one for volumes whose pool isn't here. With a
        `prefix` they are called after it and their number.
        """
        home, found = self._store.home(project), list[Attached | None]()
        places = wanted_places(index, wanted, pool)
        for number, (part, place) in enumerate(zip(index.attached, places, strict=True)):
            if place is None:
                found.append(None)
                continue
            new = plan_volume_import(
                definition_of(part),
                project=home,
                pool=self._known_pool(place[0], fallback),
                name=place[1] if prefix is None else f"{prefix}{number}",
                now=self._around.clock.now(),
                new_uuid=new_uuid,
            )
            found.append(Attached(part, new))
        self.check(made(found))
        return found

    def check(self, volumes: Sequence[Attached]) -> None:
        """Raise if one of them has no place, or can't be taken by its pool."""
        places = [each.place for each in volumes]
        twice = next((place for place in places if places.count(place) > 1), None)
        if twice is not None:
            raise ConflictError(f'The file holds two volumes that would both be "{twice[1]}" in pool "{twice[0]}"')
        for each in volumes:
            volume = each.new.volume
            driver = self._store.driver(volume)
            check_form(each.index, driver)
            if self._store.exists(volume.project, volume.pool, volume.name) or driver.exists(volume.address):
                raise ConflictError(
                    f'The file holds the volume "{volume.name}", and pool "{volume.pool}" has one of that name: '
                    f"{_REMEDY}"
                )

    def _known_pool(self, name: str, fallback: str) -> str:
        try:
            self._around.pools.driver(name)
        except PoolNotFoundError:
            return fallback
        return name

    def payload(self, volumes: Sequence[Attached], first: int) -> dict[str, JsonValue]:
        """Return what an intent must say of them; their staged trees begin at the token of this number."""
        entries: list[JsonValue] = []
        for each in volumes:
            new, pool = each.new, self._store.driver(each.new.volume).pool
            definition = write_volume_definition(VolumeDefinition(volume=new.volume, snapshots=new.snapshots), pool)
            entries.append({**payload_of(new.volume), "definition": definition, "first": first})
            first += len(new.snapshots) + 2
        return {_PAYLOAD: entries}

    # --- the work -----------------------------------------------------------------------------------------------------

    def parts(self, planned: Sequence[Attached | None], intent: Intent) -> Iterator[StagedPart | None]:
        """Give where the trees of each go; None for what is only looked at."""
        staged = self._staged(made(planned), intent)
        for each in planned:
            if each is None:
                yield None
            else:
                volume, driver, tokens = next(staged)
                yield staged_volume(volume.index, volume.new, driver, tokens)

    def complete(self, volumes: Sequence[Attached], intent: Intent) -> None:
        """Make the staged trees those of volumes, on stable storage."""
        for each, driver, tokens in self._staged(volumes, intent):
            finish_trees(each.new, driver, tokens)
        for each, driver, tokens in self._staged(volumes, intent):
            sync_trees(driver, tokens, each.new)

    def publish(self, intent: Intent) -> None:
        """Move what is staged to its place. Idempotent."""
        for entry in _entries(intent):
            publish_trees(self._around.pools.driver(entry.pool), TokenRange(intent, entry.first), entry.new())

    def record(self, connection: Connection, intent: Intent) -> None:
        """Write the records of all of them."""
        for entry in _entries(intent):
            record(connection, entry.new())

    def tell(self, caller: Caller, volumes: Sequence[Attached]) -> None:
        for each in volumes:
            volume = each.new.volume
            self._store.tell(caller, volume, "created", type=volume.content_type.value)
            for snapshot in each.new.snapshots:
                self._store.tell_snapshot(caller, volume, snapshot.name, "created")

    def undo(self, intent: Intent) -> None:
        """Remove what was staged and published without a record. Idempotent."""
        for entry in _entries(intent):
            try:
                driver = self._around.pools.driver(entry.pool)
            except PoolNotFoundError:  # deleted since, and all that was in it
                continue
            new = entry.new()
            names = [snapshot.name for snapshot in new.snapshots]
            take_back_trees(driver, TokenRange(intent, entry.first), new.volume.address, names)

    def _staged(self, volumes: Sequence[Attached], intent: Intent) -> Iterator[tuple[Attached, Driver, Tokens]]:
        for each, entry in zip(volumes, _entries(intent), strict=True):
            yield each, self._store.driver(each.new.volume), TokenRange(intent, entry.first)


def made(planned: Sequence[Attached | None]) -> list[Attached]:
    """Return those that are made."""
    return [each for each in planned if each is not None]


def locks_of(volumes: Sequence[Attached]) -> list[str]:
    return [lock_on(each.new.volume) for each in volumes]


def locks_of_intent(intent: Intent) -> list[str]:
    """Return the locks of the volumes that the work of an intent makes."""
    return [custom_volume_lock(each.pool, each.project, each.name) for each in _entries(intent)]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    pool: str
    project: str
    name: str
    definition: str
    first: int

    def new(self) -> NewVolume:
        """Return the records to write."""
        found = read_volume_definition(self.definition)
        return NewVolume(replace(found.volume, project=self.project, pool=self.pool, name=self.name), found.snapshots)


def _entries(intent: Intent) -> list[_Entry]:
    listed = intent.payload.get(_PAYLOAD, [])
    assert isinstance(listed, list)
    return [_entry(each) for each in listed]


def _entry(listed: JsonValue) -> _Entry:
    assert isinstance(listed, dict)
    first = listed["first"]
    assert isinstance(first, int)
    return _Entry(
        pool=str(listed["pool"]),
        project=str(listed["project"]),
        name=str(listed["volume"]),
        definition=str(listed["definition"]),
        first=first,
    )
