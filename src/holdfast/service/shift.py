"""Rewriting the owners on an instance's disk, for hosts without idmapped mounts: in a copy, that is then swapped in."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from holdfast.archive.idmap import Range, parse_host_map
from holdfast.db import instances as instances_table
from holdfast.host.shift import MapId, shift_tree
from holdfast.model.errors import InternalError
from holdfast.model.instance import Instance
from holdfast.model.instance_changes import DISK_MAP_KEY
from holdfast.model.instance_identity import UNSHIFTED
from holdfast.service.crashpoints import reach
from holdfast.service.intents import Intent
from holdfast.service.start_spec import ROOTFS
from holdfast.service.surroundings import Surroundings, volume_of
from holdfast.service.taking_back import is_in_place
from holdfast.storage.driver import Origin

INTENT_KIND: Final = "instance-shift"


class Shifter:
    """Shifts stopped instances that the caller holds."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def shift(self, instance: Instance, wanted: str) -> Instance:
        """Bring the owners on the disk to the map `wanted` (LXD's JSON; `[]`: as seen inside); return the record."""
        driver, volume = self._around.driver(instance), volume_of(instance)
        payload = {"project": instance.project, "instance": instance.name, "map": wanted}
        intent = self._around.intents.open(INTENT_KIND, {**payload})
        reach("instance-shift:intent")
        try:
            staged = driver.stage(intent.token(), Origin(volume=volume))
            current = instance.config.get(DISK_MAP_KEY, UNSHIFTED)
            shift_tree(staged / ROOTFS, *_mappers(current, wanted))
            reach("instance-shift:staged")
            driver.sync(intent.token())
            intent.note(staged=driver.identity(staged))
            reach("instance-shift:synced")
            driver.swap(intent.token(), volume)
        except BaseException:
            self.finish(intent)
            raise
        reach("instance-shift:swapped")
        return self._commit(intent, instance)

    def finish(self, intent: Intent) -> None:
        """End a shift that was cut: with the swap done it is recorded, else its copy goes. Idempotent."""
        instance = self._around.instance(intent.text("project"), intent.text("instance"))
        driver = self._around.driver(instance)
        if is_in_place(driver, volume_of(instance), intent.payload.get("staged")):
            self._commit(intent, instance)
            return
        driver.discard(intent.token())
        self._around.intents.close(intent)

    def _commit(self, intent: Intent, instance: Instance) -> Instance:
        shifted = replace(instance, config={**instance.config, DISK_MAP_KEY: intent.text("map")})
        with self._around.database.write() as connection:
            instances_table.update(connection, shifted)
            self._around.intents.close(intent, connection)
        reach("instance-shift:committed")
        self._around.driver(instance).discard(intent.token())
        return shifted


def _mappers(current: str, wanted: str) -> tuple[MapId, MapId]:
    """Return what maps users and groups on the disk from one map to another."""
    before, after = parse_host_map(current), parse_host_map(wanted)
    ranges = after.ranges if after else ()
    users, groups = [each for each in ranges if each.is_uid], [each for each in ranges if each.is_gid]

    def user(on_disk: int) -> int:
        return _out(before.uid(on_disk) if before else on_disk, users)

    def group(on_disk: int) -> int:
        return _out(before.gid(on_disk) if before else on_disk, groups)

    return user, group


def _out(inside: int, ranges: list[Range]) -> int:
    if not ranges:
        return inside
    for entry in ranges:
        if entry.inside <= inside < entry.inside + entry.size:
            return entry.host + inside - entry.inside
    raise InternalError(f"The files belong to id {inside}, which the instance's id map doesn't hold")
