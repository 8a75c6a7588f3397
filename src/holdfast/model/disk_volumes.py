"""Which disks a snapshot or a restore of an instance is about, and how a snapshot remembers them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum

from holdfast.model.errors import BadRequestError
from holdfast.model.instance_changes import ATTACHED_VOLUMES_KEY


class DiskVolumesMode(StrEnum):
    """The root disk alone, or with it every attached volume that no other instance uses."""

    ROOT = "root"
    ALL_EXCLUSIVE = "all-exclusive"


def parse_mode(text: str) -> DiskVolumesMode:
    """Return the mode of that name; no name is the root disk alone."""
    try:
        return DiskVolumesMode(text or DiskVolumesMode.ROOT)
    except ValueError:
        raise BadRequestError(f'Invalid disk volumes mode "{text}": it is root or all-exclusive') from None


def with_attached(config: Mapping[str, str], taken: Mapping[str, str]) -> dict[str, str]:
    """Return a snapshot's config that remembers which snapshots (UUIDs) of which volumes (UUIDs) belong to it."""
    return {**config, ATTACHED_VOLUMES_KEY: json.dumps(dict(sorted(taken.items())))} if taken else dict(config)


def attached(config: Mapping[str, str]) -> dict[str, str]:
    """Return what `with_attached` remembered; a config from outside may hold anything."""
    try:
        found = json.loads(config.get(ATTACHED_VOLUMES_KEY) or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise BadRequestError(f"The snapshot's {ATTACHED_VOLUMES_KEY} can't be understood: restore the root disk alone")
    return found
