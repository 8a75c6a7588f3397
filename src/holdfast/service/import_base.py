"""What an incremental file is imported onto: the instance here that has its base, and that very snapshot of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from holdfast.archive.export_index import Base, ExportIndex
from holdfast.model.errors import ArchiveError, BadRequestError, ConflictError
from holdfast.model.instance import Instance, Snapshot
from holdfast.service.surroundings import volume_of
from holdfast.storage.driver import Driver, Origin


@dataclass(frozen=True, slots=True)
class Onto:
    """The snapshot here that the file's base is, and those that the file's take the place of, being the same."""

    base: Origin
    replaced: tuple[str, ...]


def check_way(index: ExportIndex, *, is_onto: bool) -> None:
    """Raise if the file can't come in like this: a difference without its base, or something whole onto one."""
    if index.base is not None and not is_onto:
        raise ArchiveError(
            f"The file holds only the difference to {_described(index, index.base)}: "
            "import it onto an instance that has this snapshot (--onto)"
        )
    if index.base is None and is_onto:
        raise BadRequestError(f'The file holds all of "{index.name}", not a difference: import it, or with --replace')


def find_base(index: ExportIndex, instance: Instance, snapshots: Sequence[Snapshot], driver: Driver) -> Onto:
    """Return where the file belongs; raise, with the base that it needs, if the instance doesn't have it.

    A snapshot of the file that is here already must be the same.
    """
    assert index.base is not None
    assert index.definition is not None
    volume = volume_of(instance)
    identities = {each.name: driver.sent_identity(volume, each.name) for each in snapshots}
    found = next((name for name, identity in identities.items() if identity == index.base.identity), None)
    if found is None:
        another = " (the one of that name is another)" if index.base.snapshot in identities else ""
        raise ConflictError(
            f"The file holds the difference to {_described(index, index.base)}, and {instance.name} has no such "
            f"snapshot{another}: import first the files that lead up to it, made with --optimized-storage or --since"
        )
    there = {each.name: each.created_at for each in snapshots}
    coming = {each.name: each.created_at for each in index.definition.snapshots}
    replaced = tuple(name for name in there if name in coming)
    others = [name for name in replaced if name == found or not _is_same_moment(there[name], coming[name])]
    if others:
        raise ConflictError(
            f"{instance.name} has other snapshots under names of the file's: {', '.join(others)}. "
            "Rename or delete them first"
        )
    return Onto(Origin(volume=volume, snapshot=found), replaced)


def _is_same_moment(one: datetime, other: datetime) -> bool:
    """Compare when snapshots were taken; one that came from another server tells whole seconds."""
    if one.microsecond and other.microsecond:
        return one == other
    return one.replace(microsecond=0) == other.replace(microsecond=0)


def _described(index: ExportIndex, base: Base) -> str:
    taken = f", taken {base.created_at:%Y-%m-%d %H:%M:%S} UTC" if base.created_at else ""
    return f'snapshot "{base.snapshot}" of "{index.name}"{taken} (btrfs {base.identity})'
