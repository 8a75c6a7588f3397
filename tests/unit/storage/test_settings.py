"""The keys of pools."""

from __future__ import annotations

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.storage import settings
from holdfast.storage.drivers.btrfs import BtrfsDriver
from holdfast.storage.drivers.dir import DirDriver


@pytest.mark.parametrize(
    "config",
    [
        {"source": "/srv/pool"},
        {"volatile.initial_source": "/dev/sdb"},
        {"rsync.bwlimit": "10MB", "rsync.compression": "true"},
        {"volume.size": "anything", "user.colour": "blue"},
        {"source": ""},
    ],
)
def test_common_keys_are_taken(config: dict[str, str]) -> None:
    settings.check_config(config, settings.COMMON)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"size": "10GiB"}, 'Invalid option "size"'),
        ({"source": "/srv/../etc"}, 'option "source"'),
        ({"source": "relative"}, 'option "source"'),
        ({"source": "/srv/a\nb"}, 'option "source"'),
        ({"rsync.compression": "maybe"}, r'option "rsync\.compression"'),
        ({"": "x"}, 'Invalid option ""'),
    ],
)
def test_others_are_refused_by_name(config: dict[str, str], named: str) -> None:
    with pytest.raises(BadRequestError, match=named):
        DirDriver.check_config(config)


def test_btrfs_takes_a_size_and_the_uuid_of_a_device() -> None:
    BtrfsDriver.check_config({"source": "0b4a3b3c-57a5-4d35-8a42-bf0a5a6ad9a8"})
    BtrfsDriver.check_config({"size": "10GiB", "btrfs.mount_options": "noatime,compress=zstd:3"})
    with pytest.raises(BadRequestError, match='"size"'):
        BtrfsDriver.check_config({"size": "large"})
