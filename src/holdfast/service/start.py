"""The start of one instance: owners on the disk, templates, devices, the runtime, the record. Under its lock."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from holdfast.model.config_values import is_true
from holdfast.model.errors import BadRequestError
from holdfast.model.instance import Instance
from holdfast.model.instance_changes import DISK_MAP_KEY, POWER_KEY, check_instance_devices
from holdfast.model.instance_identity import (
    CURRENT_MAP_KEY,
    NEXT_MAP_KEY,
    TEMPLATE_KEY,
    UNSHIFTED,
    id_map_text,
    with_addresses,
)
from holdfast.model.kinds import StatusCode
from holdfast.model.protection import as_started
from holdfast.runtime.base import IdMap
from holdfast.service.image_templates import apply_templates
from holdfast.service.shift import Shifter
from holdfast.service.start_spec import ROOTFS, plan_start
from holdfast.service.surroundings import Expanded, Surroundings, key_of, volume_of
from holdfast.service.volume_devices import ShownVolume, VolumeDevices

_RUNNING: Final = "RUNNING"


class Starter:
    """Starts instances."""

    def __init__(self, surroundings: Surroundings, shifter: Shifter) -> None:
        self._around, self._shifter = surroundings, shifter
        self._volumes = VolumeDevices(surroundings)
        self._guard = threading.Lock()
        self._can_idmap: dict[str, bool] = {}

    def start(self, instance: Instance) -> Instance:
        """Start an instance that the caller holds; return the record as it is then."""
        if self._around.status(instance) is not StatusCode.STOPPED:
            raise BadRequestError("The instance is already running")
        profiles = self._around.profiles.for_instance(instance.project, instance.profiles)
        check_instance_devices(instance, profiles)
        devices = self._around.expanded(instance).devices
        instance = replace(instance, config=with_addresses(instance.config, devices, secrets.token_bytes))
        expanded = self._around.expanded(instance)
        idmap = self._idmap(expanded)
        instance = self._with_fitting_owners(instance, expanded, idmap)
        volume = self._around.driver(instance).path(volume_of(instance))
        is_shifted = instance.config.get(DISK_MAP_KEY, UNSHIFTED) != UNSHIFTED
        with self._volumes.showing(instance.project, expanded.devices) as shown:
            if idmap is not None:
                self._check_can_show(shown)
            plan = plan_start(
                instance,
                expanded,
                volume=volume,
                shown=shown,
                log_dir=self._around.paths.instance_logs(instance.project, instance.name),
                idmap=idmap,
                is_shifted=is_shifted,
            )
            files = self._around.runtime.files(key_of(instance), volume / ROOTFS, idmap, is_rootfs_shifted=is_shifted)
            apply_templates(instance, expanded.config, volume, files)
            started = self._started(instance, plan.device_keys, idmap)
            self._around.runtime.start(plan.spec)
            self._around.save(started)
        return started

    def needs_shift(self, instance: Instance) -> bool:
        """Tell whether its start would rewrite the owners on the disk, for which it must be held alone."""
        expanded = self._around.expanded(instance)
        wanted = self._fitting_map(instance, self._idmap(expanded))
        return wanted != instance.config.get(DISK_MAP_KEY, UNSHIFTED)

    def map_of(self, instance: Instance, expanded: Expanded) -> tuple[IdMap | None, bool]:
        """Return the id map that a stopped instance has, and whether its files on disk are shifted by it."""
        return self._idmap(expanded), instance.config.get(DISK_MAP_KEY, UNSHIFTED) != UNSHIFTED

    def _idmap(self, expanded: Expanded) -> IdMap | None:
        privileged = is_true(expanded.config.get("security.privileged"))
        return None if privileged else self._around.runtime.default_idmap()

    def _with_fitting_owners(self, instance: Instance, expanded: Expanded, idmap: IdMap | None) -> Instance:
        """Rewrite the owners on the disk where what is there can't be mounted for this start; seldom needed."""
        wanted = self._fitting_map(instance, idmap)
        if instance.config.get(DISK_MAP_KEY, UNSHIFTED) == wanted:
            return instance
        if is_true(expanded.config.get("security.protection.shift")):
            raise BadRequestError("Instance is protected against filesystem shifting")
        return self._shifter.shift(instance, wanted)

    def _fitting_map(self, instance: Instance, idmap: IdMap | None) -> str:
        """Return the map that the files on disk must have for this start: what they have, if that can be mounted."""
        shifted = UNSHIFTED if idmap is None else id_map_text(idmap.host_base, idmap.size)
        if idmap is None or not self._has_idmapped_mounts(instance):
            return shifted
        return shifted if instance.config.get(DISK_MAP_KEY, UNSHIFTED) == shifted else UNSHIFTED

    def _has_idmapped_mounts(self, instance: Instance) -> bool:
        return self._can_idmap_in(instance.pool, self._around.driver(instance).path(volume_of(instance)))

    def _can_idmap_in(self, pool: str, path: Path) -> bool:
        with self._guard:
            known = self._can_idmap.get(pool)
        if known is None:
            known = self._around.runtime.can_idmap(path)
            with self._guard:
                self._can_idmap[pool] = known
        return known

    def _check_can_show(self, shown: Mapping[str, ShownVolume]) -> None:
        """Refuse a volume whose files would belong to nobody inside: owners are kept as the instance sees them."""
        for device, volume in shown.items():
            if volume.use_idmap and not self._can_idmap_in(volume.pool, volume.source):
                raise BadRequestError(
                    f'Failed to start device "{device}": the file system of storage pool "{volume.pool}" has no '
                    "idmapped mounts, so the volume can't be shown to an unprivileged instance; set "
                    "security.unmapped=true on the volume to show it with the owners that are on the disk"
                )

    def _started(self, instance: Instance, device_keys: dict[str, str], idmap: IdMap | None) -> Instance:
        id_map = UNSHIFTED if idmap is None else id_map_text(idmap.host_base, idmap.size)
        config = {
            **{key: value for key, value in as_started(instance.config).items() if key != TEMPLATE_KEY},
            **device_keys,
            CURRENT_MAP_KEY: id_map,
            NEXT_MAP_KEY: id_map,
            POWER_KEY: _RUNNING,
        }
        return replace(instance, config=config, last_used_at=self._around.clock.now())
