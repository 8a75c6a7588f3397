"""A restore in a pool that is nearly full can't be undone: the page says so, and until somebody has taken note."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from support.holdfast import HoldfastServer
from support.webpage import WebPage

pytestmark = [pytest.mark.root, pytest.mark.needs("chromium")]


@pytest.fixture
def tight(web_server: HoldfastServer, tmp_path: Path) -> Iterator[str]:
    """An instance with a snapshot, in a pool of which less than a twentieth is free, and yet enough for a restore."""

    def run(*command: str) -> None:
        done = web_server.holdfast(*command)
        assert done.returncode == 0, f"{command}: {done.stderr}"

    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "none", tmp_path], check=True)
    try:
        run("storage", "create", "tight", "dir", f"source={tmp_path}")
        run("init", "busybox", "tight", "-s", "tight")
        run("snapshot", "create", "tight", "good")
        with (tmp_path / "filler").open("wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, shutil.disk_usage(tmp_path).free - 15 * 2**20)
        yield "tight"
        run("delete", "tight")
        run("storage", "delete", "tight")
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_restore_that_can_not_be_undone_says_so(web: WebPage, tight: str) -> None:
    web.open(f"/instances/{tight}/snapshots")
    web.button("Restore… good").click()
    web.submit("Restore")
    expect(web.page.get_by_text("It is done, but can't be undone: its pool is nearly full")).to_be_visible()
    expect(web.page.get_by_text("It can be undone at the top")).to_have_count(0)
    expect(web.button("Undo the restore…")).to_have_count(0)
