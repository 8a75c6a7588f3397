"""The spool of uploads, on a disk of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.model.errors import NoSpaceError
from holdfast.server.uploads import BLOCK_BYTES, Spool
from holdfast.service.reserve import RESERVE_BYTES

pytestmark = pytest.mark.root


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system with room for the reserve and three blocks."""
    size = RESERVE_BYTES + 3 * BLOCK_BYTES
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", tmp_path], check=True)
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def test_threat_upload_fills_the_disk_of_the_database(disk: Path) -> None:
    spool = Spool(disk)
    with pytest.raises(NoSpaceError):
        for _ in range(5):
            spool.write(bytes(BLOCK_BYTES))
    assert spool.path.stat().st_size > 0
    spool.discard()
    assert list(disk.iterdir()) == []
