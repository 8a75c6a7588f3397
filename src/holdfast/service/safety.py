"""How safe everything is, one short line for each instance and custom volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.db import safety
from holdfast.db.database import Database
from holdfast.db.safety import Safety
from holdfast.service import project_features
from holdfast.service.resources import instance_url, volume_url


@dataclass(frozen=True, slots=True)
class SafetyView:
    """`noun` is "instance" or "volume", `url` that of the thing."""

    noun: str
    url: str
    safety: Safety


class SafetyService:
    """Reads; thread-safe."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self, project: str | None) -> Sequence[SafetyView]:
        """Return those of a project, of all when None: instances first."""
        with self._database.read() as connection:
            home = project and project_features.home(connection, project, project_features.VOLUMES)
            instances, volumes = safety.of_instances(connection, project), safety.of_volumes(connection, home)
        return [
            *(SafetyView("instance", instance_url(each.project, each.name), each) for each in instances),
            *(SafetyView("volume", volume_url(each.pool, each.project, each.name), each) for each in volumes),
        ]
