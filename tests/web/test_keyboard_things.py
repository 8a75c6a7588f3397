"""Every kind of action on volumes, images, pools, profiles, the server by keyboard alone. Steps build on each other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from holdfast.model.warning import SCHEDULE_FAILED
from support.by_command import ask, names, run
from support.every_page import warn
from support.holdfast import HoldfastServer
from support.images import make_tiny_image
from support.keyboard import Keyboard
from support.webpage import WebPage, link_of, signed_in

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium", "busybox")]

VOLUMES = "/1.0/storage-pools/bt/volumes/custom"
SHELF = f"{VOLUMES}/shelf"


@pytest.fixture(scope="module", autouse=True)
def owner(web_server: HoldfastServer) -> str:
    """An instance to attach things to; it doesn't run."""
    run(web_server, "init", "busybox", "owner")
    return "owner"


def test_create_a_volume(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/volumes")
    keys.choose("Create a volume", "An empty one…")
    keys.fill(Name="shelf", Pool="bt")
    keys.submit("Create")
    keys.is_at("shelf")
    assert "shelf" in names(web_server, VOLUMES)


def test_attach_and_detach_a_volume(keys: Keyboard, web: WebPage, web_server: HoldfastServer) -> None:
    keys.open("/volumes/bt/shelf")
    keys.ask("Attach…", "Attach shelf")
    keys.fill(Instance="owner", Path_inside="/shelf")
    keys.submit("Attach")
    assert "shelf" in ask(web_server, "/1.0/instances/owner")["devices"]
    keys.ask("Detach…", "Detach shelf from owner")
    keys.submit("Detach")
    expect(web.page.get_by_role("link", name="owner")).to_have_count(0)
    assert "shelf" not in ask(web_server, "/1.0/instances/owner")["devices"]


def test_snapshots_of_a_volume(keys: Keyboard, web: WebPage, web_server: HoldfastServer) -> None:
    keys.open("/volumes/bt/shelf/snapshots")
    for name in ("one", "two"):
        keys.ask("Take a snapshot", "Take a snapshot of shelf")
        keys.fill(Name=name)
        keys.submit("Take it")
    keys.choose("Actions of the snapshot one", "Edit…")
    keys.fill(Name="good", Description="by keys")
    keys.submit("Save")
    keys.choose("Actions of the snapshot good", "Hold")
    expect(web.row("good")).to_contain_text("held")
    keys.choose("Actions of the snapshot good", "Release")
    expect(web.row("good")).not_to_contain_text("held")
    keys.ask("Restore… good", "becomes again what it was")
    keys.submit("Restore")
    keys.choose("Actions of the snapshot two", "Delete…")
    keys.submit("Delete")
    (snapshot,) = ask(web_server, f"{SHELF}/snapshots?recursion=1")
    assert (snapshot["name"].split("/")[-1], snapshot["description"]) == ("good", "by keys")
    keys.choose("Actions of the snapshot good", "Compare with now")
    expect(web.page.get_by_text("Nothing changed between these two points.")).to_be_visible()
    keys.open("/volumes/bt/shelf/snapshots")
    keys.push("Files as they are now")
    keys.fill(Snapshot="good")
    expect(web.page.get_by_role("heading", name="Files in good")).to_be_visible()
    keys.fill(Snapshot="Now")
    expect(web.page.get_by_role("heading", name="Files of shelf as they are now")).to_be_visible()


def test_export_files_of_a_volume(keys: Keyboard, web: WebPage, web_server: HoldfastServer, tmp_path: Path) -> None:
    keys.open("/volumes/bt/shelf/snapshots")
    keys.choose("Actions of the snapshot good", "Export it…")
    keys.fill(Name="alone")
    keys.submit("Make it")
    keys.open("/volumes/bt/shelf/exports")
    keys.ask("Make an export file", "Export shelf")
    keys.fill(Name="whole")
    keys.submit("Make it")
    keys.choose("Actions of the export file whole", "Verify")
    keys.push("Verify")
    expect(web.dialog).to_contain_text("sealed: true")
    keys.press("Escape")
    keys.choose("Actions of the export file whole", "Rename…")
    keys.fill(New_name="kept")
    keys.submit("Rename")
    keys.choose("Actions of the export file alone", "Delete…")
    keys.submit("Delete")
    assert names(web_server, f"{SHELF}/backups") == ["kept"]
    keys.download("Download kept").save_as(tmp_path / "shelf.tar.gz")
    keys.open("/volumes")
    keys.choose("Create a volume", "From an export file…")
    keys.fill(Export_file=tmp_path / "shelf.tar.gz", Name="shelf-file")
    keys.submit("Upload and import")
    keys.is_at("shelf-file")


def test_copy_and_rename_a_volume(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/volumes")
    keys.choose("Create a volume", "From a snapshot…")
    keys.fill(Volume="bt/shelf", Snapshot="good", Name_of_the_new_volume="shelf-two")
    keys.submit("Create")
    keys.open("/volumes")
    keys.choose("Actions of the volume shelf-two", "Rename or move…")
    keys.fill(New_name="shelf-three")
    keys.submit("Save")
    assert "shelf-three" in names(web_server, VOLUMES)


def test_the_schedule_and_the_settings_of_a_volume(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/volumes/bt/shelf/configuration")
    keys.fill(Take_snapshots="Every week")
    keys.push("Save…")
    keys.submit("Save")
    keys.open("/volumes/bt/shelf/configuration/all")
    keys.fill(Description="by keys")
    keys.push("Save")
    expect(keys.web.page.get_by_text("is saved")).to_be_visible()
    volume = ask(web_server, SHELF)
    assert (volume["config"]["snapshots.schedule"], volume["description"]) == ("@weekly", "by keys")


def test_delete_a_volume(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/volumes/bt/shelf-file")
    keys.choose("Actions", "Delete…")
    keys.fill_in("Type shelf-file to confirm", "shelf-file")
    keys.submit("Delete it")
    keys.is_at("Volumes")
    assert "shelf-file" not in names(web_server, VOLUMES)


def test_import_change_download_and_delete_an_image(
    keys: Keyboard, web: WebPage, web_server: HoldfastServer, tmp_path: Path
) -> None:
    keys.open("/images")
    keys.choose("Add an image", "Import a file…")
    keys.fill(Image_file=make_tiny_image(tmp_path / "tiny.tar.gz"), Alias="tiny")
    keys.submit("Import")
    keys.choose("Actions of the image tiny", "Edit…")
    keys.fill(Description="by keys", Aliases="smallest")
    keys.submit("Save")
    expect(web.row("smallest")).to_contain_text("by keys")
    assert keys.download("Download smallest").failure() is None
    keys.choose("Actions of the image smallest", "Delete…")
    keys.submit("Delete")
    expect(web.row("smallest")).to_have_count(0)
    assert "smallest" not in names(web_server, "/1.0/images/aliases")


def test_build_an_image(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/images")
    keys.choose("Add an image", "Build it here…")
    keys.fill(Recipe="BusyBox", Alias="built")
    keys.submit("Build")
    assert ask(web_server, "/1.0/images/aliases/built")["target"]
    run(web_server, "image", "alias", "delete", "built")


def test_create_change_and_delete_a_pool(keys: Keyboard, web: WebPage, web_server: HoldfastServer) -> None:
    keys.open("/pools")
    keys.ask("Create a pool", "Create a storage pool")
    keys.fill(Name="cellar", Driver="dir")
    keys.submit("Create")
    keys.push("cellar")
    keys.is_at("cellar")
    keys.push("Settings")
    keys.fill(Description="by keys")
    keys.push("Save")
    expect(web.page.get_by_text("is saved")).to_be_visible()
    keys.push("YAML")
    expect(web.page.get_by_label("Configuration as YAML")).to_have_value(re.compile("by keys"))
    keys.to("Configuration as YAML")
    keys.press("ControlOrMeta+Home", "Shift+End")
    keys.type("description: by hand")
    keys.push("Save…")
    keys.submit("Save")
    assert ask(web_server, "/1.0/storage-pools/cellar")["description"] == "by hand"
    keys.ask("Delete…", "Delete the pool cellar")
    keys.fill_in("Type cellar to confirm", "cellar")
    keys.submit("Delete")
    keys.is_at("Pools")
    assert "cellar" not in names(web_server, "/1.0/storage-pools")


def test_create_change_rename_and_delete_a_profile(keys: Keyboard, web: WebPage, web_server: HoldfastServer) -> None:
    keys.open("/profiles")
    keys.ask("Create a profile", "Create a profile")
    keys.fill(Name="habit", Begin_with="default")
    keys.submit("Create")
    keys.is_at("habit")
    keys.fill(Take_snapshots="Every day")
    keys.push("Save…")
    keys.submit("Save")
    keys.push("Devices")
    keys.fill(Name_of_the_device="scratch", Type="disk")
    keys.push("Add a device")
    keys.fill_in("scratch: Key", "path")
    keys.fill_in("scratch: Value", "/scratch")
    keys.push("Add a key")
    keys.fill_in("scratch: Key", "source")
    keys.fill_in("scratch: Value", "/tmp")
    keys.push("Add a key", "Save")
    expect(web.page.get_by_text("is saved")).to_be_visible()
    profile = ask(web_server, "/1.0/profiles/habit")
    assert profile["config"]["snapshots.schedule"] == "@daily"
    assert profile["devices"]["scratch"] == {"type": "disk", "path": "/scratch", "source": "/tmp"}
    keys.choose("Actions", "Rename…")
    keys.fill(New_name="routine")
    keys.submit("Rename")
    keys.is_at("routine")
    keys.choose("Actions", "Delete…")
    keys.submit("Delete")
    keys.is_at("Profiles")
    assert "routine" not in names(web_server, "/1.0/profiles")


def test_create_change_rename_and_delete_a_project(keys: Keyboard, web: WebPage, web_server: HoldfastServer) -> None:
    keys.open("/projects")
    keys.ask("Create a project", "Create a project")
    keys.fill(Name="crew", Images_of_its_own=False)
    keys.submit("Create")
    keys.is_at("crew")
    keys.push("Settings")
    keys.fill(Description="by keys")
    keys.push("Save")
    expect(web.page.get_by_text("is saved")).to_be_visible()
    keys.push("YAML")
    expect(web.page.get_by_label("Configuration as YAML")).to_have_value(re.compile("by keys"))
    project = ask(web_server, "/1.0/projects/crew")
    assert (project["description"], project["config"]["features.images"]) == ("by keys", "false")
    keys.choose("Actions", "Rename…")
    keys.fill(New_name="team-one")
    keys.submit("Rename")
    keys.is_at("team-one")
    keys.choose("Actions", "Go to its instances")
    keys.is_at("Instances")
    expect(web.page).to_have_url(re.compile("project=team-one"))
    keys.open("/projects")
    keys.choose("Actions of the project team-one", "Delete…")
    keys.fill_in("Type team-one to confirm", "team-one")
    keys.submit("Delete")
    expect(web.row("team-one")).to_have_count(0)
    assert "team-one" not in names(web_server, "/1.0/projects")


def test_stop_an_operation(keys: Keyboard, web: WebPage, web_server: HoldfastServer) -> None:
    run(web_server, "storage", "volume", "create", "bt", "bulk")
    bulk = web_server.directory / "storage-pools/bt/custom/default_bulk"
    with (bulk / "noise").open("wb") as file, Path("/dev/urandom").open("rb") as noise:
        for _ in range(100):
            file.write(noise.read(1 << 20))
    body = json.dumps({"name": "slow", "compression_algorithm": "xz"})
    run(web_server, "query", "-X", "POST", "-d", body, f"{VOLUMES}/bulk/backups")
    keys.open("/operations")
    keys.push("Stop: Creating custom volume backup")
    expect(web.page.get_by_role("row").filter(has_text="Cancelled").first).to_be_visible()
    assert ask(web_server, f"{VOLUMES}/bulk/backups") == []


def test_acknowledge_and_delete_a_warning(keys: Keyboard, web: WebPage, web_server: HoldfastServer) -> None:
    for instance in ("owner", "other"):
        warn(web_server, f"/1.0/instances/{instance}")
    keys.open("/warnings")
    keys.choose(f"Actions of the warning: {SCHEDULE_FAILED}", "Acknowledge")
    expect(web.page.get_by_role("rowheader")).to_have_count(1)
    keys.fill_in("State", "All")
    keys.fill_in("Select all", True)
    keys.ask("Delete", "Delete 2 warnings")
    keys.submit("Delete")
    assert ask(web_server, "/1.0/warnings") == []


@pytest.fixture
def trusted(web_server: HoldfastServer) -> Iterator[Path]:
    """This server as one that it may pull from: it trusts itself."""
    certificate = web_server.directory / "server.crt"
    run(web_server, "project", "create", "pulled", "-c", "features.images=false", "-c", "features.profiles=false")
    run(web_server, "config", "trust", "add", certificate, "--name", "itself")
    yield certificate
    for name in names(web_server, "/1.0/instances?project=pulled"):
        run(web_server, "delete", "--force", name, "--project", "pulled")
    run(web_server, "project", "delete", "pulled")
    for url in ask(web_server, "/1.0/certificates"):
        run(web_server, "query", "-X", "DELETE", url)


def test_protect_pull_pause_change_bring_back_and_remove(
    keys: Keyboard, web: WebPage, web_server: HoldfastServer, trusted: Path
) -> None:
    def protection() -> Any:
        return ask(web_server, "/1.0/protections?recursion=1")[0]

    keys.open("/servers")
    keys.ask("Protect instances", "Protect instances of another server")
    keys.fill_in("Name of the other server", "itself")
    keys.fill_in("Its address", f"https://{ask(web_server, '/1.0')['config']['core.https_address']}")
    keys.to("Its certificate")
    keys.web.page.keyboard.insert_text(trusted.read_text())  # as pasted
    keys.fill(Instances="owner", Pool_here="bt", Project_here="pulled")
    keys.submit("Protect them")
    menu = f"Actions of the protection {protection()['name']}"
    keys.choose(menu, "Pull now")
    expect(web.row("owner")).to_be_visible()
    assert names(web_server, "/1.0/instances?project=pulled") == ["owner"]
    keys.choose(menu, "Pause")
    expect(web.page.get_by_text("paused").first).to_be_visible()
    assert protection()["paused"]
    keys.choose(menu, "Go on")
    expect(web.page.get_by_text("goes on")).to_be_visible()
    keys.choose(menu, "Edit…")
    keys.fill(Keeps="last=3")
    keys.submit("Save")
    assert (protection()["paused"], protection()["keep"]) == (False, "last=3")
    keys.open("/instances/owner/copies?project=pulled")
    keys.ask("Pull now…", "All instances of this protection are brought up to date")
    keys.submit("Pull now")
    keys.ask("Go on here…", "The protection is paused, and the copy is started")
    keys.submit("Start")
    assert ask(web_server, "/1.0/instances/owner?project=pulled")["status"] == "Running"
    keys.open("/servers")
    keys.choose(menu, "Remove…")
    keys.submit("Remove")
    assert ask(web_server, "/1.0/protections") == []


def test_an_action_that_fails_in_its_dialog(keys: Keyboard, web: WebPage) -> None:
    """The focus stays in the dialog, so that one goes on where one was."""
    keys.open("/profiles")
    keys.ask("Create a profile", "Create a profile")
    keys.fill(Name="default")
    keys.push("Create")
    expect(web.dialog.get_by_role("alert")).to_contain_text("already")
    expect(web.button("Create", within=web.dialog)).to_be_focused()
    keys.fill(Name="other")
    keys.press("Escape")
    expect(web.dialog).to_have_count(0)
    assert keys.focused() == "Create a profile"


def test_a_note_of_what_failed_without_a_dialog(
    keys: Keyboard, web: WebPage, web_server: HoldfastServer, tmp_path: Path
) -> None:
    """It stays until somebody closes it."""
    gone = tmp_path / "gone"
    gone.mkdir()
    run(web_server, "config", "device", "add", "owner", "gone", "disk", f"source={gone}", "path=/gone")
    gone.rmdir()
    keys.open("/instances/owner")
    keys.choose("Actions", "Start")
    note = web.page.get_by_role("alert").filter(has_text="Start owner")
    expect(note).to_be_visible()
    keys.push("Close")
    expect(note).to_have_count(0)
    run(web_server, "config", "device", "remove", "owner", "gone")


def test_a_setting_of_the_server(keys: Keyboard, web_server: HoldfastServer) -> None:
    key = "backups.compression_algorithm"
    keys.open("/settings")
    keys.push("backups.*")
    keys.fill_in(key, "zstd")
    keys.push("Save…")
    keys.submit("Save")
    assert ask(web_server, "/1.0")["config"][key] == "zstd"
    keys.fill_in(key, "")
    keys.push("Save…")
    keys.submit("Save")
    assert key not in ask(web_server, "/1.0")["config"]


def test_trust_change_and_remove_a_certificate(keys: Keyboard, web_server: HoldfastServer) -> None:
    keys.open("/settings/certificates")
    keys.ask("Trust a certificate", "Trust a certificate")
    keys.fill(Name="somebody")
    keys.to("Certificate")
    keys.web.page.keyboard.insert_text((web_server.directory / "server.crt").read_text())
    keys.submit("Trust a certificate")
    keys.choose("Actions of the certificate somebody", "Edit…")
    keys.fill(Name="someone", May_do="only in these projects", default=True)
    keys.submit("Save")
    (certificate,) = ask(web_server, "/1.0/certificates?recursion=1")
    assert (certificate["name"], certificate["restricted"], certificate["projects"]) == ("someone", True, ["default"])
    keys.choose("Actions of the certificate someone", "Remove…")
    keys.submit("Remove")
    assert ask(web_server, "/1.0/certificates") == []


def test_make_and_revoke_a_token(keys: Keyboard, web: WebPage) -> None:
    keys.open("/settings/tokens")
    keys.ask("Make a token", "Name of the client")
    keys.fill(Name_of_the_client="laptop")
    keys.push("Make a token")
    expect(web.dialog).to_contain_text("The token is made")
    keys.push("Close")
    expect(web.row("laptop")).to_be_visible()
    keys.ask("Revoke the token for laptop", "Nobody can use it then")
    keys.submit("Revoke")
    expect(web.row("laptop")).to_have_count(0)


def test_invite_a_browser_and_sign_it_out(
    keys: Keyboard, web: WebPage, chromium: Browser, web_server: HoldfastServer
) -> None:
    keys.open("/settings/browsers")
    keys.push("Make a sign-in link")
    keys.push("Make a sign-in link")
    expect(web.dialog).to_contain_text("It works once")
    keys.push("Close")
    with signed_in(chromium, web_server) as other:
        before = len(ask(web_server, "/1.0/ui/browsers"))
        keys.open("/settings/browsers")
        keys.ask("Sign out Chrome on Linux", "it needs a new link")
        keys.submit("Sign out")
        assert len(ask(web_server, "/1.0/ui/browsers")) == before - 1
        other.page.reload()
        expect(other.page.get_by_role("heading", level=1)).to_have_text("You are not signed in")


def test_sign_in_and_out_look_and_project(chromium: Browser, web_server: HoldfastServer) -> None:
    """From the link on: what confirms it, the choice of dark, of a project, and the way out."""
    context = chromium.new_context(ignore_https_errors=True)
    keys = Keyboard(WebPage(context.new_page()))
    keys.web.page.goto(link_of(web_server))
    keys.push("Sign in with this browser")
    keys.is_at("Overview")
    keys.fill(Theme="Dark")
    assert "is-dark" in keys.web.page.evaluate("document.documentElement.className")
    keys.fill(Project="default")
    expect(keys.web.page).to_have_url(re.compile(r"project=default|/ui/?$"))
    keys.push("Sign out")
    keys.is_at("You are not signed in")
    context.close()
