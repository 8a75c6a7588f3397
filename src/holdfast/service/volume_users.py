"""Who uses a custom volume: instances and profiles with a disk device that shows it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.db import instances, profiles, projects, server_config, volumes
from holdfast.db.database import Connection
from holdfast.model.errors import BadRequestError, NotFoundError, VolumeConfigError
from holdfast.model.expand import expand_devices
from holdfast.model.instance import Devices, Instance
from holdfast.model.kinds import DEFAULT_PROJECT
from holdfast.model.profile import Profile
from holdfast.model.volume import CustomVolume
from holdfast.model.volume_use import attachments, check_in_container
from holdfast.service import project_features
from holdfast.service.project_features import has_own
from holdfast.service.resources import instance_url, url

Key = tuple[str, str, str]
"""Pool, project and name of a volume."""


@dataclass(frozen=True, slots=True)
class VolumeUsers:
    """Instances that show a volume, by themselves or by a profile, and profiles that do."""

    instances: tuple[Instance, ...] = ()
    profiles: tuple[Profile, ...] = ()
    is_server: bool = False
    """The server keeps its export files there."""

    def urls(self) -> tuple[str, ...]:
        """Return them as `used_by` has them."""
        return (
            *(("/1.0",) if self.is_server else ()),
            *(instance_url(each.project, each.name) for each in self.instances),
            *(url("profiles", each.name, project=each.project) for each in self.profiles),
        )

    def __str__(self) -> str:
        return ", ".join(
            (
                *(("the server itself",) if self.is_server else ()),
                *(f"instance {each.name}" for each in self.instances),
                *(f"profile {each.name}" for each in self.profiles),
            )
        )

    def __bool__(self) -> bool:
        return bool(self.instances or self.profiles or self.is_server)

    def refuse_server(self, text: str) -> None:
        """Raise with this text if the server itself uses it."""
        if self.is_server:
            raise BadRequestError(text)


class VolumeUse:
    """The users of every volume at one moment of the database."""

    def __init__(self, connection: Connection) -> None:
        self._projects = {each.name: each for each in projects.list_all(connection)}
        self._profiles = {(each.project, each.name): each for each in profiles.list_all(connection, None)}
        self._server = server_config.backups_volume(connection)
        self._by_instance: dict[Key, list[Instance]] = defaultdict(list)
        self._by_profile: dict[Key, list[Profile]] = defaultdict(list)
        for instance in instances.list_all(connection, None):
            for key in self._shown(instance.project, self._expanded(instance)):
                self._by_instance[key].append(instance)
        for profile in self._profiles.values():
            for key in self._shown(profile.project, profile.devices):
                self._by_profile[key].append(profile)

    def of(self, volume: CustomVolume) -> VolumeUsers:
        """Return who uses a volume."""
        key = (volume.pool, volume.project, volume.name)
        return VolumeUsers(
            tuple(self._by_instance.get(key, ())),
            tuple(self._by_profile.get(key, ())),
            is_server=_is_named(volume, self._server),
        )

    def _expanded(self, instance: Instance) -> dict[str, dict[str, str]]:
        home = self._home(instance.project, "profiles")
        found = [self._profiles.get((home, name)) for name in instance.profiles]
        return expand_devices([each for each in found if each is not None], instance.devices)

    def _shown(self, project: str, devices: Devices) -> Sequence[Key]:
        home = self._home(project, project_features.VOLUMES)
        return sorted({(each.pool, home, each.name) for each in attachments(devices)})

    def _home(self, project: str, feature: str) -> str:
        found = self._projects.get(project)
        return project if found is not None and has_own(found, feature) else DEFAULT_PROJECT


def is_of_server(connection: Connection, volume: CustomVolume) -> bool:
    """Tell whether the server keeps its export files in a volume."""
    return _is_named(volume, server_config.backups_volume(connection))


def _is_named(volume: CustomVolume, setting: str) -> bool:
    return volume.project == DEFAULT_PROJECT and setting == f"{volume.pool}/{volume.name}"


def users_of(connection: Connection, volume: CustomVolume) -> VolumeUsers:
    """Return who uses one volume."""
    return VolumeUse(connection).of(volume)


def volumes_of(connection: Connection, project: str, devices: Devices) -> Sequence[Key]:
    """Return the volumes that devices of a project's profile or instance show; those that are missing, too."""
    home = project_features.home(connection, project, project_features.VOLUMES)
    return [(each.pool, home, each.name) for each in attachments(devices)]


def check_profile_devices(connection: Connection, project: str, devices: Devices, users: Sequence[str]) -> None:
    """Raise, naming the device, for one that shows a volume which isn't there, or that a user can't have.

    `users` are the projects of the containers that have the profile: each may have volumes of its own.
    """
    for owner in sorted({project, *users}):
        home = project_features.home(connection, owner, project_features.VOLUMES)
        for attached in attachments(devices):
            volume = volumes.get(connection, attached.pool, home, attached.name)
            if volume is None:
                reason = f'Storage volume not found: "{attached.name}" in "{attached.pool}" of project "{home}"'
                raise NotFoundError(f'Device validation failed for "{attached.device}": {reason}')
            if users:
                try:
                    check_in_container(volume, devices[attached.device].get("path", ""))
                except VolumeConfigError as error:
                    raise VolumeConfigError(f'Device validation failed for "{attached.device}": {error}') from error
