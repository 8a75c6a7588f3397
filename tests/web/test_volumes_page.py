"""Volumes, profiles, pools, images, warnings and settings in the page. Steps build on each other."""

from __future__ import annotations

import json
import re
import shlex
import tarfile
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from holdfast.db import warnings as warnings_table
from holdfast.db.database import Database, sqlite_url
from holdfast.model.warning import SCHEDULE_FAILED, WarningRecord
from holdfast.service.paths import Paths
from support.holdfast import HoldfastServer
from support.webpage import HeldReads, WebPage

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium")]

DATA = "/1.0/storage-pools/bt/volumes/custom/data"


def ask(server: HoldfastServer, path: str) -> Any:
    return json.loads(server.holdfast("query", path).stdout)


def bytes_told(label: str) -> float:
    """The size that the label of a button tells, -1 where nothing is measured yet."""
    found = re.match(r"([\d.,]+) ?([KMGT]iB|B): ", label)
    if found is None:
        return -1
    return float(found[1].replace(",", "")) * 1024 ** ("B", "KiB", "MiB", "GiB", "TiB").index(found[2])


def run(server: HoldfastServer, script: str) -> str:
    done = server.holdfast("exec", "holder", "--", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module", autouse=True)
def holder(web_server: HoldfastServer) -> None:
    assert web_server.holdfast("launch", "busybox", "holder").returncode == 0


def test_create_a_volume_and_attach_it(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/volumes")
    web.choose("Create a volume", "An empty one…")
    web.fill(Name="data", Pool="bt (btrfs)")
    web.says("holdfast storage volume create bt data")
    web.submit("Create")
    expect(web.page.get_by_role("heading", level=1)).to_contain_text("data")
    web.button("Attach…").click()
    web.fill(Instance="holder", Path_inside="/data")
    web.says("holdfast storage volume attach bt data holder /data")
    web.submit("Attach")
    expect(web.page.get_by_role("link", name="holder")).to_be_visible()
    run(web_server, "echo first > /data/state")


def test_take_edit_and_restore_a_snapshot_of_a_volume(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/volumes/bt/data/snapshots")
    web.button("Take a snapshot").click()
    web.fill(Name="one")
    web.says("holdfast storage volume snapshot bt data one")
    web.submit("Take it")
    web.choose("Actions of the snapshot one", "Edit…")
    web.fill(Name="good", Description="known to be good")
    web.submit("Save")
    expect(web.row("good")).to_contain_text("known to be good")
    run(web_server, "echo second > /data/state; sync")
    web.choose("Actions of the snapshot good", "Compare with now")
    expect(web.row("/state")).to_contain_text("Changed")
    web.open("/volumes/bt/data/snapshots")
    web.button("Restore… good").click()
    web.button("Restore", within=web.dialog).click()
    expect(web.dialog.get_by_role("alert")).to_contain_text(re.compile("running|in use|stop", re.I))
    web.button("Cancel", within=web.dialog).click()
    assert web_server.holdfast("stop", "--force", "holder").returncode == 0
    web.button("Restore… good").click()
    web.submit("Restore")
    assert web_server.holdfast("start", "holder").returncode == 0
    assert run(web_server, "cat /data/state") == "first"


def test_files_of_a_volumes_snapshot_are_downloaded_and_put_back(
    web: WebPage, web_server: HoldfastServer, tmp_path: Path
) -> None:
    run(web_server, "mkdir /data/papers; echo one > /data/papers/one; chown 7:8 /data/papers/one")
    assert web_server.holdfast("storage", "volume", "snapshot", "bt", "data", "papers").returncode == 0
    run(web_server, "echo spoilt > /data/papers/one")
    web.open("/volumes/bt/data/snapshots")
    web.button("Measure: papers").click()
    expect(web.row("papers").get_by_role("button", name=re.compile("B: papers$"))).to_be_visible()
    web.choose("Actions of the snapshot papers", "Browse files")
    web.page.get_by_role("link", name="papers/").click()
    with web.page.expect_download() as waiting:
        web.page.get_by_role("link", name="Download one").click()
    waiting.value.save_as(tmp_path / "one")
    assert (tmp_path / "one").read_text() == "one\n"
    with web.page.expect_download() as waiting:
        web.page.get_by_role("link", name="Download this folder").click()
    waiting.value.save_as(tmp_path / "papers.tar")
    with tarfile.open(tmp_path / "papers.tar") as found:
        assert found.getnames() == ["papers", "papers/one"]
    web.button("Put back… one").click()
    web.says(
        "holdfast storage volume file pull bt data/papers/papers/one .",
        "holdfast storage volume file push bt one data/papers/one",
    )
    web.submit("Put it back")
    assert run(web_server, "cat /data/papers/one; stat -c '%u:%g' /data/papers/one") == "one\n7:8"


def test_files_of_a_volume_as_they_are_now(web: WebPage, web_server: HoldfastServer, tmp_path: Path) -> None:
    web.open("/volumes/bt/data/snapshots")
    web.page.get_by_role("link", name="Files as they are now").click()
    expect(web.page.get_by_role("heading", name="Files of data as they are now")).to_be_visible()
    web.page.get_by_role("link", name="papers/").click()
    expect(web.row("one")).to_be_visible()
    # Out of snapshots only: what is put back, and whole directories.
    expect(web.button("Put back… one")).to_have_count(0)
    expect(web.page.get_by_role("link", name="Download this folder")).to_have_count(0)
    run(web_server, "echo two > /data/papers/two; rm /data/papers/one")
    web.button("Refresh").click()
    expect(web.row("one")).to_have_count(0)
    with web.page.expect_download() as waiting:
        web.page.get_by_role("link", name="Download two").click()
    waiting.value.save_as(tmp_path / "two")
    assert (tmp_path / "two").read_text() == "two\n"
    command = web.page.locator("code.command__text").inner_text()
    # A snapshot of it is called "papers", too.
    assert command == "holdfast storage volume file pull -r bt data//papers ."
    assert web_server.holdfast(*shlex.split(command)[1:-1], tmp_path).returncode == 0
    assert (tmp_path / "papers" / "two").read_text() == "two\n"
    # From there into a snapshot, to the same directory, and back.
    point = web.page.get_by_label("Snapshot", exact=True)
    point.select_option("papers")
    expect(web.row("one")).to_be_visible()
    expect(web.page.get_by_role("heading", name="Files in papers")).to_be_visible()
    point.select_option(label="Now")
    expect(web.row("two")).to_be_visible()


def test_a_volume_that_is_a_disk_has_no_files_to_show(web: WebPage, web_server: HoldfastServer) -> None:
    done = web_server.holdfast("storage", "volume", "create", "bt", "disk", "--type", "block", "size=16MiB")
    assert done.returncode == 0, done.stderr
    web.open("/volumes/bt/disk/snapshots")
    expect(web.button("Take a snapshot")).to_be_visible()
    expect(web.page.get_by_role("link", name="Files as they are now")).to_have_count(0)
    assert web_server.holdfast("storage", "volume", "delete", "bt", "disk").returncode == 0


def test_the_schedule_of_a_volume(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/volumes/bt/data/configuration")
    web.fill_in(web.page.locator("main"), "Take snapshots", "Every hour")
    web.button("Save…").click()
    web.says("holdfast storage volume set bt data snapshots.schedule=@hourly")
    web.submit("Save")
    assert ask(web_server, DATA)["config"]["snapshots.schedule"] == "@hourly"
    web.open("/")
    expect(web.row("bt/data")).to_contain_text("once an hour")


def test_what_was_saved_stays_in_sight_while_it_is_read_anew(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/volumes/bt/data/configuration")
    reads = HeldReads(web, re.compile("/volumes/custom/data[?]"))
    choice = web.page.get_by_label("Take snapshots")
    web.fill_in(web.page.locator("main"), "Take snapshots", "Every week")
    web.button("Save…").click()
    with web.page.expect_request(lambda each: each.method == "GET" and "/custom/data?" in each.url):
        web.submit("Save")
    expect(web.page.get_by_text("Nothing is changed.")).to_be_visible()
    expect(choice.locator("option:checked")).to_have_text("Every week")
    reads.let_go()
    assert web_server.holdfast("storage", "volume", "set", "bt", "data", "snapshots.schedule=@hourly").returncode == 0
    expect(choice.locator("option:checked")).to_have_text("Every hour")


def test_export_a_volume_verify_it_and_import_it_again(
    web: WebPage, web_server: HoldfastServer, tmp_path: Path
) -> None:
    web.open("/volumes/bt/data/exports")
    web.button("Make an export file").click()
    web.fill(Name="whole")
    web.says("holdfast backup stored create bt/data whole --expires 7d")
    web.submit("Make it")
    web.choose("Actions of the export file whole", "Verify")
    web.says("holdfast backup stored verify bt/data whole")
    web.button("Verify", within=web.dialog).click()
    expect(web.dialog).to_contain_text("sealed: true")
    web.page.keyboard.press("Escape")
    web.choose("Actions of the export file whole", "Test…")
    web.fill(In_this_pool="default")
    web.says("holdfast backup stored test bt/data whole -s default")
    web.button("Try it", within=web.dialog).click()
    expect(web.dialog).to_contain_text("healthy: true")
    web.page.keyboard.press("Escape")
    web.choose("Actions of the export file whole", "Rename…")
    web.fill(New_name="all")
    assert web_server.holdfast(*shlex.split(web.command())[1:]).returncode == 0
    web.page.keyboard.press("Escape")
    expect(web.row("all")).to_be_visible()
    with web.page.expect_download() as waiting:
        web.page.get_by_role("link", name="Download all").click()
    waiting.value.save_as(tmp_path / "data.tar.gz")
    web.open("/volumes")
    web.choose("Create a volume", "From an export file…")
    web.dialog.get_by_label("Export file").set_input_files(tmp_path / "data.tar.gz")
    web.fill(Name="data-again")
    web.submit("Upload and import")
    expect(web.page.get_by_role("heading", level=1)).to_contain_text("data-again")


def test_sizes_are_measured_once_and_shown_from_then_on(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/volumes")
    row = web.row(re.compile("^data$"))
    row.get_by_role("button", name="Measure: data").click()
    size = row.get_by_role("button", name=re.compile("B: data$"))
    expect(size).to_be_visible()
    told = size.get_attribute("aria-label")
    web.open("/volumes")
    expect(size).to_have_attribute("aria-label", told or "")
    expect(size).to_have_attribute("title", re.compile("^Measured at "))
    ask(web_server, "/1.0/instances/holder/usage")
    web.open("/instances")
    expect(web.row("holder").get_by_role("button", name=re.compile("MiB: holder$|KiB: holder$"))).to_be_visible()
    labels = sorted_by_size(web, "Disk")
    assert any(label.endswith("B: holder") for label in labels), labels


def test_volumes_are_sorted_by_their_sizes(web: WebPage, web_server: HoldfastServer) -> None:
    for name in ("large", "unmeasured"):
        assert web_server.holdfast("storage", "volume", "create", "bt", name).returncode == 0
    run(web_server, "head -c 300000 /dev/urandom > /data/state; sync")
    for name in ("data", "large"):
        ask(web_server, f"/1.0/storage-pools/bt/volumes/custom/{name}/usage")
    web.open("/volumes")
    expect(web.row("large").get_by_role("button", name=re.compile("B: large$"))).to_be_visible()
    labels = sorted_by_size(web, "Size")
    names = [label.split(": ")[1] for label in labels]
    assert names.index("data") < names.index("large") < names.index("unmeasured"), labels
    for name in ("large", "unmeasured"):
        assert web_server.holdfast("storage", "volume", "delete", "bt", name).returncode == 0


def sorted_by_size(web: WebPage, column: str) -> list[str]:
    """Press the column's title until the largest come first; return what is told of the sizes. Unmeasured come last."""
    for order in ("ascending", "descending"):
        web.button(column).click()
        expect(web.page.get_by_role("columnheader", name=column)).to_have_attribute("aria-sort", order)
        # What other modules left on this server is listed, too, measured or not.
        told = web.page.get_by_role("row").get_by_role("button", name=re.compile("B: |^Measure: ")).all()
        labels = [button.get_attribute("aria-label") or "" for button in told]
        sizes = [bytes_told(label) for label in labels]
        measured = [size for size in sizes if size >= 0]
        assert sizes[: len(measured)] == sorted(measured, reverse=order == "descending"), labels
    return labels


def test_detach_and_delete_a_volume(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/volumes/bt/data")
    web.button("Detach…").click()
    web.submit("Detach")
    expect(web.page.get_by_role("link", name="holder")).to_have_count(0)
    web.choose("Actions", "Delete…")
    web.dialog.get_by_role("textbox").fill("data")
    web.submit("Delete it")
    expect(web.page.get_by_role("heading", level=1)).to_have_text("Volumes")
    assert DATA not in ask(web_server, "/1.0/storage-pools/bt/volumes/custom")


def test_a_profile_by_form_and_by_yaml(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/profiles")
    web.button("Create a profile").click()
    web.fill(Name="nightly", Begin_with="default")
    web.says("holdfast profile copy default nightly")
    web.submit("Create")
    expect(web.page.get_by_role("heading", level=1)).to_have_text("nightly")
    web.fill_in(web.page.locator("main"), "Take snapshots", "Every day at…")
    web.button("Save…").click()
    web.says("holdfast profile set nightly 'snapshots.schedule=0 2 * * *'")
    web.submit("Save")
    web.page.get_by_role("link", name="YAML").click()
    text = web.page.get_by_label("Configuration as YAML")
    expect(text).to_have_value(re.compile(re.escape("snapshots.schedule: 0 2 * * *")))
    text.fill("description: written\nconfig:\n  user.a: b\ndevices: {}\n")
    web.button("Save…").click()
    web.submit("Save")
    profile = ask(web_server, "/1.0/profiles/nightly")
    assert (profile["description"], profile["config"], profile["devices"]) == ("written", {"user.a": "b"}, {})
    web.choose("Actions", "Delete…")
    web.submit("Delete")
    assert "/1.0/profiles/nightly" not in ask(web_server, "/1.0/profiles")


def test_create_and_delete_a_pool(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/pools")
    web.button("Create a pool").click()
    web.fill(Name="spare", Driver="dir: directories of any file system; copies are full")
    web.says("holdfast storage create spare dir")
    web.submit("Create")
    web.page.get_by_role("link", name="spare").click()
    web.button("Delete…").click()
    web.dialog.get_by_role("textbox").fill("spare")
    web.submit("Delete")
    assert "/1.0/storage-pools/spare" not in ask(web_server, "/1.0/storage-pools")


def test_an_image_is_renamed_and_deleted(web: WebPage, web_server: HoldfastServer) -> None:
    assert web_server.holdfast("publish", "--force", "holder", "--alias", "old-name").returncode == 0
    web.open("/images")
    web.choose("Actions of the image old-name", "Edit…")
    web.fill(Aliases="new-name", Description="renamed")
    web.submit("Save")
    expect(web.row("new-name")).to_contain_text("renamed")
    web.choose("Actions of the image new-name", "Delete…")
    web.submit("Delete")
    expect(web.row("new-name")).to_have_count(0)


def test_a_token_that_is_made_works_and_one_that_is_revoked_is_gone(
    web: WebPage, web_server: HoldfastServer, tmp_path: Any
) -> None:
    web.open("/settings/tokens")
    for name in ("laptop", "lost"):
        web.button("Make a token").click()
        web.fill(Name_of_the_client=name)
        web.button("Make a token", within=web.dialog).click()
        expect(web.dialog).to_contain_text("The token is made")
        token = web.dialog.locator("code").last.inner_text()
        web.page.keyboard.press("Escape")
        if name == "laptop":
            added = web_server.holdfast("remote", "add", "there", token, HOLDFAST_CONF=str(tmp_path))
            assert added.returncode == 0, added.stderr
    web.open("/settings/tokens")
    expect(web.row("laptop")).to_have_count(0)
    web.button("Revoke the token for lost").click()
    web.submit("Revoke")
    expect(web.row("lost")).to_have_count(0)
    web.open("/settings/certificates")
    web.choose("Actions of the certificate laptop", "Remove…")
    web.submit("Remove")
    assert ask(web_server, "/1.0/certificates") == []


def test_a_warning_is_shown_acknowledged_and_deleted(web: WebPage, web_server: HoldfastServer) -> None:
    message = "Schedule default: <b>no space</b> left"
    database = Database(sqlite_url(Paths(web_server.directory).database))
    now = datetime.now(UTC)
    with database.write() as connection:
        warning = WarningRecord(
            id=str(uuid.uuid4()),
            project="default",
            kind=SCHEDULE_FAILED,
            entity="/1.0/instances/holder",
            message=message,
            first_seen_at=now,
            last_seen_at=now,
        )
        warnings_table.insert(connection, warning)
    database.close()
    web.open("/")
    web.page.get_by_role("link", name="1 warning is open").click()
    expect(web.row(SCHEDULE_FAILED)).to_contain_text(message)
    expect(web.row(SCHEDULE_FAILED).get_by_role("link", name="holder")).to_be_visible()
    assert web.serious_problems() == []
    web.choose(f"Actions of the warning: {SCHEDULE_FAILED}", "Acknowledge")
    expect(web.page.get_by_text("No warning is open.")).to_be_visible()
    web.page.get_by_label("State").select_option("Acknowledged")
    web.choose(f"Actions of the warning: {SCHEDULE_FAILED}", "Delete")
    web.says(f"holdfast warning delete {warning.id}")
    web.submit("Delete")
    assert ask(web_server, "/1.0/warnings") == []


def test_a_setting_of_the_server(web: WebPage, web_server: HoldfastServer) -> None:
    web.open("/settings")
    web.page.get_by_text("backups.*").click()
    web.fill_in(web.page.locator("main"), "backups.compression_algorithm", "zstd")
    web.button("Save…").click()
    web.says("holdfast config set backups.compression_algorithm=zstd")
    web.submit("Save")
    assert ask(web_server, "/1.0")["config"]["backups.compression_algorithm"] == "zstd"
    assert web_server.holdfast("config", "unset", "backups.compression_algorithm").returncode == 0
