"""What a hold forbids: whoever wants a held snapshot to go releases it first."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.model.errors import BadRequestError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.volume import CustomVolume, VolumeSnapshot


def held_names(snapshots: Sequence[Snapshot | VolumeSnapshot]) -> list[str]:
    """Return the names of those that are held."""
    return [snapshot.name for snapshot in snapshots if snapshot.is_held]


def check_none_held(instance: Instance, snapshots: Sequence[Snapshot]) -> None:
    """Raise `BadRequestError` if one of these snapshots, which are to go, is held."""
    _refuse(instance.name, held_names(snapshots), "holdfast snapshot release")


def check_no_volume_snapshot_held(volume: CustomVolume, snapshots: Sequence[VolumeSnapshot]) -> None:
    """Raise `BadRequestError` if one of these snapshots of a volume, which are to go, is held."""
    _refuse(volume.name, held_names(snapshots), f"holdfast storage volume release {volume.pool}")


def _refuse(owner: str, held: Sequence[str], remedy: str) -> None:
    if not held:
        return
    names = [f"{owner}/{name}" for name in held]
    noun, verb = ("Snapshot", "is") if len(names) == 1 else ("Snapshots", "are")
    raise BadRequestError(f"{noun} {', '.join(names)} {verb} held: release first with `{remedy} {' '.join(names)}`")
