"""Records of instances as they cross between servers: what LXD doesn't know is spelled as user keys, as in exports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from holdfast.archive.idmap import HostMap, Range, parse_host_map
from holdfast.archive.own_keys import snapshot_config, with_own_facts
from holdfast.migration.header import IdRange, SentSnapshot
from holdfast.model.errors import BadRequestError, MigrationError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.instance_changes import DISK_MAP_KEY
from holdfast.model.instance_identity import UNSHIFTED
from holdfast.service.import_plan import imported_snapshot


def sent_snapshot(snapshot: Snapshot) -> SentSnapshot:
    return SentSnapshot(
        name=snapshot.name,
        config={DISK_MAP_KEY: UNSHIFTED, **snapshot_config(snapshot)},
        devices=snapshot.devices,
        profiles=snapshot.profiles,
        ephemeral=snapshot.ephemeral,
        stateful=snapshot.stateful,
        architecture=snapshot.architecture,
        created_at=snapshot.created_at,
        last_used_at=snapshot.last_used_at,
        expires_at=snapshot.expires_at,
    )


def received_snapshot(sent: SentSnapshot, pool: str, now: datetime) -> Snapshot:
    """Return the record to write, checked as one from an export file is."""
    snapshot = Snapshot(
        name=sent.name,
        created_at=sent.created_at or now,
        expires_at=sent.expires_at,
        last_used_at=sent.last_used_at,
        architecture=sent.architecture or "x86_64",
        config=sent.config,
        devices=sent.devices,
        profiles=sent.profiles,
        ephemeral=sent.ephemeral,
        stateful=sent.stateful,
    )
    try:
        return imported_snapshot(with_own_facts(snapshot), pool)
    except BadRequestError as error:
        raise MigrationError(f'Snapshot "{sent.name[:80]}" can\'t be taken: {error}') from error


def sent_map(instance: Instance) -> tuple[IdRange, ...]:
    """Return the owners on the instance's disk as they are offered; nothing if they are those inside."""
    found = parse_host_map(instance.config.get(DISK_MAP_KEY, ""))
    ranges = found.ranges if found is not None else ()
    return tuple(IdRange(each.is_uid, each.is_gid, each.host, each.inside, each.size) for each in ranges)


def received_map(ranges: tuple[IdRange, ...]) -> HostMap | None:
    """Return what takes the owners of a received tree back to those inside; None if they are those already."""
    if not ranges:
        return None
    if any(number < 0 for each in ranges for number in (each.host, each.inside, each.size)):
        raise MigrationError("The other server sent a range of ids that is none")
    return HostMap(tuple(Range(each.is_uid, each.is_gid, each.host, each.inside, each.size) for each in ranges))


def base_of(offered: Sequence[str], sent: Sequence[str]) -> str | None:
    """Return the snapshot before the first that is sent, which differences build on; the newest, if none is."""
    before = offered[: offered.index(sent[0])] if sent else offered
    return before[-1] if before else None
