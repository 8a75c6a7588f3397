"""Ages are written as exact times for those who choose so: nobody needs a pointer to learn when something was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from playwright.sync_api import Browser, Locator, expect

from support.holdfast import HoldfastServer
from support.keyboard import Keyboard
from support.webpage import WebPage, signed_in

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium")]

AGES = re.compile(r"^(just now|\d+ (s|min) ago)$")


@pytest.fixture(scope="module", autouse=True)
def dated(web_server: HoldfastServer) -> None:
    for command in (("init", "busybox", "dated"), ("snapshot", "create", "dated", "first")):
        done = web_server.holdfast(*command)
        assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest.fixture(params=[(1440, 900), (390, 844)], ids=["wide", "narrow"])
def window(request: pytest.FixtureRequest, chromium: Browser, web_server: HoldfastServer) -> Iterator[WebPage]:
    width, height = request.param
    with signed_in(
        chromium,
        web_server,
        viewport={"width": width, "height": height},
        has_touch=width < 800,
        locale="en-GB",
        timezone_id="Europe/Berlin",
    ) as page:
        yield page
        assert page.complaints == []


def taken(web: WebPage) -> Locator:
    return web.row("first").locator("time").first


def is_exact(time: Locator) -> bool:
    """Whether it says to a second, in the reader's zone, what it says to machines."""
    moment = datetime.fromisoformat(time.get_attribute("datetime") or "")
    text = re.sub(r"\s+", " ", time.inner_text()).replace("Sept ", "Sep ")  # as it is in British English
    said = datetime.strptime(text, "%d %b %Y %H:%M:%S")
    away = (said - moment.replace(tzinfo=None, microsecond=0)).total_seconds()
    return away in (3600, 7200)


def choose_times(keys: Keyboard, style: str) -> None:
    if keys.web.button("Menu").is_visible():
        keys.push("Menu")
    keys.fill(Times=style)


def test_exact_times_are_chosen_by_keyboard_and_stay_chosen(window: WebPage) -> None:
    window.open("/instances/dated/snapshots")
    expect(taken(window)).to_have_text(AGES)
    keys = Keyboard(window)
    choose_times(keys, "Date and time")
    assert is_exact(taken(window))
    expect(taken(window)).to_have_attribute("title", AGES)
    window.page.reload()
    expect(taken(window)).to_be_visible()
    assert is_exact(taken(window))
    assert window.serious_problems() == []
    window.open("/instances")
    assert window.page.evaluate("document.getElementById('main').scrollWidth <= window.innerWidth")
    choose_times(keys, "How long ago")
    window.open("/instances/dated/snapshots")
    expect(taken(window)).to_have_text(AGES)


def test_a_measured_size_tells_when_it_was_measured(window: WebPage) -> None:
    window.open("/instances/dated/snapshots")
    window.page.evaluate("localStorage.setItem('holdfast-times', 'exact')")
    window.open("/instances/dated/snapshots")
    window.button(re.compile(": first$")).click()
    expect(window.row("first")).to_contain_text(re.compile(r"measured \d+ \w+ \d{4}, \d\d:\d\d:\d\d"))
