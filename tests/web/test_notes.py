"""Notes of what came of an action: they lie on nothing that one wants to press, and good ones go by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

from support.holdfast import HoldfastServer
from support.webpage import WebPage, is_covered, signed_in

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium")]

SNAPSHOTS = [f"take-{number}" for number in range(14)]


@pytest.fixture(scope="module", autouse=True)
def noted(web_server: HoldfastServer) -> None:
    """An instance whose snapshots reach to the lower end of the window."""
    taken = [("snapshot", "create", "noted", name, "--description", "0") for name in SNAPSHOTS]
    for command in (("init", "busybox", "noted"), *taken):
        done = web_server.holdfast(*command)
        assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest.fixture
def wide(chromium: Browser, web_server: HoldfastServer) -> Iterator[WebPage]:
    """The snapshots in a window of 1440 pixels; when notes go is in the test's hands."""
    with signed_in(chromium, web_server, viewport={"width": 1440, "height": 900}, locale="en-GB") as page:
        page.hold_notes()
        page.open("/instances/noted/snapshots")
        expect(page.row(SNAPSHOTS[-1])).to_be_visible()
        yield page
        assert page.complaints == []


def refuse_to_measure(web: WebPage) -> None:
    refusal = {"type": "error", "error": "input/output error", "error_code": 400}
    web.page.route(re.compile("/usage[?]"), lambda route: route.fulfill(status=400, json=refusal))


def fail_to_measure(web: WebPage, names: list[str]) -> None:
    """Have the server say no, as it does when the disk is broken: a note of each, that stays."""
    refuse_to_measure(web)
    for name in names:
        web.button(f"Measure: {name}").click()
    expect(notes(web, "negative")).to_have_count(len(names))


def edit(web: WebPage, name: str) -> None:
    """Do what good news comes of."""
    web.choose(f"Actions of the snapshot {name}", "Edit…")
    web.fill(Description=web.page.evaluate("() => String(performance.now())"))
    web.submit("Save")


def notes(web: WebPage, kind: str = "positive") -> Locator:
    return web.page.locator(f".toast.p-notification--{kind}").filter(visible=True)


def press(web: WebPage, control: Locator) -> None:
    """With a mouse: it hits what lies on top there."""
    control.scroll_into_view_if_needed()
    box = control.bounding_box()
    assert box is not None
    web.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


@pytest.mark.parametrize("window", [(1440, 900), (390, 844)])
def test_all_of_a_page_can_be_pressed_while_notes_are_shown(wide: WebPage, window: tuple[int, int]) -> None:
    wide.page.set_viewport_size({"width": window[0], "height": window[1]})
    fail_to_measure(wide, SNAPSHOTS[:4])
    controls = wide.page.locator("main").locator("button, a, input, select").filter(visible=True).all()
    assert len(controls) > 3 * len(SNAPSHOTS)
    assert [control.inner_text() for control in controls if is_covered(control)] == []
    for name in (SNAPSHOTS[0], SNAPSHOTS[7], SNAPSHOTS[-1]):
        press(wide, wide.button(f"Actions of the snapshot {name}"))
        press(wide, wide.button("Edit…", within=wide.page.get_by_role("list", name="Actions")))
        press(wide, wide.button("Cancel", within=wide.dialog))
        expect(wide.dialog).to_have_count(0)


def test_nothing_moves_when_good_news_comes_and_goes(wide: WebPage) -> None:
    lowest = wide.page.locator("main").get_by_role("button").filter(visible=True).last
    name = SNAPSHOTS[0]
    wide.button(f"Actions of the snapshot {name}").scroll_into_view_if_needed()
    wide.page.locator("main").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    before = lowest.bounding_box()
    edit(wide, name)
    expect(notes(wide)).to_have_count(1)
    assert lowest.bounding_box() == before
    wide.page.mouse.move(0, 0)
    wide.let_notes_go()
    expect(notes(wide)).to_have_count(0)
    assert lowest.bounding_box() == before


def test_good_news_is_gathered_gives_way_to_newer_and_bad_news_stays(wide: WebPage) -> None:
    fail_to_measure(wide, SNAPSHOTS[:2])
    for name in SNAPSHOTS[:3]:
        edit(wide, name)
    expect(notes(wide)).to_have_count(2)
    expect(notes(wide).first).to_contain_text(SNAPSHOTS[1])
    expect(notes(wide).last).to_contain_text(SNAPSHOTS[2])
    edit(wide, SNAPSHOTS[2])
    expect(notes(wide).last).to_contain_text("(2 times)")
    expect(notes(wide)).to_have_count(2)
    wide.page.mouse.move(0, 0)
    wide.let_notes_go()
    expect(notes(wide)).to_have_count(0)
    expect(notes(wide, "negative")).to_have_count(2)


def test_good_news_that_is_pointed_at_or_has_the_focus_stays(wide: WebPage) -> None:
    edit(wide, SNAPSHOTS[0])
    close = wide.button("Close", within=notes(wide))
    notes(wide).hover()
    wide.let_notes_go()
    expect(notes(wide)).to_have_count(1)
    close.focus()
    wide.page.mouse.move(0, 0)
    wide.let_notes_go()
    expect(notes(wide)).to_have_count(1)
    wide.page.keyboard.press("Enter")
    expect(notes(wide)).to_have_count(0)
    expect(wide.page.locator("main")).to_be_focused()


def test_what_has_the_focus_is_in_sight_when_a_note_comes(wide: WebPage) -> None:
    """The page becomes lower at that moment."""
    wide.page.set_viewport_size({"width": 1440, "height": 600})
    lowest = wide.button(f"Actions of the snapshot {SNAPSHOTS[5]}")
    place = lowest.bounding_box()
    assert place is not None
    wide.page.locator("main").evaluate("(main, down) => main.scrollTo(0, down)", place["y"] - 600 + 40)
    lowest.focus()
    wide.page.keyboard.press("Shift")
    refuse_to_measure(wide)
    wide.page.evaluate("name => document.querySelector(`[aria-label='Measure: ${name}']`).click()", SNAPSHOTS[5])
    expect(notes(wide, "negative")).to_have_count(1)
    expect(lowest).to_be_focused()
    now = lowest.bounding_box()
    assert now is not None
    assert not is_covered(lowest)
    assert now["y"] + now["height"] < (wide.page.locator(".toasts").bounding_box() or {"y": 0})["y"] + 1
