"""What exports, files and comparisons are of: an instance, or a custom volume."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.client.connection import path_of


@dataclass(frozen=True)
class VolumeName:
    """A custom volume, where the name of an instance could stand, too."""

    pool: str
    name: str

    def __str__(self) -> str:
        return self.name


Owner = str | VolumeName
"""An instance by its name, or a custom volume."""


def path_below(owner: Owner, *rest: str) -> str:
    """Return the API's path of what belongs to an owner."""
    if isinstance(owner, VolumeName):
        return path_of("storage-pools", owner.pool, "volumes", "custom", owner.name, *rest)
    return path_of("instances", owner, *rest)
