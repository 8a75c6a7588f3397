"""What an import makes of a file's definition where the sender wants something otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from holdfast.archive.definition import IDMAP_KEY, Definition
from holdfast.model.errors import BadRequestError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.profile import Profile
from holdfast.service.import_plan import ImportPlan, ImportTarget, plan_import

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROOT = {"type": "disk", "path": "/", "pool": "far"}
SOURCE = Instance(
    project="",
    name="c1",
    created_at=NOW,
    profiles=("old",),
    config={"user.note": "file", "limits.memory": "1GiB", "volatile.eth0.hwaddr": "00:16:3e:00:00:01"},
    devices={"root": ROOT, "eth0": {"type": "nic", "nictype": "bridged", "parent": "br0"}},
    pool="far",
)
WEB = Profile(project="default", name="web", config={"limits.cpu": "2"}, devices={"tty": {"type": "none"}})


def plan(*profiles: Profile, source: Instance = SOURCE, **wishes: Any) -> ImportPlan:
    target = ImportTarget(project="default", name="c2", pool="near", **wishes)
    numbers = iter(f"0000000{number}-1111-4222-8333-444444444444" for number in range(9))
    return plan_import(Definition(instance=source), target, profiles, new_uuid=lambda: next(numbers))


def test_config_of_the_request_stands_and_an_empty_value_takes_a_key_away() -> None:
    made = plan(config={"user.note": "asked", "limits.memory": "", "limits.cpu": "1", "user.absent": ""}).instance
    config = {key: value for key, value in made.config.items() if not key.startswith("volatile.")}
    assert config == {"user.note": "asked", "limits.cpu": "1"}
    assert made.config["volatile.eth0.hwaddr"] == "00:16:3e:00:00:01"


def test_threat_the_merged_config_is_checked() -> None:
    """What neither the file nor the request could have alone isn't let in by the two together, nor hidden by one."""
    with pytest.raises(BadRequestError, match="Invalid value: much"):
        plan(config={"limits.memory": "much"})
    with pytest.raises(BadRequestError, match="nosuch"):
        plan(source=replace(SOURCE, config={"nosuch.key": "1"}), config={"user.note": "x"})
    assert plan(source=replace(SOURCE, config={"nosuch.key": "1"}), config={"nosuch.key": ""}).instance.config


def test_threat_owners_on_disk_are_not_for_the_request_to_say() -> None:
    made = plan(config={IDMAP_KEY: '[{"Isuid":true}]', "volatile.last_state.power": "RUNNING"}).instance
    assert made.config[IDMAP_KEY] == "[]"
    assert "volatile.last_state.power" not in made.config


def test_profiles_of_the_request_stand_instead_of_the_files() -> None:
    made = plan(WEB, profiles=("web",)).instance
    assert made.profiles == ("web",)
    assert made.devices["root"]["pool"] == "near"
    assert plan(profiles=()).instance.profiles == ()
    assert plan(WEB).instance.profiles == ("old",)


def test_a_profile_given_twice_is_refused() -> None:
    with pytest.raises(BadRequestError, match="Duplicate profile"):
        plan(WEB, WEB, profiles=("web", "web"))


def test_threat_the_merged_devices_are_checked() -> None:
    with pytest.raises(BadRequestError, match="size"):
        plan(devices={"root": {"size": "large"}})
    with pytest.raises(BadRequestError, match="data"):
        plan(devices={"data": {"path": "/x"}})
    made = plan(devices={"eth0": {"type": "none"}, "root": {"size": "5GiB"}})
    assert made.instance.devices["eth0"] == {"type": "none"}
    assert made.quota_bytes == 5 * 2**30


def test_snapshots_keep_what_they_had() -> None:
    snapshot = Snapshot(name="s", created_at=NOW, config={"user.note": "then"}, profiles=("old",))
    target = ImportTarget(project="default", name="c2", pool="near", config={"user.note": "asked"}, profiles=())
    made = plan_import(Definition(instance=SOURCE, snapshots=(snapshot,)), target, (), new_uuid=lambda: WEB_UUID)
    assert made.snapshots[0].config["user.note"] == "then"
    assert made.snapshots[0].profiles == ("old",)


WEB_UUID = "00000009-1111-4222-8333-444444444444"


def test_a_device_that_is_not_there_cannot_be_left_out() -> None:
    with pytest.raises(BadRequestError, match='"nodev": Neither the file'):
        plan(devices={"nodev": {"type": "none"}})
    assert plan(WEB, devices={"tty": {"type": "none"}}).instance.devices["tty"] == {"type": "none"}
    told = Profile(project="default", name="old", config={}, devices={"far": {"type": "none"}})
    definition = Definition(instance=SOURCE, profiles=(told,))
    target = ImportTarget(project="default", name="c2", pool="near", devices={"far": {"type": "none"}})
    assert plan_import(definition, target, (), new_uuid=lambda: WEB_UUID).instance.devices["far"] == {"type": "none"}
    extra = {"type": "disk", "path": "/x", "source": "v", "pool": "near"}
    assert plan(devices={"extra": extra}).instance.devices["extra"] == extra


@pytest.mark.parametrize("wish", [{"type": "none"}, {"path": "/elsewhere"}, {"source": "v"}])
def test_the_root_disk_stays_one(wish: dict[str, str]) -> None:
    with pytest.raises(BadRequestError, match='"root" is the root disk'):
        plan(devices={"root": wish})
    inherited = Profile(project="default", name="web", config={}, devices={"root": ROOT})
    with pytest.raises(BadRequestError, match='"root" is the root disk'):
        plan(inherited, source=replace(SOURCE, devices={}), devices={"root": wish})


def test_the_pool_of_the_root_disk_is_that_of_the_instance() -> None:
    with pytest.raises(BadRequestError, match='can\'t be in pool "far": the instance comes into pool "near"'):
        plan(devices={"root": {"pool": "far"}})
    assert plan(devices={"root": {"pool": "near"}}).instance.devices["root"]["pool"] == "near"
