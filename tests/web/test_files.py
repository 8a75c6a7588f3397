"""Export, download, verify, import by upload; files of a snapshot; failures are shown. Steps build on each other."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from support.holdfast import HoldfastServer
from support.webpage import WebPage

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium")]


@pytest.fixture(scope="module")
def crate(web_server: HoldfastServer) -> str:
    """A container with a snapshot of a state that is no more."""
    assert web_server.holdfast("launch", "busybox", "crate").returncode == 0
    run(web_server, "echo kept > /root/letter; mkdir /root/papers; echo one > /root/papers/one")
    assert web_server.holdfast("snapshot", "create", "crate", "good").returncode == 0
    run(web_server, "echo lost > /root/letter; echo new > /root/added; rm -r /root/papers")
    return "crate"


def run(server: HoldfastServer, script: str, instance: str = "crate") -> str:
    done = server.holdfast("exec", instance, "--", "sh", "-c", script)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def ask(server: HoldfastServer, path: str) -> Any:
    return json.loads(server.holdfast("query", path).stdout)


@pytest.fixture(scope="module")
def export_file(web: WebPage, web_server: HoldfastServer, crate: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export file of the container, made and downloaded by the page."""
    web.open(f"/instances/{crate}/exports")
    web.button("Make an export file").click()
    web.fill(Name="weekly", Compression="none")
    web.submit("Make it")
    with web.page.expect_download() as waiting:
        web.page.get_by_role("link", name="Download weekly").click()
    file = tmp_path_factory.mktemp("downloads") / "crate.tar"
    waiting.value.save_as(file)
    return file


def test_export_and_download(export_file: Path, web_server: HoldfastServer) -> None:
    assert web_server.holdfast("backup", "verify", export_file).returncode == 0
    with tarfile.open(export_file) as found:
        assert "backup/index.yaml" in found.getnames()


def test_verify_on_the_server(web: WebPage, export_file: Path) -> None:
    web.open("/instances/crate/exports")
    web.choose("Actions of the export file weekly", "Verify")
    web.says("holdfast backup stored verify crate weekly")
    web.button("Verify", within=web.dialog).click()
    expect(web.dialog).to_contain_text("sealed: true")
    web.button("Close", within=web.dialog).last.click()


def test_import_by_upload(web: WebPage, web_server: HoldfastServer, export_file: Path) -> None:
    web.open("/instances")
    web.choose("Create instance", "From an export file…")
    web.dialog.get_by_label("Export file").set_input_files(export_file)
    web.fill(Name="crate-again")
    web.says_among_others("holdfast import crate.tar crate-again")
    web.submit("Upload and import")
    expect(web.page.get_by_role("heading", level=1)).to_contain_text("crate-again")
    assert run(web_server, "cat /root/letter", "crate-again") == "lost"
    assert ask(web_server, "/1.0/instances/crate-again/snapshots") == ["/1.0/instances/crate-again/snapshots/good"]


def test_what_changed_since_a_snapshot(web: WebPage, crate: str) -> None:
    web.open(f"/instances/{crate}/snapshots")
    web.choose("Actions of the snapshot good", "Compare with now")
    expect(web.row("/root/letter")).to_contain_text("Changed")
    expect(web.row("/root/added")).to_contain_text("Added")
    expect(web.row("/root/papers/one")).to_contain_text("Removed")


def test_download_a_file_and_a_folder_of_a_snapshot(web: WebPage, crate: str, tmp_path: Path) -> None:
    web.open(f"/instances/{crate}/snapshots/files/good?path=/root")
    with web.page.expect_download() as waiting:
        web.page.get_by_role("link", name="Download letter").click()
    waiting.value.save_as(tmp_path / "letter")
    assert (tmp_path / "letter").read_text() == "kept\n"
    web.page.get_by_role("link", name="papers/").click()
    with web.page.expect_download() as waiting:
        web.page.get_by_role("link", name="Download this folder").click()
    waiting.value.save_as(tmp_path / "papers.tar")
    with tarfile.open(tmp_path / "papers.tar") as found:
        assert [name for name in found.getnames() if name.endswith("/one")]


def test_put_a_single_file_back(web: WebPage, web_server: HoldfastServer, crate: str) -> None:
    web.open(f"/instances/{crate}/snapshots/files/good?path=/root")
    web.button("Put back… letter").click()
    web.submit("Put it back")
    assert run(web_server, "cat /root/letter; ls /root") == "kept\nadded\nletter"


def test_long_work_is_seen_and_stopped_from_any_page(web: WebPage, web_server: HoldfastServer, crate: str) -> None:
    run(web_server, "head -c 150000000 /dev/urandom > /root/large")
    web.open(f"/instances/{crate}/exports")
    web.button("Make an export file").click()
    web.fill(Name="slow", Compression="xz")
    web.button("Make it", within=web.dialog).click()
    web.button("Leave it running", within=web.dialog).click()
    web.go_to("Overview")
    running = web.page.get_by_role("row").filter(has_text="Running").filter(has=web.page.get_by_role("progressbar"))
    expect(running.get_by_role("link", name=crate)).to_be_visible()
    running.get_by_role("button", name=re.compile("^Stop: ")).click()
    expect(running).to_have_count(0)
    web.go_to("Operations")
    expect(web.page.get_by_role("row").filter(has_text="Cancelled").first).to_be_visible()
    run(web_server, "rm /root/large")
    assert ask(web_server, f"/1.0/instances/{crate}/backups") == [f"/1.0/instances/{crate}/backups/weekly"]


def test_a_failed_operation_is_shown_in_the_servers_words(
    web: WebPage, web_server: HoldfastServer, export_file: Path
) -> None:
    stored = web_server.directory / "backups/instances/crate/weekly"
    with stored.open("r+b") as broken:
        broken.seek(stored.stat().st_size // 2)
        broken.write(b"\xff" * 4096)
    web.open("/instances/crate/exports")
    web.choose("Actions of the export file weekly", "Verify")
    web.button("Verify", within=web.dialog).click()
    said = web.dialog.get_by_role("alert")
    expect(said).to_be_visible()
    reason = said.locator(".error-text").inner_text()
    told = web_server.holdfast("backup", "stored", "verify", "crate", "weekly")
    assert told.returncode != 0
    assert reason in told.stderr
    web.button("Cancel", within=web.dialog).click()
    # A failed operation stays to be seen as long as the page is open.
    web.go_to("Operations")
    expect(web.page.get_by_role("row").filter(has_text="Failure").filter(has_text=reason).first).to_be_visible()


def test_a_refused_request_stays_in_its_dialog(web: WebPage, crate: str) -> None:
    web.open("/instances")
    web.choose("Create instance", "From an image…")
    web.fill(Name=crate)
    web.button("Create", within=web.dialog).click()
    expect(web.dialog.get_by_role("alert")).to_contain_text(re.compile("already exists"))
    web.page.keyboard.press("Escape")
    expect(web.dialog).to_have_count(0)
