"""How a snapshot remembers the snapshots of volumes that were taken with it."""

from __future__ import annotations

import pytest

from holdfast.model.disk_volumes import DiskVolumesMode, attached, parse_mode, with_attached
from holdfast.model.errors import BadRequestError
from holdfast.model.instance_changes import ATTACHED_VOLUMES_KEY


def test_modes() -> None:
    assert parse_mode("") is parse_mode("root") is DiskVolumesMode.ROOT
    assert parse_mode("all-exclusive") is DiskVolumesMode.ALL_EXCLUSIVE
    with pytest.raises(BadRequestError, match="it is root or all-exclusive"):
        parse_mode("all")


def test_round_trip() -> None:
    config = with_attached({"user.a": "b"}, {"volume": "snapshot"})
    assert config == {"user.a": "b", ATTACHED_VOLUMES_KEY: '{"volume": "snapshot"}'}
    assert attached(config) == {"volume": "snapshot"}
    assert with_attached({"user.a": "b"}, {}) == {"user.a": "b"}
    assert attached({}) == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}', '"x"', '{"a": {"b": "c"}}'])
def test_threat_attached_volumes_from_outside(text: str) -> None:
    with pytest.raises(BadRequestError, match="can't be understood"):
        attached({ATTACHED_VOLUMES_KEY: text})
