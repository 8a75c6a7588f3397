"""Every page: nothing serious by axe in light and dark, names with HTML are text. By keyboard: `test_keyboard.py`."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from support.every_page import EVIL, PAGES
from support.holdfast import HoldfastServer
from support.webpage import WebPage

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium"), pytest.mark.usefixtures("things")]

# Not at once: some things are drawn anew when the window is another one.
_FITS = """() => {
  const main = document.getElementById("main");
  return document.documentElement.scrollWidth <= innerWidth && main.scrollWidth <= main.clientWidth;
}"""


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious(web: WebPage, path: str) -> None:
    """Narrow and dark, wide and light; nothing is wider than the window."""
    web.open(path)
    web.look("dark", 390, 844)
    assert web.serious_problems() == []
    web.page.wait_for_function(_FITS)
    web.look("light", 1110, 800)
    web.page.wait_for_function(_FITS)
    web.look("light", 1440, 900)
    assert web.serious_problems() == []
    web.page.wait_for_function(_FITS)


@pytest.mark.parametrize("path", ["/", "/instances/plain/logs", "/instances/plain/snapshots/files/kept", "/volumes"])
def test_an_open_page_asks_for_nothing_on_its_own(web: WebPage, path: str) -> None:
    """Nothing is polled, and what one reads is no news that makes one read again."""
    web.open(path)
    web.page.wait_for_load_state("networkidle")


@pytest.mark.parametrize(
    "path",
    [
        "/instances",
        "/instances/plain",
        "/instances/plain/snapshots",
        "/instances/plain/snapshots/files/with-file?path=/root",
        "/instances/plain/snapshots/compare?from=kept&to=with-file",
        "/volumes",
        "/volumes/bt/box/snapshots",
        "/pools",
        "/profiles",
        "/settings/tokens",
    ],
)
def test_threat_names_with_html_run_in_the_page(web: WebPage, path: str) -> None:
    web.open(path)
    expect(web.page.get_by_text(EVIL).first).to_be_visible()
    assert web.page.locator("img").count() == 0
    assert "broken" not in web.page.title()


def test_threat_a_file_of_a_container_is_shown_as_a_page_of_ours(web: WebPage, web_server: HoldfastServer) -> None:
    """A file that is opened by its address is downloaded, whatever is in it."""
    web.open("/instances/plain")
    answer = web.context.request.get(
        web.page.url.split("/ui/")[0] + "/1.0/instances/plain/files?path=/etc/passwd", ignore_https_errors=True
    )
    assert answer.status == 200
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
