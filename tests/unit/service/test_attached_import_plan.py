"""Where the volumes in an instance's file go, and how the instance and its snapshots show them then."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from holdfast.archive.definition import Definition
from holdfast.archive.export_index import ExportIndex
from holdfast.archive.volume_definition import VolumeDefinition
from holdfast.model.instance import Device, Instance, Snapshot
from holdfast.model.profile import Profile
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.service.attached_import_plan import Attached, Place, wanted_places, with_volumes
from holdfast.service.volume_building import NewVolume

NOW = datetime(2026, 11, 30, tzinfo=UTC)
ROOT = {"type": "disk", "path": "/", "pool": "p"}


def shown(pool: str, name: str, **more: str) -> dict[str, str]:
    return {"type": "disk", "pool": pool, "source": name, "path": f"/{name}", **more}


def part(pool: str, name: str) -> ExportIndex:
    volume = CustomVolume(project="", pool=pool, name=name, created_at=NOW, config={"volatile.uuid": f"old {name}"})
    snapshot = VolumeSnapshot(name="s", created_at=NOW, config={"volatile.uuid": f"old {name}/s"})
    return ExportIndex(
        name=name,
        backend="dir",
        pool=pool,
        type="custom",
        is_optimized=False,
        snapshots=("s",),
        definition=None,
        volume=VolumeDefinition(volume=volume, snapshots=(snapshot,)),
    )


DEFINITION = Definition(
    instance=Instance(
        project="",
        name="c1",
        created_at=NOW,
        pool="p",
        profiles=("default", "extra"),
        devices={"root": ROOT, "a": shown("p", "one"), "other": shown("p", "elsewhere")},
    ),
    snapshots=(
        Snapshot(
            name="s",
            created_at=NOW,
            config={"volatile.attached_volumes": json.dumps({"old one": "old one/s", "strange": "strange/s"})},
            devices={"root": ROOT, "a": shown("p", "one")},
        ),
    ),
    profiles=(Profile(project="", name="extra", devices={"b": shown("q", "two")}),),
)
INDEX = ExportIndex(
    name="c1",
    backend="dir",
    pool="p",
    type="container",
    is_optimized=False,
    snapshots=(),
    definition=DEFINITION,
    attached=(part("p", "one"), part("q", "two")),
)


@pytest.mark.parametrize(
    ("wanted", "pool", "places"),
    [
        ({}, None, [("p", "one"), ("q", "two")]),
        ({}, "r", [("r", "one"), ("r", "two")]),
        ({"a": {"source": "x"}}, None, [("p", "x"), ("q", "two")]),
        ({"b": {"source": "x", "pool": "y"}}, "r", [("r", "one"), ("y", "x")]),
        ({"a": {"type": "none"}}, None, [None, ("q", "two")]),
        ({"a": {"path": "/other"}, "root": {"size": "1GiB"}}, None, [("p", "one"), ("q", "two")]),
        ({"elsewhere": {"type": "none"}}, None, [("p", "one"), ("q", "two")]),
    ],
)
def test_places(wanted: Mapping[str, Device], pool: str | None, places: list[Place | None]) -> None:
    assert wanted_places(INDEX, wanted, pool) == places


def made(number: int, pool: str, name: str) -> Attached:
    index = INDEX.attached[number]
    assert index.volume is not None
    volume = replace(index.volume.volume, pool=pool, name=name, config={"volatile.uuid": f"new {number}"})
    snapshots = (replace(index.volume.snapshots[0], config={"volatile.uuid": f"new {number}/s"}),)
    return Attached(index, NewVolume(volume, snapshots))


def test_devices_follow_the_volumes() -> None:
    here = [Profile(project="", name="extra", devices={"b": shown("q", "two")})]
    found = with_volumes(DEFINITION, [made(0, "r", "x"), made(1, "q", "two")], here)
    assert found.instance.devices["a"] == shown("p", "one") | {"pool": "r", "source": "x"}
    assert found.instance.devices["other"] == shown("p", "elsewhere")
    assert "b" not in found.instance.devices
    assert found.snapshots[0].devices["a"]["source"] == "x"


@pytest.mark.parametrize("here", [[], [Profile(project="", name="extra", devices={"b": shown("q", "another")})]])
def test_what_profiles_here_do_not_bring_becomes_its_own(here: list[Profile]) -> None:
    found = with_volumes(DEFINITION, [made(1, "q", "y")], here)
    assert found.instance.devices["b"] == shown("q", "two") | {"source": "y"}
    assert found.instance.devices["a"] == shown("p", "one")


def test_snapshots_know_the_volumes_by_their_new_identity() -> None:
    found = with_volumes(DEFINITION, [made(0, "p", "one")], [])
    taken = json.loads(found.snapshots[0].config["volatile.attached_volumes"])
    assert taken == {"new 0": "new 0/s", "strange": "strange/s"}


def test_without_volumes_nothing_changes() -> None:
    assert with_volumes(DEFINITION, [], []) == DEFINITION
