"""Disk devices that show custom volumes: checked when they are saved, resolved when an instance starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holdfast.model.config_values import is_false, is_true
from holdfast.model.errors import NotFoundError, PoolNotFoundError, VolumeConfigError, VolumeNotFoundError
from holdfast.model.instance import Devices
from holdfast.model.volume import CustomVolume
from holdfast.model.volume_use import Attachment, attachments, check_in_container
from holdfast.service.locks import custom_volume_lock
from holdfast.service.surroundings import Surroundings
from holdfast.service.volume_store import VolumeStore

_ADDING = 'Failed add validation for device "{}": {}'


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownVolume:
    """What a device shows: where it is on the host, and whether its owners are mapped for the instance."""

    pool: str
    source: Path
    use_idmap: bool


class VolumeDevices:
    """The devices of instances and profiles that show custom volumes; thread-safe."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around, self._store = surroundings, VolumeStore(surroundings)

    @contextmanager
    def keeping(self, project: str, devices: Devices, *, before: Devices | None = None) -> Iterator[None]:
        """Hold, with others, the volumes that a container's devices show, so that none goes in the body; check them.

        What was so `before` isn't checked again: an instance must stay changeable.
        """
        former = before or {}
        with self.holding(project, devices, former):
            self.check(project, {name: dict(each) for name, each in devices.items() if former.get(name) != each})
            yield

    def check(self, project: str, devices: Devices) -> None:
        """Raise, naming the device, if a container of the project can't have one of them."""
        for attached in attachments(devices):
            path = devices[attached.device].get("path", "")
            self._find(project, attached, path)

    def first_gone(self, project: str, devices: Devices) -> NotFoundError | None:
        """Return what a start would fail with for want of a volume; raise for what can't be in a container at all."""
        for attached in attachments(devices):
            device = devices[attached.device]
            try:
                self._find(project, attached, device.get("path", ""))
            except NotFoundError as error:
                if not is_false(device.get("required")):
                    return error
        return None

    @contextmanager
    def showing(
        self, project: str, devices: Devices, *, may_be_missing: bool = False
    ) -> Iterator[Mapping[str, ShownVolume]]:
        """Hold, with others, the volumes that a starting container shows; give them by the names of their devices.

        One that is missing and not `required` is left out.
        """
        with self.holding(project, devices):
            shown = {}
            for attached in attachments(devices):
                try:
                    volume = self._find(project, attached, devices[attached.device].get("path", ""))
                except NotFoundError:
                    if may_be_missing or is_false(devices[attached.device].get("required")):
                        continue
                    raise
                shown[attached.device] = self.shown(volume)
            yield shown

    def shown(self, volume: CustomVolume) -> ShownVolume:
        """Return where a volume is."""
        source = self._store.driver(volume).path(volume.address)
        is_mapped = not is_true(volume.config.get("security.unmapped"))
        return ShownVolume(pool=volume.pool, source=source, use_idmap=is_mapped)

    @contextmanager
    def holding(self, project: str, *maps: Devices) -> Iterator[None]:
        """Hold, with others, the volumes that any of these devices show; what was left of them is ended before."""
        home, locks = self._store.home(project), self._around.locks
        names = [custom_volume_lock(each.pool, home, each.name) for devices in maps for each in attachments(devices)]
        unsettled = [name for name in names if locks.is_unsettled(name)]
        if unsettled:
            with locks.hold(*unsettled, what="attach"):
                pass
        with locks.hold(*names, shared=True, what="attach"):
            yield

    def _find(self, project: str, attached: Attachment, path: str) -> CustomVolume:
        try:
            volume = self._store.get(project, attached.pool, attached.name)
            check_in_container(volume, path)
            if self._store.users(volume).is_server:
                raise VolumeConfigError(f'Storage volume "{volume.name}" is used by the server itself')
        except PoolNotFoundError as error:
            reason = f'Failed to get storage pool "{attached.pool}": {error}'
            raise NotFoundError(_ADDING.format(attached.device, reason)) from error
        except VolumeNotFoundError as error:
            reason = f'Failed loading custom volume: Storage volume not found: "{attached.name}" in "{attached.pool}"'
            raise NotFoundError(_ADDING.format(attached.device, reason)) from error
        except VolumeConfigError as error:
            raise VolumeConfigError(_ADDING.format(attached.device, error)) from error
        return volume
