"""A file of 2 GB by upload, with the server gone in the middle: it goes on where it stopped, in little memory."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from support import closing
from support.holdfast import HoldfastServer
from support.pools import rootfs
from support.waiting import await_true
from support.webpage import WebPage

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium"), pytest.mark.long]

CONTENT_BYTES = 2 * 2**30
CUT_AFTER_BYTES = 600 * 2**20
MOST_MIB = 300


def uploads(server: HoldfastServer) -> list[dict[str, Any]]:
    done = server.holdfast("query", "/1.0/uploads?recursion=1")
    return json.loads(done.stdout) if done.returncode == 0 else []


def sent_bytes(server: HoldfastServer) -> int:
    return sum(int(each["offset"]) for each in uploads(server))


def peak_mib(pid: int) -> float:
    """Return the most memory that a process had resident since it started."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def renderers(browser: Browser) -> list[int]:
    """Return the processes of the browser that show pages."""
    shown = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return [int(each["id"]) for each in shown if each["type"] == "renderer"]


@pytest.fixture(scope="module")
def large_file(web_server: HoldfastServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export file of 2 GB."""
    assert web_server.holdfast("init", "busybox", "large").returncode == 0
    content = rootfs(web_server, "default", "large") / "content"
    subprocess.run(["dd", "if=/dev/urandom", f"of={content}", "bs=1M", f"count={CONTENT_BYTES >> 20}"], check=True)
    file = tmp_path_factory.mktemp("large") / "large.tar"
    done = web_server.holdfast("export", "large", file, "--compression", "none")
    assert done.returncode == 0, done.stderr
    assert web_server.holdfast("delete", "large").returncode == 0
    return file


def test_an_upload_of_2_gb_goes_on_after_a_cut(
    request: pytest.FixtureRequest, chromium: Browser, web: WebPage, web_server: HoldfastServer, large_file: Path
) -> None:
    web_server.stop()
    web_server.start()
    web.open("/instances")
    web.choose("Create instance", "From an export file…")
    web.dialog.get_by_label("Export file").set_input_files(large_file)
    web.fill(Name="large-again")
    web.button("Upload and import", within=web.dialog).click()
    await_true(lambda: sent_bytes(web_server) >= CUT_AFTER_BYTES, "much is sent", timeout_s=120)
    peaks = [peak_mib(web_server.pid)]
    web_server.kill()
    web_server.start()
    kept_bytes = sent_bytes(web_server)
    assert kept_bytes >= CUT_AFTER_BYTES - 16 * 2**20, "what was taken is there after the cut"
    assert len(uploads(web_server)) == 1
    expect(web.page.get_by_role("heading", level=1)).to_contain_text("large-again", timeout=240_000)
    assert uploads(web_server) == []
    assert (rootfs(web_server, "default", "large-again") / "content").stat().st_size == CONTENT_BYTES
    peaks.append(peak_mib(web_server.pid))
    pages = [peak_mib(pid) for pid in renderers(chromium)]
    lines = closing.lines(request.config, "an upload of 2 GB by the web page, cut in the middle")
    lines.append(f"kept {kept_bytes >> 20} MiB; server at most {max(peaks):.0f} MiB, page {max(pages):.0f} MiB")
    assert max(peaks) < MOST_MIB
    assert max(pages) < MOST_MIB
    assert web_server.holdfast("delete", "large-again", "--force").returncode == 0
