"""The light list of what keeps everything safe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from holdfast.db import backups, protections, sent_copies, snapshots
from holdfast.model.backup import Backup, BackupOwner
from holdfast.model.instance import Snapshot
from holdfast.model.protection import ProtectedCopy, Protection
from holdfast.model.sent_copy import SentCopy
from holdfast.service.caller import INTERNAL, Caller
from holdfast.service.volume_requests import VolumeRequest
from support.api_server import Running
from support.clients import Clients
from support.http import ask, outcome

NEW = datetime(2026, 11, 1, 3, tzinfo=UTC)


@pytest.fixture
def furnished(clients: Clients) -> Clients:
    """An instance and a volume in p1 that have something, others in p2 that have nothing."""
    api, services = clients.api, clients.api.services
    services.pools.create(INTERNAL, "d", "dir", "", {})
    for project in ("p1", "p2"):
        body = {
            "name": "web",
            "source": {"type": "none"},
            "devices": {"root": {"type": "disk", "path": "/", "pool": "d"}},
        }
        assert outcome(api.socket, ask(api.socket, "POST", f"/1.0/instances?project={project}", body)) == ""
        services.volumes.volumes.create(Caller(project), "d", VolumeRequest(name="data"))
    owner = BackupOwner(project="p1", name="web")
    with services.database.write() as connection:
        for days in (3, 0, 1):
            snapshots.insert(connection, "p1", "web", Snapshot(name=f"s{days}", created_at=NEW - timedelta(days=days)))
        backups.insert(connection, backup_of(owner, NEW - timedelta(hours=2)))
        backups.insert(connection, backup_of(BackupOwner(project="p1", name="data", pool="d"), NEW))
        protections.insert(connection, protection())
        protections.save_copy(connection, "other", ProtectedCopy(instance="web", succeeded_at=NEW - timedelta(hours=1)))
    return clients


def backup_of(owner: BackupOwner, moment: datetime) -> Backup:
    return Backup(
        owner=owner,
        name="b",
        created_at=moment,
        expires_at=None,
        is_alone=False,
        optimized_storage=False,
        compression="gzip",
    )


def protection() -> Protection:
    return Protection(
        name="other",
        remote="other",
        address="https://192.0.2.1:8443",
        certificate="",
        project="default",
        pattern="*",
        target_project="p1",
        pool="d",
        schedule="@daily",
        created_at=NEW,
    )


def listed(api: Running, query: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = ask(api.socket, "GET", f"/1.0/safety{query}").body["metadata"]
    return found


@pytest.mark.root
def test_what_is_newest(furnished: Clients) -> None:
    instance, volume = listed(furnished.api, "?project=p1")
    assert instance == {
        "subject": "/1.0/instances/web?project=p1",
        "type": "instance",
        "project": "p1",
        "pool": "d",
        "name": "web",
        "snapshots": 3,
        "newest_snapshot_at": "2026-11-01T03:00:00Z",
        "newest_export_at": "2026-11-01T01:00:00Z",
        "newest_copy_at": "2026-11-01T02:00:00Z",
    }
    assert (volume["subject"], volume["snapshots"], volume["newest_snapshot_at"], volume["newest_export_at"]) == (
        "/1.0/storage-pools/d/volumes/custom/data?project=p1",
        0,
        None,
        "2026-11-01T03:00:00Z",
    )
    sent = SentCopy(protocol="tls", username="aa", sent_at=NEW)
    with furnished.api.services.database.write() as connection:
        sent_copies.record(connection, "p1", "web", sent)
    assert listed(furnished.api, "?project=p1")[0]["newest_copy_at"] == "2026-11-01T03:00:00Z"
    everything = listed(furnished.api, "?all-projects=true")
    assert [(each["project"], each["name"]) for each in everything] == [
        ("p1", "web"),
        ("p2", "web"),
        ("p1", "data"),
        ("p2", "data"),
    ]
    assert everything[1]["newest_snapshot_at"] is everything[1]["newest_copy_at"] is None


@pytest.mark.root
def test_volumes_of_a_project_that_has_the_default_ones(furnished: Clients) -> None:
    services = furnished.api.services
    services.projects.create(INTERNAL, "guest", "", {"features.storage.volumes": "false"})
    services.volumes.volumes.create(INTERNAL, "d", VolumeRequest(name="shared"))
    assert [each["name"] for each in listed(furnished.api, "?project=guest")] == ["shared"]
