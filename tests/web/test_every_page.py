"""Every page: nothing serious by axe in light and dark, names with HTML are text, all works by the keyboard alone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from support.every_page import EVIL, PAGES
from support.holdfast import HoldfastServer
from support.webpage import WebPage

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium"), pytest.mark.usefixtures("things")]

_IS_TOO_WIDE = """() => {
  const main = document.getElementById("main");
  return document.documentElement.scrollWidth > innerWidth || main.scrollWidth > main.clientWidth;
}"""


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious(web: WebPage, path: str) -> None:
    """Narrow and dark, wide and light; nothing is wider than the window."""
    web.open(path)
    web.look("dark", 390, 844)
    assert web.serious_problems() == []
    assert not web.page.evaluate(_IS_TOO_WIDE)
    web.look("light", 1440, 900)
    assert web.serious_problems() == []
    assert not web.page.evaluate(_IS_TOO_WIDE)


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


def press(web: WebPage, *keys: str) -> None:
    for key in keys:
        web.page.keyboard.press(key)


def tab_to(web: WebPage, name: str) -> None:
    """Go on by the tab key until the focus is on what is called so."""
    for _ in range(120):
        if web.page.evaluate(_FOCUSED_NAME) == name:
            return
        press(web, "Tab")
    raise AssertionError(f"the tab key doesn't lead to {name!r}")


_FOCUSED_NAME = """() => {
  const it = document.activeElement;
  const label = it.labels?.[0]?.textContent ?? it.getAttribute("aria-label") ?? it.textContent ?? "";
  return label.trim();
}"""


def test_take_and_delete_a_snapshot_by_keyboard_alone(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/instances/plain/snapshots")
    tab_to(web, "Take a snapshot")
    press(web, "Enter")
    expect(web.dialog).to_be_visible()
    tab_to(web, "Name")
    web.page.keyboard.type("by-keys")
    press(web, "Enter")
    expect(web.dialog).to_have_count(0)
    expect(web.row("by-keys")).to_be_visible()
    assert web.page.evaluate(_FOCUSED_NAME) == "Take a snapshot", "the focus is where it was before the dialog"
    tab_to(web, "Actions of the snapshot by-keys")
    press(web, "Enter", "ArrowUp", "Enter")
    expect(web.dialog).to_contain_text("Delete the snapshot by-keys")
    tab_to(web, "Delete")
    press(web, "Enter")
    expect(web.row("by-keys")).to_have_count(0)
    assert "by-keys" not in web_server.holdfast("query", "/1.0/instances/plain/snapshots").stdout


def test_the_navigation_and_a_menu_by_keyboard_alone(web: WebPage) -> None:
    web.open("/")
    press(web, "Tab")
    assert web.page.evaluate(_FOCUSED_NAME) == "Skip to the content"
    tab_to(web, "Volumes")
    press(web, "Enter")
    expect(web.page.get_by_role("heading", level=1)).to_have_text("Volumes")
    tab_to(web, "Create a volume")
    press(web, "Enter")
    expect(web.page.get_by_role("list", name="Actions")).to_be_visible()
    press(web, "Escape")
    expect(web.page.get_by_role("list", name="Actions")).to_have_count(0)
    press(web, "Enter", "Enter")
    expect(web.dialog).to_contain_text("Create an empty volume")
    press(web, "Escape")
    expect(web.dialog).to_have_count(0)
    assert web.page.evaluate(_FOCUSED_NAME) == "Create a volume"
