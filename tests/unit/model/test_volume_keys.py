"""What a volume's configuration may be, and what a new one takes over from its pool."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from holdfast.model.errors import BadRequestError, VolumeConfigError
from holdfast.model.kinds import ContentType
from holdfast.model.names import LONGEST_PROJECT_BYTES, LONGEST_VOLUME_BYTES, check_volume_name
from holdfast.model.volume import CustomVolume
from holdfast.model.volume_keys import (
    UUID_KEY,
    changed_config,
    check_pool_defaults,
    check_volume_config,
    new_config,
    shown_config,
    size_bytes,
)

UUID = "8f5a8f05-0000-4000-8000-000000000001"


def _volume(content_type: ContentType = ContentType.FILESYSTEM, **config: str) -> CustomVolume:
    keys = {name.replace("_", "."): value for name, value in config.items()}
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return CustomVolume(project="default", pool="p", name="v1", content_type=content_type, config=keys, created_at=now)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"size": "10GiB", "snapshots_schedule": "@daily, 0 4 * * *", "snapshots_pattern": "day%d"},
        {"snapshots_expiry": "1M 2H 3d", "user_note": "two\nlines", "security_shifted": "true"},
    ],
)
def test_taken(config: dict[str, str]) -> None:
    check_volume_config(_volume(**config))


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"nope": "1"}, 'Invalid option for volume "default_v1" option "nope"'),
        ({"limits_memory": "1GiB"}, 'option "limits.memory"'),
        ({"size": "lots"}, 'Invalid value for volume "default_v1" option "size": Invalid value: lots'),
        ({"snapshots_schedule": "foo"}, "Schedule must be of the form"),
        ({"snapshots_pattern": "{{ env }}"}, "Invalid snapshot pattern"),
        ({"security_unmapped": "maybe"}, 'boolean "maybe"'),
        ({"security_unmapped": "1", "security_shifted": "yes"}, "mutually exclusive"),
    ],
)
def test_refused(config: dict[str, str], text: str) -> None:
    with pytest.raises(VolumeConfigError, match=text):
        check_volume_config(_volume(**config))


def test_a_disk_has_no_owners_to_map() -> None:
    with pytest.raises(VolumeConfigError, match=r'option "security\.shifted"'):
        check_volume_config(_volume(ContentType.BLOCK, security_shifted="true"))


def test_a_new_volume_takes_over_its_pools_defaults() -> None:
    pool = {"source": "/srv", "volume.size": "1GiB", "volume.snapshots.expiry": "2d", "volume.security.shifted": "true"}
    given = {"snapshots.expiry": "9d", "user.a": "b", "user.empty": "", "volatile.idmap.last": "[]", UUID_KEY: "x"}
    config = new_config(pool, given, ContentType.FILESYSTEM, UUID)
    assert config == {
        "size": "1GiB",
        "snapshots.expiry": "9d",
        "security.shifted": "true",
        "user.a": "b",
        UUID_KEY: UUID,
    }
    assert "security.shifted" not in new_config(pool, {}, ContentType.BLOCK, UUID)


def test_a_change_keeps_what_is_the_servers() -> None:
    before = {"size": "1GiB", UUID_KEY: UUID}
    assert changed_config(before, {"user.a": "b", UUID_KEY: "other", "size": ""}) == {"user.a": "b", UUID_KEY: UUID}


def test_the_identity_is_not_shown() -> None:
    """Real LXD 5.0 refuses the key, and its client sends what it is shown to the other server of a copy."""
    assert shown_config({"size": "1GiB", UUID_KEY: UUID}) == {"size": "1GiB"}


def test_sizes() -> None:
    assert size_bytes({"size": "1MiB"}) == 1 << 20
    assert size_bytes({}) is size_bytes({"size": "0"}) is None


@pytest.mark.parametrize("name", ["volume.nope", "volume.volatile.uuid", "volume."])
def test_pool_defaults_must_be_keys_of_volumes(name: str) -> None:
    with pytest.raises(BadRequestError, match="Invalid option"):
        check_pool_defaults({name: "1"})


def test_pool_defaults_have_values_that_fit() -> None:
    check_pool_defaults({"source": "anything", "volume.size": "1GiB", "volume.user.a": "b"})
    with pytest.raises(BadRequestError, match=r'option "volume\.size"'):
        check_pool_defaults({"volume.size": "lots"})


def test_names_fit_into_one_name_of_a_directory() -> None:
    assert LONGEST_PROJECT_BYTES + len("_") + LONGEST_VOLUME_BYTES <= 255
    check_volume_name("x" * LONGEST_VOLUME_BYTES)
    for name in ("", "a/b", "..", "-x", "a b", "x" * (LONGEST_VOLUME_BYTES + 1)):
        with pytest.raises(BadRequestError):
            check_volume_name(name)
