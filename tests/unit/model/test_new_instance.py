"""What a new instance gets: identity, addresses, a root disk, a name."""

from __future__ import annotations

import json
from itertools import count

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.model.instance_identity import id_map_text, new_identity, with_addresses
from holdfast.model.names import check_instance_name
from holdfast.model.pet_names import pet_name
from holdfast.model.profile import Profile
from holdfast.model.root_disk import choose_root, root_in_pool, root_pool, root_size_bytes

ROOT = {"type": "disk", "path": "/", "pool": "p"}
NIC = {"type": "nic", "nictype": "bridged", "parent": "br0"}


def test_identity_is_new_and_the_state_of_the_disk_is_kept() -> None:
    numbers = count()
    config = {"volatile.uuid": "old", "volatile.last_state.idmap": "shifted", "user.x": "1"}
    made = new_identity(config, template="copy", next_map="m", new_uuid=lambda: f"u{next(numbers)}")
    assert made["volatile.uuid"] == "u0"
    assert made["volatile.cloud-init.instance-id"] == "u1"
    assert made["volatile.last_state.idmap"] == "shifted"
    assert made["volatile.apply_template"] == "copy"
    assert made["user.x"] == "1"


def test_addresses_are_made_once_and_only_where_none_is_given() -> None:
    devices = {"eth0": NIC, "eth1": {**NIC, "hwaddr": "00:16:3e:00:00:01"}, "root": ROOT}
    made = with_addresses({}, devices, lambda size: bytes(range(size)))
    assert made == {"volatile.eth0.hwaddr": "00:16:3e:00:01:02"}
    assert with_addresses(made, devices, lambda size: b"\xff" * size) == made


def test_id_map_as_lxd_writes_it() -> None:
    text = id_map_text(100000, 65536)
    assert text.startswith('[{"Isuid":true,"Isgid":false,"Hostid":100000,"Nsid":0,"Maprange":65536},')
    assert [entry["Isgid"] for entry in json.loads(text)] == [False, True]


def test_root_disk_is_added_only_where_there_is_no_choice() -> None:
    assert choose_root({}, [], ["p"]) == {"root": ROOT}
    assert choose_root({}, [], ["p", "q"]) == {}
    profile = Profile(project="default", name="default", devices={"root": ROOT})
    assert choose_root({}, [profile], ["p"]) == {}
    taken = {"root": {"type": "disk", "path": "/mnt", "source": "/srv"}}
    assert choose_root(taken, [], ["p"])["root0"] == ROOT


def test_root_disk_in_another_pool_overrides_the_profile_and_keeps_its_size() -> None:
    profile = Profile(project="default", name="default", devices={"disk0": {**ROOT, "size": "1GiB"}})
    devices = root_in_pool({}, [profile], "q")
    assert devices == {"disk0": {**ROOT, "size": "1GiB", "pool": "q"}}
    assert root_size_bytes(devices) == 1 << 30
    assert root_in_pool({}, [profile], "p") == {}


def test_no_root_disk_is_told_in_lxds_words() -> None:
    with pytest.raises(BadRequestError, match="Failed getting root disk: No root device could be found"):
        root_pool({})


def test_pet_names_are_valid_and_free() -> None:
    name = pet_name(lambda words: words[0], lambda name: False)
    assert check_instance_name(name) == name
    taken = {name}
    second = pet_name(lambda words: words[0], lambda each: each in taken)
    assert second not in taken
    assert check_instance_name(second) == second
