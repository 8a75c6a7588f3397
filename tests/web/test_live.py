"""What one browser does another one sees, without a reload; and a page outlives its server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from support.holdfast import HoldfastServer
from support.webpage import WebPage, link_of, signed_in

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium")]


@pytest.fixture(scope="module")
def other(chromium: Browser, web_server: HoldfastServer) -> Iterator[WebPage]:
    with signed_in(chromium, web_server, viewport={"width": 1300, "height": 900}) as page:
        yield page


@pytest.fixture(scope="module", autouse=True)
def shared(web_server: HoldfastServer) -> None:
    assert web_server.holdfast("init", "busybox", "shared").returncode == 0


def test_two_browsers_see_each_others_snapshots(web: WebPage, other: WebPage) -> None:
    for page in (web, other):
        page.open("/instances/shared/snapshots")
    web.button("Take a snapshot").click()
    web.fill(Name="from-one")
    web.submit("Take it")
    expect(other.row("from-one")).to_be_visible()
    other.choose("Actions of the snapshot from-one", "Edit…")
    other.fill(Name="from-other")
    other.submit("Save")
    expect(web.row("from-other")).to_be_visible()
    expect(web.row("from-one")).to_have_count(0)


def test_a_change_by_the_command_line_is_seen(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/instances")
    expect(web.row("shared")).to_contain_text("Stopped")
    assert web_server.holdfast("start", "shared").returncode == 0
    expect(web.row("shared")).to_contain_text("Running")


def test_the_yaml_of_a_profile_says_that_it_was_changed_meanwhile(web: WebPage, web_server: HoldfastServer) -> None:
    assert web_server.holdfast("profile", "create", "team").returncode == 0
    web.open("/profiles/team/yaml")
    text = web.page.get_by_label("Configuration as YAML")
    text.fill("description: mine\nconfig: {}\ndevices: {}\n")
    assert web_server.holdfast("profile", "set", "team", "user.note=theirs").returncode == 0
    expect(web.page.get_by_role("alert").filter(has_text="changed elsewhere meanwhile")).to_be_visible()
    web.button("Read it anew").click()
    expect(text).to_have_value(re.compile("theirs"))
    assert web_server.holdfast("profile", "delete", "team").returncode == 0


def test_yaml_that_was_saved_here_was_not_changed_elsewhere(web: WebPage, web_server: HoldfastServer) -> None:
    assert web_server.holdfast("profile", "create", "drawn").returncode == 0
    web.open("/profiles/drawn/yaml")
    text = web.page.get_by_label("Configuration as YAML")
    for written in ("first", "second"):
        # Not as the server writes it: what was read anew is shown.
        text.fill(f'{{description: "{written}", config: {{}}, devices: {{}}}}')
        web.button("Save…").click()
        web.submit("Save")
        expect(text).to_have_value(f"description: {written}\nconfig: {{}}\ndevices: {{}}\n")
        expect(web.button("Save…")).to_be_disabled()
        expect(web.page.get_by_text("changed elsewhere meanwhile")).to_have_count(0)
    assert web_server.holdfast("profile", "delete", "drawn").returncode == 0


def test_a_browser_that_is_revoked_is_out_at_once(web: WebPage, chromium: Browser, web_server: HoldfastServer) -> None:
    with signed_in(chromium, web_server) as third:
        third.open("/settings/browsers")
        expect(third.page.get_by_role("row").filter(has_text="this one")).to_contain_text("everything")
        ids = web_server.holdfast("ui", "list", "--format", "csv").stdout.splitlines()
        assert web_server.holdfast("ui", "revoke", ids[-1].split(",")[0]).returncode == 0
        third.page.reload()
        expect(third.page.get_by_role("heading", level=1)).to_have_text("You are not signed in")


def test_a_link_is_good_for_one_browser(chromium: Browser, web_server: HoldfastServer) -> None:
    link = link_of(web_server)
    for times in (1, 2):
        context = chromium.new_context(ignore_https_errors=True)
        page = context.new_page()
        page.goto(link)
        page.get_by_role("button").click()
        if times == 1:
            expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
            (cookie,) = context.cookies()
            assert (cookie["name"], cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (
                "__Host-holdfast",
                True,
                True,
                "Strict",
            )
        else:
            expect(page.get_by_role("heading", level=1)).to_have_text("Not signed in")
            assert context.cookies() == []
        context.close()


def test_a_restricted_browser_sees_its_project_only(chromium: Browser, web_server: HoldfastServer) -> None:
    assert web_server.holdfast("project", "create", "lab").returncode == 0
    with signed_in(chromium, web_server, "--restricted", "--projects", "lab") as lab:
        lab.open("/instances?project=lab")
        expect(lab.page.get_by_text("There is no instance in this project yet.")).to_be_visible()
        lab.open("/instances")
        expect(lab.page.get_by_text("There is no instance in this project yet.")).to_be_visible()
        expect(lab.page.get_by_text("shared")).to_have_count(0)
        for path in ("/?project=lab", "/warnings?project=lab", "/servers", "/settings/browsers"):
            lab.open(path)
            lab.page.wait_for_load_state("networkidle")
            expect(lab.page.get_by_text("This couldn't be read")).to_have_count(0)
        lab.open("/instances?project=default")
        expect(lab.page.get_by_role("alert").first).to_contain_text("not authorized")
        expect(lab.page.get_by_text("shared")).to_have_count(0)
        assert lab.complaints == []
    assert web_server.holdfast("project", "delete", "lab").returncode == 0


def test_sign_out(chromium: Browser, web_server: HoldfastServer) -> None:
    with signed_in(chromium, web_server) as leaving:
        leaving.button("Sign out").click()
        expect(leaving.page.get_by_role("heading", level=1)).to_have_text("You are not signed in")
        assert leaving.context.cookies() == []


def test_a_server_that_is_restarted_under_an_open_page(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/instances/shared/snapshots")
    web_server.kill()
    expect(web.page.get_by_text("The connection to the server is lost.")).to_be_visible()
    web_server.start()
    assert web_server.holdfast("snapshot", "create", "shared", "afterwards").returncode == 0
    expect(web.page.get_by_text("The connection to the server is lost.")).to_have_count(0)
    expect(web.row("afterwards")).to_be_visible()
    web.button("Take a snapshot").click()
    web.fill(Name="goes-on")
    web.submit("Take it")
    expect(web.row("goes-on")).to_be_visible()
