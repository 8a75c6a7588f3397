"""Each step of the guide that has a tab in a web page, in order, on one container; steps build on each other."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from support.holdfast import HoldfastServer
from support.webpage import WebPage

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium")]


def ask(server: HoldfastServer, path: str) -> Any:
    done = server.holdfast("query", path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def say_inside(server: HoldfastServer, instance: str, text: str) -> None:
    """Write a file inside that tells in which state the instance is."""
    done = server.holdfast("exec", instance, "--", "sh", "-c", f"echo {text} > /root/state && sync")
    assert done.returncode == 0, done.stderr


def said_inside(server: HoldfastServer, instance: str) -> str:
    return server.holdfast("exec", instance, "--", "cat", "/root/state").stdout.strip()


def test_create_an_instance_from_an_image(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/instances")
    web.choose("Create instance", "From an image…")
    web.fill(Name="guide", Description="of the guide")
    web.says("holdfast launch busybox guide -p default")
    web.submit("Create")
    expect(web.page.get_by_role("heading", level=1)).to_contain_text("guide")
    expect(web.page.get_by_role("heading", level=1)).to_contain_text("Running")
    assert ask(web_server, "/1.0/instances/guide")["status"] == "Running"
    say_inside(web_server, "guide", "first")


def test_create_a_snapshot(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/instances/guide/snapshots")
    web.button("Take a snapshot").click()
    web.fill(Name="before-upgrade", What_it_is_for="before the upgrade", Kept_for="A time from now…")
    web.fill(Time="4w")
    memory = web.dialog.get_by_label("With the memory of its processes")
    expect(memory).to_be_disabled()
    expect(memory).to_have_accessible_description(re.compile("doesn't save the memory"))
    web.says_among_others("--expires 4w")
    web.submit("Take it")
    expect(web.row("before-upgrade")).to_contain_text("before the upgrade")
    (snapshot,) = ask(web_server, "/1.0/instances/guide/snapshots?recursion=1")
    left = datetime.fromisoformat(snapshot["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=27) < left <= timedelta(days=28)


def test_view_snapshots(web: WebPage) -> None:
    web.open("/instances/guide/snapshots")
    row = web.row("before-upgrade")
    expect(row).to_contain_text("a person")
    expect(row).to_contain_text(re.compile(r"in 2[78] d"))


def test_edit_name_and_expiry(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/instances/guide/snapshots")
    web.choose("Actions of the snapshot before-upgrade", "Edit…")
    web.fill(Name="upgrade", Kept="Until somebody deletes it")
    web.says_among_others("holdfast rename guide/before-upgrade guide/upgrade")
    web.submit("Save")
    expect(web.row("upgrade")).to_contain_text("never")
    (snapshot,) = ask(web_server, "/1.0/instances/guide/snapshots?recursion=1")
    assert (snapshot["name"], snapshot["expires_at"][:4]) == ("upgrade", "0001")


def test_image_from_a_snapshot(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/instances/guide/snapshots")
    web.choose("Actions of the snapshot upgrade", "New image from it…")
    web.fill(Alias="golden")
    web.says("holdfast publish guide/upgrade --alias golden")
    web.submit("Make the image")
    assert ask(web_server, "/1.0/images/aliases/golden")["name"] == "golden"
    web.open("/images")
    expect(web.row("golden")).to_be_visible()


def test_instance_from_a_snapshot(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/instances/guide/snapshots")
    web.choose("Actions of the snapshot upgrade", "New instance from it…")
    web.fill(Name_of_the_new_instance="twin", Start_it_at_once=False)
    web.submit("Create")
    expect(web.page.get_by_role("heading", level=1)).to_contain_text("twin")
    assert ask(web_server, "/1.0/instances/twin")["status"] == "Stopped"


def test_restore_and_undo(web: WebPage, web_server: HoldfastServer) -> None:
    say_inside(web_server, "guide", "second")
    web.open("/instances/guide/snapshots")
    web.button("Restore… upgrade").click()
    expect(web.dialog).to_contain_text("What is lost")
    expect(web.dialog).to_contain_text("1 changed")
    web.says("holdfast restore guide upgrade")
    web.submit("Restore")
    assert said_inside(web_server, "guide") == "first"
    web.button("Undo the restore…").click()
    web.submit("Undo")
    assert said_inside(web_server, "guide") == "second"


def test_delete_a_snapshot(web: WebPage, web_server: HoldfastServer) -> None:
    assert web_server.holdfast("snapshot", "create", "guide", "mistake").returncode == 0
    web.open("/instances/guide/snapshots")
    web.choose("Actions of the snapshot mistake", "Delete…")
    web.says("holdfast delete guide/mistake")
    web.submit("Delete")
    expect(web.row("mistake")).to_have_count(0)
    assert ask(web_server, "/1.0/instances/guide/snapshots") == ["/1.0/instances/guide/snapshots/upgrade"]


def _save(web: WebPage) -> str:
    """Save what was changed of the configuration; return the command that the dialog said."""
    web.button("Save…").click()
    command = web.command()
    web.submit("Save")
    return command


def test_schedule_every_day(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/instances/guide/configuration")
    web.fill_in(web.page.locator("main"), "Take snapshots", "Every day")
    expect(web.page.get_by_text("once a day")).to_be_visible()
    expect(web.page.get_by_text("The next runs")).to_be_visible()
    assert _save(web) == "holdfast config set guide snapshots.schedule=@daily"
    assert ask(web_server, "/1.0/instances/guide")["config"]["snapshots.schedule"] == "@daily"


def test_schedule_by_cron(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/instances/guide/configuration")
    main = web.page.locator("main")
    web.fill_in(main, "Take snapshots", "By rule (cron)…")
    web.fill_in(main, "Rule", "30 6,18 * * 1-5")
    expect(web.page.locator(".schedule-words")).to_contain_text("Monday through Friday")
    assert _save(web) == "holdfast config set guide 'snapshots.schedule=30 6,18 * * 1-5'"
    assert ask(web_server, "/1.0/instances/guide")["config"]["snapshots.schedule"] == "30 6,18 * * 1-5"


def test_a_rule_that_is_none_is_said_at_its_field(web: WebPage) -> None:
    web.open("/instances/guide/configuration")
    web.fill_in(web.page.locator("main"), "Rule", "30 6 * *")
    field = web.page.get_by_label("Rule", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")


def test_automatic_expiry_and_pattern(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/instances/guide/configuration")
    main = web.page.locator("main")
    web.fill_in(main, "Names of new snapshots", "auto-%d")
    web.fill_in(main, "How long new snapshots are kept", "2w")
    expect(web.page.get_by_text("The next one would be called auto-0.")).to_be_visible()
    _save(web)
    config = ask(web_server, "/1.0/instances/guide")["config"]
    assert (config["snapshots.pattern"], config["snapshots.expiry"]) == ("auto-%d", "2w")
    web.open("/instances/guide/snapshots")
    web.button("Take a snapshot").click()
    web.submit("Take it")
    expect(web.row("auto-0")).to_contain_text(re.compile(r"in 1[34] d"))


def test_delete_an_instance_wants_its_name(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/instances/twin")
    web.choose("Actions", "Delete…")
    expect(web.button("Delete it", within=web.dialog)).to_be_disabled()
    web.dialog.get_by_role("textbox").fill("twin")
    web.submit("Delete it")
    expect(web.page.get_by_role("heading", level=1)).to_have_text("Instances")
    assert "/1.0/instances/twin" not in ask(web_server, "/1.0/instances")
