"""Projects in the page: made, described, set, guarded while something is in them, and seen by those who may."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from support.holdfast import HoldfastServer
from support.webpage import HeldReads, WebPage, signed_in

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium")]


def ask(server: HoldfastServer, path: str) -> Any:
    return json.loads(server.holdfast("query", path).stdout)


def run(server: HoldfastServer, *command: str) -> None:
    done = server.holdfast(*command)
    assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest.fixture(scope="module", autouse=True)
def cleared(web_server: HoldfastServer) -> Iterator[None]:
    """Other modules count projects."""
    yield
    left = {url.split("/")[-1] for url in ask(web_server, "/1.0/projects")}
    for name in left & {"office", "studio"}:
        run(web_server, "project", "delete", name)


def test_a_project_is_created_and_can_be_worked_in_at_once(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/projects")
    web.button("Create a project").click()
    web.fill(Name="of_fice")
    expect(web.dialog.get_by_text("an underscore in it")).to_be_visible()
    web.fill(Name="office", Images_of_its_own=False, Profiles_of_its_own=False)
    web.says("holdfast project create office -c features.images=false -c features.profiles=false")
    web.submit("Create")
    expect(web.page.get_by_role("heading", level=1)).to_have_text("office")
    config = ask(web_server, "/1.0/projects/office")["config"]
    assert (config["features.images"], config["features.storage.volumes"]) == ("false", "true")
    choice = web.page.get_by_role("combobox", name="Project")
    expect(choice.get_by_role("option", name="office")).to_have_count(1)
    web.choose("Actions", "Go to its instances")
    expect(web.page.get_by_role("heading", level=1)).to_have_text("Instances")
    expect(choice.locator("option:checked")).to_have_text("office")


def test_what_is_in_a_project_is_counted_and_shown_live(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/projects")
    row = web.row("office")
    expect(row).not_to_contain_text("instance")
    run(web_server, "init", "busybox", "desk-one", "--project", "office")
    expect(row).to_contain_text("1 instance")
    expect(row.get_by_role("cell").filter(has_text=re.compile("^volumes$"))).to_have_count(1)
    web.page.get_by_role("link", name="office").click()
    expect(web.page.get_by_role("link", name="desk-one")).to_be_visible()


def test_the_settings_of_a_project_by_form_and_by_yaml(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/projects/office/settings")
    web.page.get_by_text("backups.*").click()
    web.fill_in(web.page.locator("main"), "backups.compression_algorithm", "zstd")
    web.button("Save…").click()
    web.says("holdfast project set office backups.compression_algorithm=zstd")
    web.submit("Save")
    web.page.get_by_role("link", name="YAML").click()
    text = web.page.get_by_label("Configuration as YAML")
    expect(text).to_have_value(re.compile("backups.compression_algorithm: zstd"))
    written = re.sub("description: .*", "description: the office's", text.input_value())
    text.fill(written)
    web.button("Save…").click()
    web.submit("Save")
    project = ask(web_server, "/1.0/projects/office")
    assert project["description"] == "the office's"
    assert project["config"]["backups.compression_algorithm"] == "zstd"
    expect(web.button("Save…")).to_be_disabled()
    # What is typed while the saved text comes back stays, and is no change to what somebody else has made.
    typed = written.replace("the office's", "all offices'")
    reads = HeldReads(web, re.compile("/1.0/projects"))
    text.fill(written.replace("the office's", "the offices'"))
    web.button("Save…").click()
    with web.page.expect_request(lambda each: each.method == "GET" and "/1.0/projects" in each.url):
        web.submit("Save")
    text.fill(typed)
    reads.let_go()
    expect(web.button("Put back what was there")).to_be_enabled()
    web.button("Save…").click()
    web.submit("Save")
    assert ask(web_server, "/1.0/projects/office")["description"] == "all offices'"
    # What the server refuses is said in its words.
    text.fill(written.replace("features.images: 'false'", "features.images: 'true'"))
    web.button("Save…").click()
    web.button("Save", within=web.dialog).click()
    expect(web.dialog.get_by_role("alert")).to_contain_text("only be changed on empty projects")
    web.button("Cancel", within=web.dialog).click()


def test_a_project_with_something_in_it_is_not_renamed_or_deleted(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/projects")
    web.button("Actions of the project office").click()
    entry = web.page.get_by_role("list", name="Actions").get_by_role("listitem").filter(has_text="Rename…")
    expect(entry).to_contain_text("only while it is empty")
    web.button("Delete…", within=web.page.get_by_role("list", name="Actions")).click()
    expect(web.dialog).to_contain_text("desk-one")
    expect(web.button("Delete", within=web.dialog)).to_be_disabled()
    run(web_server, "delete", "desk-one", "--project", "office")
    # The dialog shows it as it was opened.
    web.button("Cancel", within=web.dialog).click()
    expect(web.row("office")).not_to_contain_text("instance")


def test_those_of_other_projects_see_theirs_and_change_nothing(
    chromium: Browser, web: WebPage, web_server: HoldfastServer
) -> None:
    run(web_server, "project", "create", "studio")
    with signed_in(chromium, web_server, "--restricted", "--projects", "studio") as guest:
        guest.open("/projects")
        expect(guest.row("studio")).to_be_visible()
        expect(guest.page.get_by_role("rowheader")).to_have_count(1)
        expect(guest.button("Create a project")).to_have_count(0)
        guest.button("Actions of the project studio").click()
        expect(guest.page.get_by_role("list", name="Actions").get_by_role("listitem")).to_have_count(1)
        guest.open("/projects/studio/settings")
        expect(guest.page.get_by_text("Only those who may do everything")).to_be_visible()
        assert guest.complaints == []


def test_a_project_is_renamed_and_deleted(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/projects/office?project=office")
    web.choose("Actions", "Rename…")
    web.fill(New_name="bureau")
    web.says("holdfast project rename office bureau")
    web.submit("Rename")
    expect(web.page.get_by_role("heading", level=1)).to_have_text("bureau")
    expect(web.page.get_by_role("combobox", name="Project").locator("option:checked")).to_have_text("default")
    web.choose("Actions", "Delete…")
    command = web.command()
    assert command == "holdfast project delete bureau"
    expect(web.button("Delete", within=web.dialog)).to_be_disabled()
    web.fill(Type_bureau_to_confirm="bureau")
    web.submit("Delete")
    expect(web.page.get_by_role("heading", level=1)).to_have_text("Projects")
    expect(web.row("bureau")).to_have_count(0)
    assert web_server.holdfast(*shlex.split(command)[1:]).returncode != 0, "it was there still"
