"""Where a project's things are: features that are off send it to the default project."""

from __future__ import annotations

from typing import Final

from holdfast.db import projects
from holdfast.db.database import Connection
from holdfast.model.config_values import is_true
from holdfast.model.errors import ProjectNotFoundError
from holdfast.model.kinds import DEFAULT_PROJECT
from holdfast.model.profile import Project

VOLUMES: Final = "storage.volumes"


def has_own(project: Project, feature: str) -> bool:
    """Tell whether it has its own things of a kind: "images", "profiles" or "storage.volumes"."""
    return project.name == DEFAULT_PROJECT or is_true(project.config.get(f"features.{feature}"))


def home(connection: Connection, project: str, feature: str) -> str:
    """Return the project where such things of this one are: itself or the default one."""
    found = projects.get(connection, project)
    if found is None:
        raise ProjectNotFoundError(project)
    return project if has_own(found, feature) else DEFAULT_PROJECT


def tenants(connection: Connection, project: str, feature: str) -> list[str]:
    """Return the projects whose things of this kind are in this project, itself among them."""
    if project != DEFAULT_PROJECT:
        return [project]
    return [each.name for each in projects.list_all(connection) if each.name == project or not has_own(each, feature)]
