"""Profiles and projects: named sets of configuration, and rooms for instances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from holdfast.client.connection import Connection, path_of
from holdfast.client.operations import change
from holdfast.client.shapes import Profile, Project


class Profiles:
    """The profiles of one project."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[Profile]:
        """Return every profile."""
        return self._connection.get(list[Profile], path_of("profiles"), {"recursion": "1"})

    def get(self, name: str) -> Profile:
        """Return one profile."""
        return self._connection.get(Profile, path_of("profiles", name))

    def get_with_etag(self, name: str) -> tuple[Profile, str]:
        """Return one profile and the tag that `update` takes."""
        answer = self._connection.request("GET", path_of("profiles", name))
        return cast(Profile, answer.metadata), answer.etag

    def create(self, name: str, document: Mapping[str, object] | None = None) -> None:
        """Create a profile; the document may hold description, config and devices."""
        change(self._connection, "POST", path_of("profiles"), {**(document or {}), "name": name})

    def update(self, name: str, document: Mapping[str, object], etag: str = "") -> None:
        """Replace everything that can be set on a profile."""
        change(self._connection, "PUT", path_of("profiles", name), dict(document), etag)

    def rename(self, name: str, new_name: str) -> None:
        """Rename a profile."""
        change(self._connection, "POST", path_of("profiles", name), {"name": new_name})

    def delete(self, name: str) -> None:
        """Delete a profile that nothing uses."""
        change(self._connection, "DELETE", path_of("profiles", name))


class Projects:
    """The projects of the server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[Project]:
        """Return every project."""
        return self._connection.get(list[Project], path_of("projects"), {"recursion": "1"})

    def with_own(self, kind: str) -> Iterator[str]:
        """Yield the names of the projects that don't share theirs of a kind ("images", "profiles") with `default`.

        Neither an image nor a profile says whose it is: who wants those of all projects asks for those of each.
        """
        return (each["name"] for each in self.list() if each["config"].get(f"features.{kind}") == "true")

    def get(self, name: str) -> Project:
        """Return one project."""
        return self._connection.get(Project, path_of("projects", name))

    def get_with_etag(self, name: str) -> tuple[Project, str]:
        """Return one project and the tag that `update` takes."""
        answer = self._connection.request("GET", path_of("projects", name))
        return cast(Project, answer.metadata), answer.etag

    def create(self, name: str, config: Mapping[str, str], description: str = "") -> None:
        """Create a project."""
        body = {"name": name, "config": dict(config), "description": description}
        change(self._connection, "POST", path_of("projects"), body)

    def update(self, name: str, document: Mapping[str, object], etag: str = "") -> None:
        """Replace everything that can be set on a project."""
        change(self._connection, "PUT", path_of("projects", name), dict(document), etag)

    def rename(self, name: str, new_name: str) -> None:
        """Rename a project."""
        change(self._connection, "POST", path_of("projects", name), {"name": new_name})

    def delete(self, name: str) -> None:
        """Delete an empty project."""
        change(self._connection, "DELETE", path_of("projects", name))
