"""From an instance's devices to what the runtime is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.model.instance import Instance
from holdfast.runtime.base import BindMount, IdMap
from holdfast.service.start_spec import StartPlan, plan_start
from holdfast.service.surroundings import Expanded
from holdfast.service.volume_devices import ShownVolume

INSTANCE = Instance(project="blue", name="c1", created_at=datetime(2026, 1, 1, tzinfo=UTC), pool="p")
ROOT = {"type": "disk", "path": "/", "pool": "p"}


def _plan(devices: dict[str, dict[str, str]], **shown: ShownVolume) -> StartPlan:
    expanded = Expanded({"volatile.eth0.hwaddr": "00:16:3e:00:00:01"}, {"root": ROOT, **devices})
    idmap = IdMap(host_base=100000, size=65536)
    return plan_start(
        INSTANCE, expanded, volume=Path("/v"), shown=shown, log_dir=Path("/l"), idmap=idmap, is_shifted=False
    )


def test_names_and_places() -> None:
    spec = _plan({}).spec
    assert (spec.key, spec.hostname, spec.rootfs) == ("blue_c1", "c1", Path("/v/rootfs"))
    assert (spec.mounts, spec.nics) == ((), ())


def test_mounts(tmp_path: Path) -> None:
    device = {"type": "disk", "path": "/data", "source": str(tmp_path), "readonly": "true", "shift": "true"}
    assert _plan({"data": device}).spec.mounts == (
        BindMount(source=tmp_path, path="/data", is_read_only=True, use_idmap=True),
    )


def test_a_missing_source_is_an_error_unless_it_may_be_missing(tmp_path: Path) -> None:
    device = {"type": "disk", "path": "/data", "source": str(tmp_path / "no")}
    with pytest.raises(BadRequestError, match=r'Failed to start device "data": Source path .* doesn.t exist'):
        _plan({"data": device})
    assert _plan({"data": {**device, "required": "false"}}).spec.mounts[0].is_optional


def test_a_volume_is_mounted_where_it_is_with_its_owners_mapped(tmp_path: Path) -> None:
    device = {"type": "disk", "path": "/data", "pool": "p", "source": "vol"}
    shown = ShownVolume(pool="p", source=tmp_path, use_idmap=True)
    assert _plan({"data": device}, data=shown).spec.mounts == (
        BindMount(source=tmp_path, path="/data", use_idmap=True),
    )
    assert _plan({"data": {**device, "required": "false"}}).spec.mounts == ()


@pytest.mark.parametrize(("parent", "text"), [("nosuchbridge0", "doesn't exist"), ("lo", "is no bridge")])
def test_a_network_interface_needs_a_bridge(parent: str, text: str) -> None:
    with pytest.raises(BadRequestError, match=f'Parent device "{parent}" {text}'):
        _plan({"eth0": {"type": "nic", "nictype": "bridged", "parent": parent}})
