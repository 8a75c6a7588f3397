"""A file of 2 GB by upload, with the server gone in the middle: it goes on where it stopped, in little memory."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from support import closing
from support.holdfast import HoldfastServer
from support.pools import rootfs
from support.waiting import await_true
from support.webpage import WebPage

pytestmark = [
    pytest.mark.root,
    pytest.mark.needs("lxc", "chromium"),
    pytest.mark.long,
    pytest.mark.timeout(900),
]

CONTENT_BYTES = 2 * 2**30
CUT_AFTER_BYTES = 600 * 2**20
MOST_BYTES_PER_S = 100 * 2**20
MOST_MIB = 300


def uploads(server: HoldfastServer) -> list[dict[str, Any]]:
    done = server.holdfast("query", "/1.0/uploads?recursion=1")
    return json.loads(done.stdout) if done.returncode == 0 else []


def sent_bytes(server: HoldfastServer) -> list[int]:
    return [int(each["offset"]) for each in uploads(server)]


@contextmanager
def slowly(web: WebPage) -> Iterator[None]:
    """Let the page send no more than so much: faster it might be done before anybody has looked."""
    browser = web.context.new_cdp_session(web.page)
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1}
    browser.send("Network.enable")
    browser.send("Network.emulateNetworkConditions", {**conditions, "uploadThroughput": MOST_BYTES_PER_S})
    yield
    browser.send("Network.emulateNetworkConditions", {**conditions, "uploadThroughput": -1})
    browser.detach()


def peak_mib(pid: int) -> float:
    """Return the most memory that a process had resident since it started."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def peaks_of_pages(browser: Browser) -> list[float]:
    """Return it for the processes of the browser that show pages; one that is kept for the next may just end."""
    shown = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    found = []
    for each in shown:
        if each["type"] == "renderer":
            with suppress(OSError, AssertionError):
                found.append(peak_mib(int(each["id"])))
    return found


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
    with slowly(web):
        web.button("Upload and import", within=web.dialog).click()
        await_true(lambda: sum(sent_bytes(web_server)) >= CUT_AFTER_BYTES, "much is sent", timeout_s=300)
        peaks = [peak_mib(web_server.pid)]
        web_server.kill()
        web_server.start()
        (kept_bytes,) = sent_bytes(web_server)
    assert kept_bytes >= CUT_AFTER_BYTES - 16 * 2**20, "what was taken is there after the cut"
    expect(web.page.get_by_role("heading", level=1)).to_contain_text("large-again", timeout=400_000)
    assert uploads(web_server) == []
    assert (rootfs(web_server, "default", "large-again") / "content").stat().st_size == CONTENT_BYTES
    peaks.append(peak_mib(web_server.pid))
    pages = peaks_of_pages(chromium)
    lines = closing.lines(request.config, "an upload of 2 GB by the web page, cut in the middle")
    lines.append(f"kept {kept_bytes >> 20} MiB; server at most {max(peaks):.0f} MiB, page {max(pages):.0f} MiB")
    assert max(peaks) < MOST_MIB
    assert max(pages) < MOST_MIB
    assert web_server.holdfast("delete", "large-again", "--force").returncode == 0
