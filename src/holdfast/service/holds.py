"""What a hold forbids: whoever wants a held snapshot to go releases it first."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.model.errors import BadRequestError
from holdfast.model.instance import Instance, Snapshot


def check_none_held(instance: Instance, snapshots: Sequence[Snapshot]) -> None:
    """Raise `BadRequestError` if one of these snapshots, which are to go, is held."""
    names = [f"{instance.name}/{snapshot.name}" for snapshot in snapshots if snapshot.is_held]
    if not names:
        return
    noun, verb = ("Snapshot", "is") if len(names) == 1 else ("Snapshots", "are")
    remedy = f"holdfast snapshot release {' '.join(names)}"
    raise BadRequestError(f"{noun} {', '.join(names)} {verb} held: release first with `{remedy}`")
