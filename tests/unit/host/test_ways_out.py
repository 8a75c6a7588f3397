"""Links that would lead a confined program out of a tree that it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.host.ways_out import entries_to_show, leads_out


@pytest.mark.parametrize(
    ("parent", "target", "is_out"),
    [
        ("rootfs", "usr/bin", False),
        ("rootfs", "/usr/bin", True),
        ("rootfs", "//usr/./bin/", True),
        ("rootfs", "/usr/bin/env", False),
        ("rootfs", "/usr/no/such/place", False),
        ("rootfs", "/run/lock", False),
        ("rootfs", "/etc", True),
        ("rootfs", "/etc/ssl", False),
        ("rootfs", "/", True),
        ("rootfs", "/former/rootfs", True),
        ("rootfs", "/target", True),
        ("rootfs/a", "../../b", False),
        ("rootfs/a", "../../../usr", True),
        ("rootfs/a", "../../../run", False),
        ("rootfs/a", "../../..", True),
        ("rootfs", "a/../b", True),
        ("", "..", True),
        ("", "rootfs", False),
    ],
)
def test_leads_out(parent: str, target: str, *, is_out: bool) -> None:
    assert leads_out(parent.encode(), target.encode()) is is_out


def test_one_link_is_enough(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/link").symlink_to("b")
    (tmp_path / "a/run").symlink_to("/run")
    assert entries_to_show(tmp_path, 4) == 4
    assert entries_to_show(tmp_path, 3) is None
    (tmp_path / "a/b/out").symlink_to("/usr")
    assert entries_to_show(tmp_path, 100) is None
