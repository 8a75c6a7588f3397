"""Make pictures of the web page's pages from a server that runs, for the documentation.

    HOLDFAST_DIR=/var/lib/holdfast .venv/bin/python docs/screenshots.py [DIRECTORY]

Shown are the instance and the volume of the default project with the most snapshots. Needs Debian's chromium.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, sync_playwright
from small_png import small_png

COMMAND: Final = Path(sys.executable).with_name("holdfast")
CHROMIUM: Final = "/usr/bin/chromium"
WIDE: Final = (1120, 760)
NARROW: Final = (390, 844)
DIRECTORY: Final = "/var/lib/holdfast"


@dataclass(frozen=True)
class Picture:
    """One page under a name; `is_narrow` ones are as on a telephone, and dark."""

    name: str
    path: str
    is_narrow: bool = False


def ask(path: str) -> Any:
    return json.loads(run("query", path))


def run(*words: str) -> str:
    return subprocess.run([COMMAND, *words], check=True, capture_output=True, text=True).stdout


def pictures() -> list[Picture]:
    """Return what can be shown of this server: pages of things that aren't there are left out."""
    found = [Picture(name, f"/{name}") for name in LISTS]
    found = [Picture("overview", "/"), *found]
    for tab in SETTINGS:
        found.append(Picture(f"settings-{tab}", f"/settings/{tab}"))
    for name, snapshot in _instances():
        base = f"/instances/{name}"
        found.append(Picture("instance-files", f"{base}/snapshots/files/{snapshot}?path=/etc"))
        found.append(Picture("instance-compare", f"{base}/snapshots/compare?from={snapshot}"))
        found += [Picture(f"instance-{tab}", f"{base}/{tab}") for tab in INSTANCE_TABS]
        found.append(Picture("instance", base))
        found.append(Picture("instance-snapshots-narrow", f"{base}/snapshots", is_narrow=True))
    for place in _volumes():
        found += [Picture(f"volume-{tab}", f"/volumes/{place}/{tab}") for tab in VOLUME_TABS]
        found.append(Picture("volume", f"/volumes/{place}"))
    for pool in ask("/1.0/storage-pools?recursion=1")[:1]:
        found.append(Picture("pool", f"/pools/{pool['name']}"))
    found += [Picture("profile", "/profiles/default"), Picture("project", "/projects/default")]
    found += [Picture("overview-narrow", "/", is_narrow=True)]
    return found


LISTS: Final = (
    "instances",
    "volumes",
    "images",
    "pools",
    "profiles",
    "projects",
    "operations",
    "warnings",
    "servers",
    "settings",
)
SETTINGS: Final = ("certificates", "tokens", "browsers")
INSTANCE_TABS: Final = ("snapshots", "configuration", "exports", "copies", "console", "logs")
VOLUME_TABS: Final = ("snapshots", "configuration", "exports")


def _instances() -> list[tuple[str, str]]:
    """The instance with the most snapshots, and the newest of those that hold another state than now."""
    found = []
    for instance in ask("/1.0/instances?recursion=1"):
        snapshots = ask(f"/1.0/instances/{instance['name']}/snapshots?recursion=1")
        newest = sorted(snapshots, key=lambda each: str(each["created_at"]), reverse=True)
        found += [(len(newest), instance["name"], newest[min(1, len(newest) - 1)]["name"])] if newest else []
    return [(name, snapshot) for _, name, snapshot in sorted(found, reverse=True)[:1]]


def _volumes() -> list[str]:
    """The volume with the most snapshots."""
    found = []
    for pool in ask("/1.0/storage-pools?recursion=1"):
        names = [volume["name"] for volume in ask(f"/1.0/storage-pools/{pool['name']}/volumes/custom?recursion=1")]
        found += [
            (sum(each.startswith(f"{name}/") for each in names), f"{pool['name']}/{name}")
            for name in names
            if "/" not in name
        ]
    return [place for _, place in sorted(found, reverse=True)[:1]]


def sign_in(browser: Browser) -> tuple[str, Any]:
    """Sign in by a link; return the page's address, and what keeps other windows signed in."""
    lines = run("ui", "link", "--no-open").splitlines()
    (link, *_) = [line.strip() for line in lines if line.strip().startswith("https://")]
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.goto(link)
    page.get_by_role("button").click()
    page.get_by_role("heading", level=1).wait_for()
    return link.partition("/ui/")[0] + "/ui", context.storage_state()


_SAY_PLAINLY = """words => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode())
    for (const [word, plain] of words)
      text.data = text.data.split(word).join(plain);
}"""


def hide_machine(page: Page) -> None:
    """Put plain words for what tells of the machine that the pictures are made on."""
    environment = ask("/1.0")["environment"]
    name = environment["server_name"]
    words = [
        (environment["kernel_version"], "6.12"),
        (os.environ.get("HOLDFAST_DIR", DIRECTORY), DIRECTORY),
        *((f"{before}{name}{after}", f"{before}server{after}") for before in " \n" for after in " :"),
    ]
    page.evaluate(_SAY_PLAINLY, words)
    for cell in page.get_by_role("definition").all():
        if cell.inner_text() == name:
            cell.evaluate("cell => cell.textContent = 'server'")


def take(page: Page, address: str, picture: Picture, directory: Path) -> None:
    page.goto(f"{address}{picture.path}")
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_load_state("networkidle")
    hide_machine(page)
    file = directory / f"{picture.name}.png"
    file.write_bytes(small_png(page, page.screenshot(animations="disabled")))
    print(file)


def main(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        address, state = sign_in(browser)
        for is_narrow, (width, height), scheme in ((False, WIDE, "light"), (True, NARROW, "dark")):
            context = browser.new_context(
                ignore_https_errors=True,
                storage_state=state,
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
                locale="en-GB",
            )
            for picture in pictures():
                if picture.is_narrow == is_narrow:
                    take(context.new_page(), address, picture, directory)
            context.close()
        browser.close()
    run("ui", "revoke", "--all")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images" / "web-page")
