"""Every kind of action on instances by keyboard alone, with its effect at the server. Steps build on each other."""

from __future__ import annotations

import re
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from support.by_command import ask, names, run
from support.holdfast import HoldfastServer
from support.keyboard import Keyboard
from support.webpage import WebPage

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium")]

SNAPSHOTS = "/1.0/instances/cell/snapshots"


def inside(server: HoldfastServer, script: str) -> str:
    return run(server, "exec", "cell", "--", "sh", "-c", script)


def status(server: HoldfastServer, name: str) -> str:
    found: str = ask(server, f"/1.0/instances/{name}")["status"]
    return found


def test_create_from_an_image(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/instances")
    keys.choose("Create instance", "From an image…")
    keys.fill(Image="busybox", Name="cell", default=True, Description="by keys", Start_it_at_once=True)
    keys.submit("Create")
    keys.is_at("cell")
    assert status(web_server, "cell") == "Running"
    inside(web_server, "echo first > /root/letter; mkdir /root/papers; echo one > /root/papers/one; sync")


def test_take_a_snapshot(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/instances/cell/snapshots")
    keys.ask("Take a snapshot", "Take a snapshot of cell")
    keys.fill(Name="good", What_it_is_for="by keys", Kept_for="A time from now", Time="4w")
    keys.submit("Take it")
    (snapshot,) = ask(web_server, f"{SNAPSHOTS}?recursion=1")
    assert (snapshot["name"], snapshot["description"]) == ("good", "by keys")
    assert snapshot["expires_at"][:4] != "0001"


def test_edit_a_snapshot_until_a_date_and_hold_it(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/instances/cell/snapshots")
    keys.choose("Actions of the snapshot good", "Edit…")
    keys.fill(Name="better", Description="changed", Kept="Until a date")
    keys.to("Date and time")
    keys.press("ArrowRight", "ArrowRight", "ArrowUp")  # past day and month: the same day a year later
    keys.fill_in("Hold it: nothing removes it until it is released", True)
    keys.submit("Save")
    (snapshot,) = ask(web_server, f"{SNAPSHOTS}?recursion=1")
    assert (snapshot["name"], snapshot["description"], snapshot["held"]) == ("better", "changed", True)
    assert datetime.fromisoformat(snapshot["expires_at"]) > datetime.now(UTC) + timedelta(days=365)


def test_release_a_snapshot(keys: Keyboard, web: WebPage, web_server: HoldfastServer) -> None:
    keys.open("/instances/cell/snapshots")
    keys.choose("Actions of the snapshot better", "Release")
    expect(web.page.get_by_text("better is released")).to_be_visible()
    assert not ask(web_server, f"{SNAPSHOTS}/better")["held"]


def test_compare_a_snapshot_with_now_and_with_another(keys: Keyboard, web: WebPage, web_server: HoldfastServer) -> None:
    inside(web_server, "echo second > /root/letter; sync")
    run(web_server, "snapshot", "create", "cell", "later")
    inside(web_server, "rm /root/papers/one; sync")
    keys.open("/instances/cell/snapshots")
    keys.choose("Actions of the snapshot better", "Compare with now")
    expect(web.row("/root/letter")).to_contain_text("Changed")
    expect(web.row("/root/papers/one")).to_contain_text("Removed")
    keys.fill(To="later")
    expect(web.row("/root/letter")).to_contain_text("Changed")
    expect(web.row("/root/papers/one")).to_have_count(0)


def test_browse_files_and_get_them_back(
    keys: Keyboard, web: WebPage, web_server: HoldfastServer, tmp_path: Path
) -> None:
    keys.open("/instances/cell/snapshots")
    keys.choose("Actions of the snapshot better", "Browse files")
    keys.is_at("cell")
    keys.push("root/")
    keys.download("Download letter").save_as(tmp_path / "letter")
    assert (tmp_path / "letter").read_text() == "first\n"
    keys.ask("Put back… letter", "becomes what it was in the snapshot")
    keys.submit("Put it back")
    assert inside(web_server, "cat /root/letter") == "first"
    keys.push("papers/")
    expect(web.row("one")).to_be_visible()
    keys.download("Download this folder (tar)").save_as(tmp_path / "papers.tar")
    with tarfile.open(tmp_path / "papers.tar") as found:
        assert [name for name in found.getnames() if name.endswith("/one")]


def test_a_new_instance_from_a_snapshot(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/instances/cell/snapshots")
    keys.choose("Actions of the snapshot better", "New instance from it…")
    keys.fill(Name_of_the_new_instance="cell-twin", Start_it_at_once=False)
    keys.submit("Create")
    keys.is_at("cell-twin")
    assert status(web_server, "cell-twin") == "Stopped"


def test_a_new_instance_from_a_snapshot_in_the_list(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/instances")
    keys.choose("Create instance", "From a snapshot…")
    keys.fill(Instance="cell", Snapshot="later", Name_of_the_new_instance="cell-three", Start_it_at_once=False)
    keys.submit("Create")
    keys.is_at("cell-three")
    assert status(web_server, "cell-three") == "Stopped"


def test_a_new_image_from_a_snapshot(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/instances/cell/snapshots")
    keys.choose("Actions of the snapshot better", "New image from it…")
    keys.fill(Alias="cell-image", Compression="none")
    keys.submit("Make the image")
    assert ask(web_server, "/1.0/images/aliases/cell-image")["name"] == "cell-image"


def test_restore_undo_and_forget(keys: Keyboard, web: WebPage, web_server: HoldfastServer) -> None:
    inside(web_server, "echo lost > /root/letter; sync")
    keys.open("/instances/cell/snapshots")
    keys.ask("Restore… better", "What is lost")
    keys.submit("Restore")
    assert inside(web_server, "cat /root/letter") == "first"
    keys.ask("Undo the restore…", "It becomes again what it was before the restore")
    keys.submit("Undo")
    assert inside(web_server, "cat /root/letter") == "lost"
    keys.ask("Forget it…", "can't be brought back then")
    keys.submit("Forget it")
    expect(web.button("Undo the restore…")).to_have_count(0)


def test_export_a_snapshot_verify_test_rename_download_and_delete(
    keys: Keyboard, web: WebPage, web_server: HoldfastServer, tmp_path: Path
) -> None:
    exports = "/1.0/instances/cell/backups"
    keys.open("/instances/cell/snapshots")
    keys.choose("Actions of the snapshot better", "Export it…")
    keys.fill(Name="alone", Compression="none")
    keys.submit("Make it")
    keys.open("/instances/cell/exports")
    keys.ask("Make an export file", "Export cell")
    keys.fill(Name="whole", Compression="none")
    keys.submit("Make it")
    assert names(web_server, exports) == ["alone", "whole"]
    keys.choose("Actions of the export file whole", "Verify")
    keys.push("Verify")
    expect(web.dialog).to_contain_text("sealed: true")
    keys.press("Escape")
    keys.choose("Actions of the export file whole", "Test…")
    keys.fill(Command_that_must_succeed_inside="cat /root/letter")
    keys.push("Try it")
    expect(web.dialog).to_contain_text("whole came up")
    keys.press("Escape")
    keys.choose("Actions of the export file whole", "Rename…")
    keys.fill(New_name="kept")
    keys.submit("Rename")
    keys.choose("Actions of the export file alone", "Delete…")
    keys.submit("Delete")
    assert names(web_server, exports) == ["kept"]
    keys.download("Download kept").save_as(tmp_path / "cell.tar")
    assert run(web_server, "backup", "verify", tmp_path / "cell.tar")


def test_create_from_an_export_file(keys: Keyboard, web_server: HoldfastServer, tmp_path: Path) -> None:
    run(web_server, "export", "cell", tmp_path / "cell.tar", "--compression", "none")
    keys.open("/instances")
    keys.choose("Create instance", "From an export file…")
    keys.fill(Export_file=tmp_path / "cell.tar", Name="cell-file", Start_it_when_it_is_there=False)
    keys.submit("Upload and import")
    keys.is_at("cell-file")
    assert names(web_server, "/1.0/instances/cell-file/snapshots") == ["better", "later"]


def test_delete_several_snapshots_and_one(keys: Keyboard, web_server: HoldfastServer) -> None:
    path = "/1.0/instances/cell-file/snapshots"
    for name in ("one", "two"):
        run(web_server, "snapshot", "create", "cell-file", name)
    keys.open("/instances/cell-file/snapshots")
    for name in ("better", "later", "one"):
        keys.fill_in(f"Select {name}", True)
    keys.ask("Delete…", "Delete 3 snapshots")
    keys.submit("Delete")
    assert names(web_server, path) == ["two"]
    keys.choose("Actions of the snapshot two", "Delete…")
    keys.submit("Delete")
    assert names(web_server, path) == []


@pytest.mark.parametrize(
    ("place", "menu"), [("/instances", "Actions of cell"), ("/instances/cell", "Actions")], ids=["list", "page"]
)
def test_freeze_thaw_restart_stop_and_start(
    keys: Keyboard, web: WebPage, web_server: HoldfastServer, place: str, menu: str
) -> None:
    keys.open(place)
    for action, end in (("Freeze", "Frozen"), ("Thaw", "Running")):
        keys.choose(menu, action)
        shown = web.row(re.compile("^cell(?!-)")) if place == "/instances" else web.page.get_by_role("heading", level=1)
        expect(shown).to_contain_text(end)
        assert status(web_server, "cell") == end
    for action, end in (("Restart", "Running"), ("Stop", "Stopped")):
        keys.choose(menu, f"{action}…")
        keys.fill_in("Kill it, don't ask the system inside", True)
        keys.submit(action)
        expect(shown).to_contain_text(end)
        assert status(web_server, "cell") == end
    keys.choose(menu, "Start")
    expect(shown).to_contain_text("Running")


def test_rename_an_instance(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/instances/cell-three")
    keys.choose("Actions", "Rename…")
    keys.fill(New_name="cell-four")
    keys.submit("Rename")
    keys.is_at("cell-four")
    assert "cell-four" in names(web_server, "/1.0/instances")


def test_delete_an_instance(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/instances/cell-four")
    keys.choose("Actions", "Delete…")
    keys.fill_in("Type cell-four to confirm", "cell-four")
    keys.submit("Delete it")
    keys.is_at("Instances")
    assert "cell-four" not in names(web_server, "/1.0/instances")


def test_start_stop_and_delete_several(keys: Keyboard, web: WebPage, web_server: HoldfastServer) -> None:
    keys.open("/instances")
    for name in ("cell-twin", "cell-file"):
        keys.fill_in(f"Select {name}", True)
    keys.push("Start")
    expect(web.row("cell-twin")).to_contain_text("Running")
    expect(web.row("cell-file")).to_contain_text("Running")
    keys.push("Delete…")
    keys.fill_in("Type delete to confirm", "delete")
    keys.submit("Delete it")
    assert not {"cell-twin", "cell-file"} & set(names(web_server, "/1.0/instances"))


def test_a_schedule_in_words_and_a_further_one(keys: Keyboard, web: WebPage, web_server: HoldfastServer) -> None:
    keys.open("/instances/cell/configuration")
    keys.fill(Take_snapshots="Every day at…", At="0430", Names_of_new_snapshots="auto-%d")
    keys.fill_in("How long new snapshots are kept", "2w")
    keys.fill(Days="14")
    keys.fill_in("Label of a new one", "often")
    keys.push("Add a schedule")
    keys.ask("Save…", "Change the configuration of cell")
    keys.submit("Save")
    config = ask(web_server, "/1.0/instances/cell")["config"]
    assert config["snapshots.schedule"] == "30 4 * * *"
    assert (config["snapshots.pattern"], config["snapshots.expiry"]) == ("auto-%d", "2w")
    assert config["snapshots.schedules.often"] == "@hourly"
    assert "daily=14" in config["snapshots.keep"]


def test_a_schedule_by_cron(keys: Keyboard, web: WebPage, web_server: HoldfastServer) -> None:
    keys.open("/instances/cell/configuration")
    keys.fill(Take_snapshots="By rule (cron)…", Rule="15 6 * * 1")
    expect(web.page.locator(".schedule-words").first).to_contain_text("Monday")
    keys.push("Save…")
    keys.submit("Save")
    assert ask(web_server, "/1.0/instances/cell")["config"]["snapshots.schedule"] == "15 6 * * 1"


def test_the_form_of_all_settings(keys: Keyboard, web: WebPage, web_server: HoldfastServer) -> None:
    keys.open("/instances/cell/configuration/all")
    keys.fill(Description="described by keys")
    keys.push("Save…")
    keys.submit("Save")
    keys.fill_in("Search keys", "limits.memory")
    keys.fill_in("limits.memory", "512MiB")
    keys.push("Save…")
    keys.submit("Save")
    keys.fill_in("Search keys", "")
    keys.fill_in("Add a key", "user.owner")
    keys.push("Add")
    keys.fill_in("Search keys", "user.owner")
    keys.fill_in("user.owner", "me")
    keys.push("Save…")
    keys.submit("Save")
    instance = ask(web_server, "/1.0/instances/cell")
    assert instance["description"] == "described by keys"
    assert (instance["config"]["limits.memory"], instance["config"]["user.owner"]) == ("512MiB", "me")


def test_the_yaml(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/instances/cell/configuration/yaml")
    keys.to("Configuration as YAML")
    lines = keys.web.page.locator(":focus").input_value().splitlines()
    keys.press("ControlOrMeta+Home", *["ArrowDown"] * lines.index("config:"), "End", "Enter")
    keys.type("  user.written: by keys")
    keys.push("Save…")  # the tab key leads on, it isn't part of the text
    keys.submit("Save")
    assert ask(web_server, "/1.0/instances/cell")["config"]["user.written"] == "by keys"


def test_a_copy_on_this_server(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/instances/cell/copies")
    keys.ask("Copy it here…", "Copy cell on this server")
    keys.fill(Name_of_the_copy="cell-copy", In_this_pool="bt")
    keys.submit("Copy")
    assert status(web_server, "cell-copy") == "Stopped"
    run(web_server, "snapshot", "cell-copy", "own")
    for is_pruned in (False, True):
        keys.ask("Copy it here…", "Copy cell on this server")
        keys.fill_in("Remove snapshots that only the copy has", is_pruned)
        keys.submit("Copy")
        assert ("own" in names(web_server, "/1.0/instances/cell-copy/snapshots")) is not is_pruned


@pytest.mark.parametrize("kind", ["Shell", "Console"])
def test_the_terminal_takes_all_keys_and_lets_one_out(keys: Keyboard, web: WebPage, kind: str) -> None:
    """The tab key belongs to the shell; after Escape it leads on, forwards and back."""
    keys.open("/instances/cell/console")
    keys.push(kind, "Connect")
    terminal = web.page.get_by_label("Terminal", exact=True)
    expect(terminal.locator(":focus")).to_have_count(1)
    if kind == "Shell":
        expect(terminal).to_contain_text("#")
        keys.type("tr a-z A-Z < /root/let")
        expect(terminal).to_contain_text("/root/let")
        keys.press("Tab")
        expect(terminal).to_contain_text("/root/letter")
        keys.press("Enter")
        expect(terminal).to_contain_text("LOST")
    keys.press("Tab")
    expect(terminal.locator(":focus")).to_have_count(1)
    keys.press("Escape", "Tab")
    expect(terminal.locator(":focus")).to_have_count(0)
    keys.press("Shift+Tab")
    expect(terminal.locator(":focus")).to_have_count(1)
    keys.press("Escape", "Shift+Tab")
    assert keys.focused() == "Connect"


def test_download_a_log(keys: Keyboard, tmp_path: Path) -> None:
    keys.open("/instances/cell/logs")
    keys.download("Download").save_as(tmp_path / "log")
    assert (tmp_path / "log").exists()
