"""Which devices show a volume."""

from __future__ import annotations

from holdfast.model.volume_use import Attachment, attachments, repointed

DEVICES = {
    "root": {"type": "disk", "path": "/", "pool": "p"},
    "host": {"type": "disk", "path": "/srv", "source": "/srv"},
    "data": {"type": "disk", "path": "/data", "pool": "p", "source": "v1"},
    "more": {"type": "disk", "path": "/more", "pool": "q", "source": "v1"},
    "none": {"type": "none"},
}


def test_only_disks_with_pool_and_source_show_volumes() -> None:
    assert list(attachments(DEVICES)) == [
        Attachment(device="data", pool="p", name="v1"),
        Attachment(device="more", pool="q", name="v1"),
    ]


def test_devices_follow_the_one_volume() -> None:
    moved = repointed(DEVICES, "p", "v1", new_pool="q", new_name="v2")
    assert moved is not None
    assert moved["data"] == {"type": "disk", "path": "/data", "pool": "q", "source": "v2"}
    assert {name: device for name, device in moved.items() if name != "data"} == {
        name: device for name, device in DEVICES.items() if name != "data"
    }
    assert repointed(DEVICES, "p", "other", new_pool="q", new_name="v2") is None
