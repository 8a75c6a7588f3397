"""Projects: each with its own instances, and with its own profiles and images unless it shares the default ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from holdfast.db import images, instances, profiles, projects, protections, volumes
from holdfast.db.database import Connection, Database
from holdfast.model.errors import BadRequestError, ConflictError, NotAuthorizedError, ProjectNotFoundError
from holdfast.model.kinds import DEFAULT_PROJECT
from holdfast.model.names import LONGEST_PROJECT_BYTES, check_entity_name
from holdfast.model.profile import Profile, Project
from holdfast.model.server_keys import FEATURES, PROJECT_KEYS
from holdfast.service import project_features
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.locks import Locks, project_lock
from holdfast.service.resources import copies_url, instance_url, url, volume_url

DEFAULT_PROFILE = "default"


class ProjectService:
    """Lists and changes projects. The default one is always there."""

    def __init__(self, *, database: Database, locks: Locks, events: EventBus) -> None:
        self._database, self._locks, self._events = database, locks, events

    def ensure_default(self) -> None:
        """Make the default project and its default profile at the first start.

        Take away what earlier versions left of projects that share the default one's profiles: nobody could see or
        change such a profile, and what its devices show, pools and volumes, could not be deleted.
        """
        with self._database.write() as connection:
            if projects.get(connection, DEFAULT_PROJECT) is None:
                config = dict.fromkeys(FEATURES, "true")
                project = Project(name=DEFAULT_PROJECT, description="Default project", config=config)
                _insert(connection, project)
            for project in projects.list_all(connection):
                is_left = not project_features.has_own(project, "profiles")
                if is_left and profiles.get(connection, project.name, DEFAULT_PROFILE) is not None:
                    profiles.delete(connection, project.name, DEFAULT_PROFILE)

    def list(self) -> list[Project]:
        with self._database.read() as connection:
            return projects.list_all(connection)

    def get(self, name: str) -> Project:
        with self._database.read() as connection:
            return _get(connection, name)

    def image_project(self, name: str) -> str:
        """Return the project whose images this one has."""
        with self._database.read() as connection:
            return project_features.home(connection, name, "images")

    def profile_project(self, name: str) -> str:
        """Return the project whose profiles this one has."""
        with self._database.read() as connection:
            return project_features.home(connection, name, "profiles")

    def create(self, caller: Caller, name: str, description: str, config: Mapping[str, str]) -> Project:
        """Make a project; features that aren't given are its own. It gets a default profile."""
        _check_name(name)
        given = {key: value for key, value in config.items() if value}
        PROJECT_KEYS.check(given)
        defaults = {name: PROJECT_KEYS.default(name) for name in FEATURES}
        project = Project(name=name, description=description, config={**defaults, **given})
        with self._locks.hold(project_lock(name), what="create"), self._database.write() as connection:
            if projects.get(connection, name) is not None:
                raise ConflictError(f'Project "{name}" already exists')
            _insert(connection, project)
        self._events.lifecycle(caller, name, "project-created", url("projects", name))
        return project

    def update(self, caller: Caller, name: str, description: str, config: Mapping[str, str]) -> Project:
        """Replace description and config; features can only change while the project is empty."""
        with self._locks.hold(project_lock(name), what="update"), self._database.write() as connection:
            before = _get(connection, name)
            after = self._changed(connection, before, description, config)
            projects.update(connection, after)
        self._events.lifecycle(caller, name, "project-updated", url("projects", name))
        return after

    def patch(
        self, caller: Caller, name: str, *, description: str | None = None, config: Mapping[str, str] | None = None
    ) -> Project:
        """Change what is given; config is merged per key."""
        before = self.get(name)
        merged = {**before.config, **(config or {})}
        return self.update(caller, name, before.description if description is None else description, merged)

    def rename(self, caller: Caller, name: str, new_name: str) -> None:
        """Give an empty project another name."""
        if name == DEFAULT_PROJECT:
            raise NotAuthorizedError("The default project cannot be renamed")
        _check_name(new_name)
        with (
            self._locks.hold(project_lock(name), project_lock(new_name), what="rename"),
            self._database.write() as connection,
        ):
            _get(connection, name)
            if projects.get(connection, new_name) is not None:
                raise ConflictError(f'A project named "{new_name}" already exists')
            if not _is_empty(connection, name):
                raise BadRequestError("Only empty projects can be renamed")
            projects.rename(connection, name, new_name)
        self._events.lifecycle(caller, new_name, "project-renamed", url("projects", new_name), old_name=name)

    def delete(self, caller: Caller, name: str) -> None:
        """Remove an empty project with its profiles."""
        if name == DEFAULT_PROJECT:
            raise NotAuthorizedError("The default project cannot be deleted")
        with self._locks.hold(project_lock(name), what="delete"), self._database.write() as connection:
            _get(connection, name)
            if not _is_empty(connection, name):
                raise BadRequestError("Only empty projects can be removed")
            profiles.delete(connection, name, DEFAULT_PROFILE)
            projects.delete(connection, name)
        self._events.lifecycle(caller, name, "project-deleted", url("projects", name))

    def home(self, project: str, feature: str) -> str:
        """Return where the project's "images", "profiles" or "storage.volumes" are: in itself or the default one."""
        with self._database.read() as connection:
            return project_features.home(connection, project, feature)

    def used_by(self, name: str) -> Sequence[str]:
        """Return the URLs of what is in the project."""
        with self._database.read() as connection:
            _get(connection, name)
            return _used_by(connection, name)

    def _changed(self, connection: Connection, before: Project, description: str, config: Mapping[str, str]) -> Project:
        given = {key: value for key, value in config.items() if value}
        PROJECT_KEYS.check(given)
        after = replace(before, description=description, config=given)
        features = {feature.removeprefix("features.") for feature in FEATURES}
        changed = any(
            project_features.has_own(before, each) != project_features.has_own(after, each) for each in features
        )
        if changed and before.name != DEFAULT_PROJECT and not _is_empty(connection, before.name):
            raise BadRequestError("Features can only be changed on empty projects")
        if changed and project_features.has_own(after, "profiles"):
            _ensure_profile(connection, before.name)
        elif changed:
            profiles.delete(connection, before.name, DEFAULT_PROFILE)  # nothing can use it: the project is empty
        return after


def _get(connection: Connection, name: str) -> Project:
    project = projects.get(connection, name)
    if project is None:
        raise ProjectNotFoundError(name)
    return project


def _insert(connection: Connection, project: Project) -> None:
    projects.insert(connection, project)
    if project_features.has_own(project, "profiles"):
        _ensure_profile(connection, project.name)


def _ensure_profile(connection: Connection, project: str) -> None:
    if profiles.get(connection, project, DEFAULT_PROFILE) is None:
        description = "Default profile" if project == DEFAULT_PROJECT else f"Default profile for project {project}"
        profiles.insert(connection, Profile(project=project, name=DEFAULT_PROFILE, description=description))


def _check_name(name: str) -> None:
    """Check a new name; an underscore would make names on disk (`<project>_<instance>`) ambiguous."""
    check_entity_name("Project", name, most_bytes=LONGEST_PROJECT_BYTES)
    if "_" in name:
        raise BadRequestError("Project names may not contain underscores")
    if name == "*":
        raise BadRequestError("Reserved project name")


def _is_empty(connection: Connection, name: str) -> bool:
    only_default = {url("profiles", DEFAULT_PROFILE, project=name)}
    return set(_used_by(connection, name)) <= only_default


def _used_by(connection: Connection, name: str) -> list[str]:
    return [
        *(instance_url(name, instance.name) for instance in instances.list_all(connection, name)),
        *(url("profiles", profile.name, project=name) for profile in profiles.list_all(connection, name)),
        *(url("images", image.fingerprint, project=name) for image in images.list_all(connection, name)),
        *(volume_url(each.pool, name, each.name) for each in volumes.list_all(connection, project=name)),
        *(copies_url(each) for each in protections.list_all(connection) if each.target_project == name),
    ]
