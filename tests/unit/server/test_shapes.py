"""The wire shapes have exactly the keys that LXD 5.0.2 was seen to send."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from holdfast.server.extensions import EXTENSIONS
from holdfast.wire import (
    backup,
    envelope,
    event,
    image,
    instance,
    metadata,
    operation,
    pool,
    profile,
    project,
    snapshot,
    state,
    volume,
    warning,
)
from holdfast.wire import server as wire_server

SEEN: dict[str, list[str]] = json.loads(
    (Path(__file__).parents[2] / "golden/api/keys_of_lxd.json").read_text(encoding="utf-8")
)
SHAPES: dict[str, type[msgspec.Struct]] = {
    "sync envelope": envelope.SyncAnswer,
    "async envelope": envelope.AsyncAnswer,
    "error envelope": envelope.ErrorAnswer,
    "operation": operation.Operation,
    "instance": instance.Instance,
    "instance full": instance.InstanceFull,
    "snapshot": snapshot.Snapshot,
    "state": state.InstanceState,
    "state memory": state.MemoryState,
    "state network": state.NetworkState,
    "state counters": state.Counters,
    "backup": backup.Backup,
    "image": image.Image,
    "image alias": image.ImageAlias,
    "pool": pool.Pool,
    "volume": volume.Volume,
    "volume snapshot": volume.VolumeSnapshot,
    "profile": profile.Profile,
    "project": project.Project,
    "metadata": metadata.InstanceMetadata,
    "warning": warning.ServerWarning,
    "server": wire_server.Server,
    "storage driver": wire_server.StorageDriver,
    "event": event.Event,
    "requestor": event.Requestor,
}


OURS = {
    "backup": {"size"},
    "snapshot": {"description", "held", "schedule", "due_at"},
    "volume snapshot": {"held"},
}
"""What we add, each with an extension that begins with "holdfast_"."""


@pytest.mark.parametrize("name", SHAPES)
def test_keys(name: str) -> None:
    keys = {field.encode_name for field in msgspec.structs.fields(SHAPES[name])}
    assert OURS.get(name, set()) <= keys
    assert sorted(keys - OURS.get(name, set())) == SEEN[name]


OF_NEWER_LXD = {"backup_metadata_version", "import_instance_devices", "metadata_configuration"}
"""Extensions that LXD got after 5.0."""


def test_the_environment_adds_our_version_and_what_a_newer_extension_brings() -> None:
    keys = {field.encode_name for field in msgspec.structs.fields(wire_server.Environment)}
    assert keys - set(SEEN["environment"]) == {
        "holdfast_version",
        "holdfast_stateful",
        "backup_metadata_version_range",
    }
    assert set(SEEN["environment"]) <= keys


def test_extensions_are_known_to_lxd_or_ours_and_named_once() -> None:
    assert {name for name in EXTENSIONS if not name.startswith("holdfast_")} <= {*SEEN["extensions"], *OF_NEWER_LXD}
    assert len(set(EXTENSIONS)) == len(EXTENSIONS)


def test_what_is_not_served_is_not_announced() -> None:
    refused = {"clustering", "network", "virtual-machines", "migration_stateful"}
    assert refused.isdisjoint(EXTENSIONS)
