"""Time the web page with many instances: first load, the list, scrolling, memory; in Debian's Chromium, over HTTPS.

    benchmarks/web_page.py [--instances 1000] [--snapshots 20] [--markdown OUT]

Instances and snapshots are records without storage: what is measured reads none. The page must be built (`./test` and
`./run` do that).
"""

from __future__ import annotations

import argparse
import re
import shutil
import statistics
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from holdfast.db import instances as instances_table
from holdfast.db import snapshots as snapshots_table
from holdfast.db.database import Database, sqlite_url
from holdfast.model.instance import Instance, Snapshot
from holdfast.service.paths import Paths
from support.holdfast import HoldfastServer, short_directory
from support.ports import free_port

CHROMIUM = "/usr/bin/chromium"
SCROLLED_S = 5
FRAMES = """
async (seconds) => {
  const list = document.scrollingElement.scrollHeight > innerHeight ? document.scrollingElement
    : [...document.querySelectorAll('*')].filter((each) => each.scrollHeight > each.clientHeight + 500)
      .sort((one, other) => other.scrollHeight - one.scrollHeight)[0];
  const frames = [];
  const end = performance.now() + seconds * 1000;
  let last = performance.now();
  while (last < end) {
    list.scrollTop += 120;
    if (list.scrollTop + list.clientHeight >= list.scrollHeight - 2) list.scrollTop = 0;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  return frames;
}
"""
LOADED = """
() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
  .filter((each) => each.name.includes('/ui/')).reduce((sum, each) => sum + each.encodedBodySize, 0)
"""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    what: str
    value: float
    unit: str


def fill(server: HoldfastServer, instances: int, snapshots: int) -> None:
    """Write the records while the server doesn't run."""
    now = datetime.now(UTC)
    database = Database(sqlite_url(Paths(server.directory).database))
    with database.write() as connection:
        for number in range(instances):
            name = f"instance-{number:04}"
            instances_table.insert(
                connection,
                Instance(
                    project="default",
                    name=name,
                    created_at=now,
                    profiles=("default",),
                    config={"snapshots.schedule": "@daily", "image.os": "Debian", "image.release": "bookworm"},
                    pool="default",
                ),
            )
            for age in range(snapshots):
                taken = Snapshot(name=f"snap{age}", created_at=now - timedelta(days=age), profiles=("default",))
                snapshots_table.insert(connection, "default", name, taken)
    database.close()


def heap_mib(page: Page) -> float:
    """Return what the page's scripts hold, after a collection of what they don't."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return float(found["JSHeapUsedSize"]) / 2**20


def peak_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def measure(instances: int, snapshots: int) -> list[Row]:
    """Run it all."""
    directory = short_directory()
    try:
        with HoldfastServer(directory / "server") as server:
            server.stop()
            fill(server, instances, snapshots)
            server.start()
            server.lxc.run("config", "set", "core.https_address", f"127.0.0.1:{free_port()}")
            shown = server.holdfast("ui", "link", "--no-open").stdout
            link = re.search(r"https://\S+", shown)
            assert link is not None, shown
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                page = browser.new_context(ignore_https_errors=True, viewport={"width": 1440, "height": 900}).new_page()
                page.goto(link[0])
                page.get_by_role("button").click()
                page.wait_for_url("**/ui/**")
                rows = _visit(page, f"https://{link[0].split('/')[2]}/ui/instances", instances)
                browser.close()
            return [*rows, Row("peak memory of the server", peak_mib(server.pid), "MiB")]
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _visit(page: Page, url: str, instances: int) -> list[Row]:
    ready, usable, answers = [], [], []
    for _ in range(5):
        begun = time.monotonic()
        page.goto(url, wait_until="load")
        loaded = time.monotonic()
        page.get_by_text(f"{instances:,} in all".replace(",", "")).or_(
            page.get_by_text(f"{instances:,} in all")
        ).wait_for()
        usable.append(time.monotonic() - loaded)
        ready.append(time.monotonic() - begun)
        begun = time.monotonic()
        page.get_by_role("searchbox").fill("instance-0777")
        page.get_by_role("link", name="instance-0777").wait_for()
        answers.append(time.monotonic() - begun)
    first_load = page.evaluate(LOADED)
    page.get_by_role("searchbox").fill("")
    page.get_by_role("link", name="instance-0000").wait_for()
    before = heap_mib(page)
    frames = page.evaluate(FRAMES, SCROLLED_S)
    return [
        Row("files of the page, as sent", first_load / 1000, "kB"),
        Row("list usable after the load event", statistics.median(usable), "s"),
        Row("list usable after the address is opened", statistics.median(ready), "s"),
        Row("search answers", statistics.median(answers), "s"),
        Row("scrolling: median of a frame", statistics.median(frames), "ms"),
        Row("scrolling: 95 of 100 frames within", statistics.quantiles(frames, n=20)[-1], "ms"),
        Row("scrolling: longest frame", max(frames), "ms"),
        Row("memory of the page before scrolling", before, "MiB"),
        Row("memory of the page after scrolling", heap_mib(page), "MiB"),
    ]


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=1000)
    parser.add_argument("--snapshots", type=int, default=20)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    rows = measure(options.instances, options.snapshots)
    table = [f"| {options.instances} instances with {options.snapshots} snapshots | |", "|---|---|"]
    table += [f"| {row.what} | {row.value:.3g} {row.unit} |" for row in rows]
    print("\n".join(table))
    if options.markdown:
        options.markdown.write_text("\n".join(table) + "\n")


if __name__ == "__main__":
    main()
