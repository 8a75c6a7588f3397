"""What datasets were cloned from, kept so that each can go at any time: ZFS refuses to destroy what has clones.

A clone is made of a snapshot of its origin, and both may outlive each other here. So before a dataset is destroyed, the
clone of its newest snapshot takes these over (`zfs promote`), and a snapshot that no clone needs any more goes as well.

| snapshot of ours    | what it is for                                                                       |
|---------------------|--------------------------------------------------------------------------------------|
| `@staged-<token>`   | a staged clone                                                                       |
| `@snapshot-<name>`  | the volume's snapshot of that name, as LXD calls it; the clone of it is what is read |
| `@backup-<token>`   | the volume itself in an export                                                       |

Snapshots of other names are other people's: they stay as long as their dataset.
"""

from __future__ import annotations

import threading
from typing import Final

from holdfast.host import zfs

STAGED: Final = "staged-"
NAMED: Final = "snapshot-"
SENT: Final = "backup-"
_OURS: Final = (STAGED, NAMED, SENT)
LINEAGE: Final = threading.RLock()
"""Held from a snapshot to its clone, and from a look at clones to what is done by it: the clones of one volume may be
volumes that others work on."""


def clone(source: str, target: str, token: str) -> None:
    """Make a dataset that begins as another one is at this moment."""
    origin = f"{source}@{STAGED}{token}"
    with LINEAGE:
        zfs.snapshot(origin)
        try:
            zfs.clone(origin, target)
        except BaseException:
            zfs.destroy(origin)
            raise


def clone_origin(source: str, target: str) -> bool:
    """Make a dataset like a read-only clone that nobody has written to, of the same origin; else return False.

    What is written to others is in their accounts seconds later only.
    """
    origin = origin_of(source)
    if origin is None:
        return False
    with LINEAGE:
        zfs.clone(origin, target)
        if untouched_origin(source, target):
            return True
        zfs.destroy(target)
    return False


def remove(top: str) -> None:
    """Destroy a dataset with all below it; what was cloned from them stays. Idempotent."""
    if not zfs.exists(top):
        return
    with LINEAGE:
        found = [(name, int(age or 0)) for name, age in zfs.datasets(top, "name", "createtxg")]
        for dataset, _ in sorted(found, key=lambda each: (-each[0].count("/"), -each[1])):
            _remove_one(dataset)


def collect(top: str) -> None:
    """Destroy our snapshots, of a dataset and all below it, that nothing was cloned from: a crash may leave some."""
    with LINEAGE:
        for snapshot in zfs.snapshots(top, is_recursive=True):
            _collect_one(snapshot)


def untouched_origin(dataset: str, twin: str) -> bool:
    """Tell whether a clone is still as its origin was, by comparing it with a fresh clone of the same."""
    return zfs.properties(dataset, "written", "origin") == zfs.properties(twin, "written", "origin")


def origin_of(name: str) -> str | None:
    """Return the snapshot that a dataset was cloned from."""
    (origin,) = zfs.properties(name, "origin")
    return origin


def call_origin(dataset: str, volume: str, snapshot: str) -> None:
    """Name the origin of a snapshot's dataset after it, if it is one of the volume's, and the name is free.

    The name is for people, and for streams; nothing else depends on it.
    """
    origin = origin_of(dataset)
    wanted = f"{volume}@{NAMED}{snapshot}"
    if origin is None or not origin.startswith((f"{volume}@{STAGED}", f"{volume}@{NAMED}")) or origin == wanted:
        return
    with LINEAGE:
        if not zfs.exists(wanted):
            zfs.rename(origin, wanted)


def take_over(dataset: str, former: str) -> None:
    """Let a clone of a former dataset have the snapshots that they share."""
    origin = origin_of(dataset)
    if origin is not None and origin.startswith(f"{former}@"):
        with LINEAGE:
            zfs.promote(dataset)


def is_earlier(snapshot: str, later: str) -> bool:
    """Tell whether one snapshot is among what another one came from: a difference between them can be sent then."""
    while True:
        dataset = later.partition("@")[0]
        names = [each.name for each in zfs.snapshots(dataset)]
        if snapshot in names[: names.index(later)]:
            return True
        origin = origin_of(dataset)
        if origin is None or origin == snapshot:
            return origin is not None
        later = origin


def _remove_one(dataset: str) -> None:
    while heirs := [snapshot for snapshot in zfs.snapshots(dataset) if snapshot.clones]:
        heir = _heir(heirs[-1].clones)
        _make_way(dataset, heir)
        zfs.promote(heir)
        for snapshot in zfs.snapshots(heir):
            _collect_one(snapshot)
    origin = origin_of(dataset)
    zfs.destroy(dataset)
    if origin is not None:
        _collect_origin(origin)


def _collect_origin(origin: str) -> None:
    for snapshot in zfs.snapshots(origin.partition("@")[0]):
        if snapshot.name == origin:
            _collect_one(snapshot)


def _collect_one(snapshot: zfs.Snapshot) -> None:
    if not snapshot.clones and snapshot.bare_name.startswith(_OURS):
        zfs.destroy(snapshot.name)


def _heir(clones: tuple[str, ...]) -> str:
    """Choose who takes over: a volume rather than a snapshot of one, who has taken over before, who came last."""
    return max(clones, key=lambda each: ("-snapshots/" not in each, len(zfs.snapshots(each)), _age(each)))


def _age(dataset: str) -> int:
    (created,) = zfs.properties(dataset, "createtxg")
    return int(created or 0)


def _make_way(dataset: str, heir: str) -> None:
    """Rename snapshots whose names the heir has already: two of one name can't be in one dataset."""
    taken = {snapshot.bare_name for snapshot in zfs.snapshots(heir)}
    for snapshot in zfs.snapshots(dataset):
        if snapshot.bare_name in taken:
            (guid,) = zfs.properties(snapshot.name, "guid")
            zfs.rename(snapshot.name, f"{snapshot.name}-{guid}")
