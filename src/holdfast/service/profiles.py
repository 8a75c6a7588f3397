"""Profiles: config and devices that several instances share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from holdfast.db import instances, pools, profiles
from holdfast.db.database import Connection, Database
from holdfast.model.device_rules import check_devices
from holdfast.model.errors import BadRequestError, ConflictError, NotAuthorizedError, ProfileNotFoundError
from holdfast.model.expand import expand_devices, root_device
from holdfast.model.instance import Devices
from holdfast.model.instance_changes import devices_without_empty, without_empty
from holdfast.model.instance_keys import check_profile_config
from holdfast.model.names import check_entity_name
from holdfast.model.profile import Profile
from holdfast.model.usable_rules import INSTANCE_NAMES, check_usable
from holdfast.service import project_features
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.locks import Locks, custom_volume_lock, profile_lock
from holdfast.service.projects import DEFAULT_PROFILE
from holdfast.service.resources import instance_url, url
from holdfast.service.volume_users import check_profile_devices, volumes_of

Changed = Callable[[Profile, Profile, Sequence[tuple[str, str]]], None]
"""Called after a change with the old and the new profile and the (project, name) of the instances that have it."""


class ProfileService:
    """Lists and changes profiles. `project` is always the asking one; where its profiles are is found out here."""

    def __init__(self, *, database: Database, locks: Locks, events: EventBus) -> None:
        self._database, self._locks, self._events = database, locks, events
        self._listeners: list[Changed] = []

    def on_changed(self, listener: Changed) -> None:
        """Call `listener` after each update, to bring running instances in line."""
        self._listeners.append(listener)

    def list(self, project: str | None) -> list[Profile]:
        """Return the profiles of a project, of all projects when None."""
        with self._database.read() as connection:
            home = None if project is None else project_features.home(connection, project, "profiles")
            return profiles.list_all(connection, home)

    def get(self, project: str, name: str) -> Profile:
        with self._database.read() as connection:
            return _get(connection, project_features.home(connection, project, "profiles"), name)

    def for_instance(self, project: str, names: Iterable[str]) -> Sequence[Profile]:
        """Return the profiles of these names in this order."""
        with self._database.read() as connection:
            home = project_features.home(connection, project, "profiles")
            return [_get(connection, home, name) for name in names]

    def create(
        self, caller: Caller, name: str, description: str, config: Mapping[str, str], devices: Devices
    ) -> Profile:
        check_entity_name("Profile", name)
        devices = devices_without_empty(devices)
        with self._keeping_volumes(caller.project, devices), self._database.write() as connection:
            home = project_features.home(connection, caller.project, "profiles")
            profile = Profile(
                project=home, name=name, description=description, config=without_empty(config), devices=devices
            )
            _check(connection, profile)
            check_usable({}, profile.config, INSTANCE_NAMES)
            check_profile_devices(connection, home, devices, ())
            if profiles.get(connection, home, name) is not None:
                raise ConflictError("The profile already exists")
            profiles.insert(connection, profile)
        self._events.lifecycle(caller, home, "profile-created", url("profiles", name, project=home))
        return profile

    def update(
        self, caller: Caller, name: str, description: str, config: Mapping[str, str], devices: Devices
    ) -> Profile:
        """Replace description, config and devices; what would leave an instance without its root disk is refused."""
        home, devices = self.get(caller.project, name).project, devices_without_empty(devices)
        with self._locks.hold(profile_lock(home, name), what="update"):
            with self._keeping_volumes(home, devices), self._database.write() as connection:
                before = _get(connection, home, name)
                after = replace(before, description=description, config=without_empty(config), devices=devices)
                _check(connection, after)
                check_usable(before.config, after.config, INSTANCE_NAMES)
                users = profiles.used_by(connection, name, project_features.tenants(connection, home, "profiles"))
                _check_roots(connection, after, users)
                check_profile_devices(connection, home, devices, [project for project, _ in users])
                profiles.update(connection, after)
            for listener in self._listeners:
                listener(before, after, users)
        self._events.lifecycle(caller, home, "profile-updated", url("profiles", name, project=home))
        return after

    def patch(
        self,
        caller: Caller,
        name: str,
        *,
        description: str | None = None,
        config: Mapping[str, str] | None = None,
        devices: Devices | None = None,
    ) -> Profile:
        """Change what is given: config is merged per key, devices per device."""
        before = self.get(caller.project, name)
        return self.update(
            caller,
            name,
            before.description if description is None else description,
            {**before.config, **(config or {})},
            {**before.devices, **(devices or {})},
        )

    def rename(self, caller: Caller, name: str, new_name: str) -> None:
        """Rename it, in the instances and snapshots that have it, too."""
        if name == DEFAULT_PROFILE:
            raise NotAuthorizedError("The default profile cannot be renamed")
        check_entity_name("Profile", new_name)
        home = self.get(caller.project, name).project
        locked = self._locks.hold(profile_lock(home, name), profile_lock(home, new_name), what="rename")
        with locked, self._database.write() as connection:
            _get(connection, home, name)
            if profiles.get(connection, home, new_name) is not None:
                raise ConflictError(f'Name "{new_name}" already in use')
            tenants = project_features.tenants(connection, home, "profiles")
            profiles.rename(connection, home, name, new_name, tenants)
        source = url("profiles", new_name, project=home)
        self._events.lifecycle(caller, home, "profile-renamed", source, old_name=name)

    def delete(self, caller: Caller, name: str) -> None:
        """Remove it; one that an instance has is refused."""
        if name == DEFAULT_PROFILE:
            raise NotAuthorizedError("The default profile cannot be deleted")
        home = self.get(caller.project, name).project
        with self._locks.hold(profile_lock(home, name), what="delete"), self._database.write() as connection:
            _get(connection, home, name)
            if profiles.used_by(connection, name, project_features.tenants(connection, home, "profiles")):
                raise BadRequestError("Profile is currently in use")
            profiles.delete(connection, home, name)
        self._events.lifecycle(caller, home, "profile-deleted", url("profiles", name, project=home))

    @contextmanager
    def _keeping_volumes(self, project: str, devices: Devices) -> Iterator[None]:
        """Hold, with others, the volumes that the devices show, so that none goes before the profile is written."""
        with self._database.read() as connection:
            home = project_features.home(connection, project, "profiles")
            shown = volumes_of(connection, home, devices)
        with self._locks.hold(*(custom_volume_lock(*each) for each in shown), shared=True, what="attach"):
            yield

    def used_by(self, project: str, name: str) -> Sequence[str]:
        """Return the URLs of the instances that have it."""
        with self._database.read() as connection:
            home = project_features.home(connection, project, "profiles")
            users = profiles.used_by(connection, name, project_features.tenants(connection, home, "profiles"))
        return [instance_url(*user) for user in users]


def _get(connection: Connection, home: str, name: str) -> Profile:
    profile = profiles.get(connection, home, name)
    if profile is None:
        raise ProfileNotFoundError(name)
    return profile


def _check(connection: Connection, profile: Profile) -> None:
    check_profile_config(profile.config)
    check_devices(profile.devices)
    for name, device in profile.devices.items():
        pool = device.get("pool", "") if device.get("type") == "disk" else ""
        if pool and pools.get(connection, pool) is None:
            raise BadRequestError(f'Device validation failed for "{name}": Storage pool "{pool}" not found')


def _check_roots(connection: Connection, changed: Profile, users: Iterable[tuple[str, str]]) -> None:
    """Refuse a change that takes the root disk from an instance, or moves it to another pool."""
    for project, name in users:
        instance = instances.get(connection, project, name)
        if instance is None:
            continue
        applied = [
            changed if each == changed.name else _get(connection, changed.project, each) for each in instance.profiles
        ]
        root = root_device(expand_devices(applied, instance.devices))
        if root is None or root[1].get("pool") != instance.pool:
            raise BadRequestError(f'At least one instance relies on this profile\'s root disk device: "{name}"')
