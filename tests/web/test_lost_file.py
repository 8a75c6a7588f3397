"""Somebody has lost a file, and has a telephone at hand: what is pressed must be in sight, and lead to the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from support.holdfast import HoldfastServer
from support.webpage import WebPage, is_covered, signed_in

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium")]

SNAPSHOTS = 24


@pytest.fixture(scope="module")
def phone(chromium: Browser, web_server: HoldfastServer) -> Iterator[WebPage]:
    window = {"width": 390, "height": 844}
    with signed_in(chromium, web_server, viewport=window, has_touch=True, locale="en-GB") as page:
        yield page
        assert page.complaints == []


@pytest.fixture(scope="module", autouse=True)
def desk(web_server: HoldfastServer) -> None:
    """An instance whose newest snapshot lacks a file that the one before has, and a volume with many snapshots."""
    for command in (
        ("launch", "busybox", "desk", "-c", "snapshots.schedule=@weekly"),
        ("exec", "desk", "--", "sh", "-c", "mkdir /root/papers; echo dear > /root/papers/letter"),
        ("snapshot", "create", "desk", "good"),
        ("exec", "desk", "--", "rm", "/root/papers/letter"),
        ("snapshot", "create", "desk", "late"),
        ("exec", "desk", "--", "rm", "-r", "/root/papers"),
        ("storage", "volume", "create", "bt", "drawer"),
        *(("storage", "volume", "snapshot", "bt", "drawer", f"take-{number}") for number in range(SNAPSHOTS)),
    ):
        done = web_server.holdfast(*command)
        assert done.returncode == 0, f"{command}: {done.stderr}"


def test_the_files_of_a_snapshot_are_one_press_away_and_one_more_in_another_snapshot(phone: WebPage) -> None:
    phone.open("/instances/desk/snapshots")
    phone.button("Files late").tap()
    expect(phone.page.get_by_role("heading", name="Files in late")).to_be_visible()
    phone.page.get_by_role("link", name="root/").tap()
    phone.page.get_by_role("link", name="papers/").tap()
    expect(phone.page.get_by_text("This directory is empty.")).to_be_visible()
    phone.page.get_by_label("Snapshot", exact=True).select_option(label=phone_label(phone, "good"))
    expect(phone.row("letter")).to_be_visible()


def phone_label(phone: WebPage, snapshot: str) -> str:
    """The choice of a snapshot as it is written: with its time."""
    choice = phone.page.get_by_label("Snapshot", exact=True).locator("option").filter(has_text=f"{snapshot} (")
    expect(choice).to_have_count(1)
    return choice.inner_text()


def test_a_directory_that_a_snapshot_lacks_is_no_error(phone: WebPage) -> None:
    phone.open("/instances/desk/snapshots/files/good?path=/root/letters")
    expect(phone.page.get_by_text("good has no directory /root/letters.")).to_be_visible()
    phone.page.get_by_role("link", name="one up").tap()
    expect(phone.page.get_by_role("link", name="papers/")).to_be_visible()


def test_from_what_is_there_now_to_what_was_there_in_a_snapshot(phone: WebPage) -> None:
    phone.open("/instances/desk/snapshots")
    phone.page.get_by_role("link", name="Files as they are now").tap()
    phone.page.get_by_role("link", name="root/").tap()
    expect(phone.page.get_by_text("This directory is empty.")).to_be_visible()
    phone.page.get_by_label("Snapshot", exact=True).select_option(label=phone_label(phone, "good"))
    expect(phone.page.get_by_role("link", name="papers/")).to_be_visible()
    phone.open("/instances/desk/snapshots/files?path=/root/papers")
    expect(phone.page.get_by_text("desk has no directory /root/papers now.")).to_be_visible()


def test_what_is_gone_is_fetched_from_the_comparison(
    phone: WebPage, web_server: HoldfastServer, tmp_path: Path
) -> None:
    phone.open("/instances/desk/snapshots/compare?from=good")
    lost = phone.row("/root/papers/letter")
    expect(lost).to_contain_text("Removed")
    with phone.page.expect_download() as waiting:
        lost.get_by_role("link", name="Download letter").tap()
    waiting.value.save_as(tmp_path / "letter")
    assert (tmp_path / "letter").read_text() == "dear\n"
    assert web_server.holdfast("exec", "desk", "--", "mkdir", "/root/papers").returncode == 0
    lost.get_by_role("button", name="Put back… letter").tap()
    phone.submit("Put it back")
    assert web_server.holdfast("exec", "desk", "--", "cat", "/root/papers/letter").stdout == "dear\n"


def test_every_snapshot_is_on_the_line_of_time_and_no_point_lies_on_another(phone: WebPage) -> None:
    phone.open("/volumes/bt/drawer/snapshots")
    points = phone.page.get_by_role("region", name="Timeline").get_by_role("button")
    expect(points.first).to_be_visible()
    counts = [re.match(r"(\d+) snapshots", point.get_attribute("title") or "") for point in points.all()]
    assert sum(int(count[1]) if count else 1 for count in counts) == SNAPSHOTS
    assert not any(is_covered(point) for point in points.all())
    # A point of several leads to one after the other.
    several = points.nth(next(index for index, count in enumerate(counts) if count))
    several.tap()
    first = phone.page.locator("tr.is-marked").get_by_role("rowheader").inner_text()
    several.tap()
    expect(phone.page.locator("tr.is-marked").get_by_role("rowheader")).not_to_have_text(first)


def test_all_tabs_are_in_sight_on_a_phone(phone: WebPage) -> None:
    phone.open("/instances/desk")
    tabs = phone.page.get_by_role("navigation", name="Pages of desk").get_by_role("link")
    expect(tabs).to_have_count(7)
    for tab in tabs.all():
        box = tab.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390


def test_good_news_covers_neither_the_next_change_nor_much_of_a_phone(phone: WebPage) -> None:
    phone.hold_notes()
    phone.open("/instances/desk/configuration")
    main = phone.page.locator("main")
    for choice in ("Every hour", "Every day"):
        phone.fill_in(main, "Take snapshots", choice)
        assert not is_covered(phone.button("Save…"))
        phone.button("Save…").tap()
        phone.submit("Save")
    notes = phone.page.locator(".toast").filter(has_text="The configuration of desk is changed")
    expect(notes.filter(visible=True)).to_have_count(1)


def test_a_name_that_is_taken_is_said_before_anything_is_sent(phone: WebPage) -> None:
    phone.open("/instances/desk/snapshots")
    phone.button("Take a snapshot").tap()
    phone.fill(Name="good", Kept_for="A time from now…", Time="soon")
    expect(phone.dialog.get_by_text("There is a snapshot of this name already.")).to_be_visible()
    phone.fill(Name="better")
    expect(phone.button("Take it", within=phone.dialog)).to_be_disabled()
    phone.fill(Time="2d")
    expect(phone.button("Take it", within=phone.dialog)).to_be_enabled()
    phone.button("Cancel", within=phone.dialog).tap()


def test_the_overview_leads_to_what_nothing_protects(phone: WebPage) -> None:
    phone.open("/")
    phone.button("Show them").tap()
    expect(phone.row("bt/drawer")).to_be_visible()
    expect(phone.row("desk")).to_have_count(0)


def test_a_menu_says_why_something_cannot_be_done(phone: WebPage) -> None:
    phone.open("/instances/desk")
    phone.button("Actions").tap()
    entry = phone.page.get_by_role("list", name="Actions").get_by_role("listitem").filter(has_text="Rename…")
    expect(entry).to_contain_text("stop it first")
