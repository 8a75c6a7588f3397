"""The rules of devices."""

from __future__ import annotations

import pytest

from holdfast.model.device_rules import check_devices, check_expanded_devices
from holdfast.model.errors import BadRequestError

ROOT = {"type": "disk", "path": "/", "pool": "default"}


@pytest.mark.parametrize(
    "device",
    [
        ROOT,
        {**ROOT, "size": "10GiB"},
        {"type": "disk", "path": "/mnt/data", "source": "/srv/data", "readonly": "true"},
        {"type": "nic", "nictype": "bridged", "parent": "br0", "name": "eth0", "hwaddr": "00:16:3e:00:00:01"},
        {"type": "none"},
    ],
)
def test_accepted(device: dict[str, str]) -> None:
    check_devices({"d": device})


@pytest.mark.parametrize(
    ("device", "text"),
    [
        ({}, "Missing device type"),
        ({"type": "gpu"}, r'Unsupported device type "gpu" \(this server has disk, nic, none\)'),
        ({"type": "proxy", "listen": "tcp:0.0.0.0:80"}, "Unsupported device type"),
        ({**ROOT, "bogus": "1"}, 'Invalid device option "bogus"'),
        ({**ROOT, "size": "big"}, 'Invalid value for device option "size"'),
        ({**ROOT, "source": "/srv"}, "may not have"),
        ({"type": "disk", "path": "/"}, 'must have a "pool"'),
        ({"type": "disk", "source": "/srv"}, '"path"'),
        ({"type": "disk", "path": "mnt", "source": "/srv"}, "absolute"),
        ({"type": "disk", "path": "/mnt/../etc", "source": "/srv"}, "absolute"),
        ({"type": "disk", "path": "/mnt", "source": "../srv"}, "absolute path of the host"),
        ({"type": "disk", "path": "/mnt", "source": "/srv/../etc"}, "absolute path of the host"),
        ({"type": "disk", "path": "/mnt"}, '"source"'),
        (
            {"type": "disk", "path": "/mnt", "source": "/vol", "pool": "default"},
            "cannot be specified as absolute paths",
        ),
        ({"type": "disk", "path": "mnt", "source": "vol", "pool": "default"}, "Invalid path"),
        ({"type": "disk", "path": "/mnt\nlxc.hook=x", "source": "/srv"}, "line breaks"),
        ({"type": "nic", "nictype": "macvlan", "parent": "eth0"}, "not one of"),
        ({"type": "nic", "network": "lxdbr0"}, 'Invalid device option "network"'),
        ({"type": "nic", "nictype": "bridged"}, '"parent"'),
        ({"type": "nic", "nictype": "bridged", "parent": "br0\nlxc.x=y"}, "line breaks"),
        ({"type": "nic", "nictype": "bridged", "parent": "br0", "name": "../x"}, "interface name"),
    ],
)
def test_refused(device: dict[str, str], text: str) -> None:
    with pytest.raises(BadRequestError, match=f'^Device validation failed for "d": .*{text}'):
        check_devices({"d": device})


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "x" * 65])
def test_bad_names(name: str) -> None:
    with pytest.raises(BadRequestError):
        check_devices({name: ROOT})


def test_one_root_disk() -> None:
    with pytest.raises(BadRequestError, match="Only one root disk"):
        check_devices({"root": ROOT, "other": ROOT})
    with pytest.raises(BadRequestError, match="No root device could be found"):
        check_expanded_devices({"eth0": {"type": "none"}})
    check_expanded_devices({"root": ROOT})


def test_two_disks_at_one_path() -> None:
    disk = {"type": "disk", "path": "/mnt", "source": "/srv"}
    with pytest.raises(BadRequestError, match="same path"):
        check_expanded_devices({"root": ROOT, "a": disk, "b": {**disk, "path": "/mnt/"}})
