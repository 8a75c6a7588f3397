"""The table of configuration keys over the API: what values are checked by, in LXD's shape."""

from __future__ import annotations

from holdfast.model.instance_keys import INSTANCE_KEYS
from holdfast.model.server_keys import PROJECT_KEYS, SERVER_KEYS
from holdfast.model.volume_keys import VOLUME_KEYS
from support.api_server import Running
from support.http import ask


def test_every_key_is_told(api: Running) -> None:
    configs = ask(api.socket, "GET", "/1.0/metadata/configuration").body["metadata"]["configs"]
    tables = {
        "instance": INSTANCE_KEYS,
        "project": PROJECT_KEYS,
        "server": SERVER_KEYS,
        "storage-btrfs": VOLUME_KEYS,
        "storage-dir": VOLUME_KEYS,
    }
    for entity, table in tables.items():
        told = [name for group in configs[entity].values() for key in group["keys"] for name in key]
        kept = {key.name for key in table.keys} - ({"volatile.uuid"} if table is VOLUME_KEYS else set())
        assert sorted(told) == sorted(kept), entity
        assert len(told) == len(set(told))


def test_what_is_told_of_one(api: Running) -> None:
    configs = ask(api.socket, "GET", "/1.0/metadata/configuration").body["metadata"]["configs"]
    instance = {
        name: (group, option)
        for group, found in configs["instance"].items()
        for key in found["keys"]
        for name, option in key.items()
    }
    assert instance["snapshots.keep"][0] == "snapshots"
    assert {**instance["snapshots.keep"][1], "shortdesc": ""} == {
        "type": "string",
        "shortdesc": "",
        "longdesc": "",
        "defaultdesc": "",
        "liveupdate": "yes",
        "scope": "",
        "kind": "keep",
        "only": "holdfast",
    }
    group, option = instance["limits.memory.swap.priority"]
    assert (group, option["type"], option["defaultdesc"]) == ("resource-limits", "integer", "10")
    assert instance["security.nesting"][1]["type"] == "bool"
    (server,) = [key for key in configs["server"]["core"]["keys"] if "core.https_address" in key]
    assert server["core.https_address"]["scope"] == "global"
