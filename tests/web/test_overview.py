"""What needs attention, with a real second server: protections and warnings are seen live, what is late comes first."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect
from sqlalchemy import update

from holdfast.db import schedule_runs, tables
from holdfast.db.database import Database, sqlite_url
from holdfast.model.schedule_run import ScheduleRun
from holdfast.model.schedules import DEFAULT_LABEL
from holdfast.model.warning import COPY_LATE, SCHEDULE_FAILED
from holdfast.service.paths import Paths
from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.ports import free_port
from support.webpage import WebPage, signed_in

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium", "mkfs.btrfs", "busybox")]


SOME_TIME_AGO = re.compile(r"just now|\d+ (s|min) ago")
"""When a copy was pulled that is pulled in a test, however slow that is."""


@dataclass
class World:
    """A server with the instance `web`; a backup server with `box` and `fine`, whose page it is; our command there."""

    home: HoldfastServer
    backup: HoldfastServer
    cli: Cli

    @property
    def stray(self) -> Path:
        """What stands in the way of the snapshot that `box` takes when it starts."""
        return self.backup.directory / "storage-pools/default/containers-snapshots/box/x"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    directory = short_directory()
    image = make_tiny_image(directory / "tiny.tar.gz")
    with HoldfastServer(directory / "h") as home, HoldfastServer(directory / "b") as backup:
        for server in (home, backup):
            server.lxc.run("image", "import", image, "--alias", "tiny")
            server.lxc.run("config", "set", f"core.https_address=127.0.0.1:{free_port()}")
        home.lxc.run("init", "tiny", "web", "-s", "bt")
        home.lxc.run("config", "set", "core.trust_password=secret")
        for name in ("box", "fine"):
            backup.lxc.run("init", "tiny", name)
        cli = Cli(backup.socket)
        cli.environment["HOLDFAST_CONF"] = str(directory / "conf")
        address = home.lxc.run("config", "get", "core.https_address").strip()
        cli.run("remote", "add", "home", address, "--accept-certificate", "--password", "secret")
        yield World(home, backup, cli)
    shutil.rmtree(directory)


@pytest.fixture
def page(chromium: Browser, world: World) -> Iterator[WebPage]:
    with signed_in(chromium, world.backup, viewport={"width": 1300, "height": 900}, locale="en-GB") as page:
        yield page
        assert page.complaints == []


def rows(page: WebPage, caption: str) -> Locator:
    return (
        page.page.get_by_role("table", name=caption).get_by_role("row").filter(has=page.page.get_by_role("rowheader"))
    )


def break_box(world: World) -> None:
    world.stray.mkdir(parents=True)
    world.cli.run("restart", "--force", "box")


def mend_box(world: World) -> None:
    world.stray.rmdir()
    world.cli.run("restart", "--force", "box")


def test_a_protection_is_seen_as_others_make_change_and_end_it(page: WebPage, world: World) -> None:
    page.open("/servers")
    world.cli.run("backup-server", "protect", "home:web", "--every", "@yearly", "--pool", "bt")
    card = page.page.locator(".card").filter(has_text="home-web")
    expect(card).to_contain_text(re.compile("@yearly|once a year"))
    world.cli.run("backup-server", "run-now", "home-web")
    expect(rows(page, "Copies of home-web").filter(has_text="web")).to_be_visible()
    world.cli.run("backup-server", "change", "home-web", "--every", "@monthly", "--keep", "last=3")
    expect(card).to_contain_text(re.compile("@monthly|once a month"))
    expect(card).to_contain_text("last=3")
    page.choose("Actions of the protection home-web", "Edit…")
    page.dialog.get_by_label(re.compile("^(Promised|Schedule)$")).fill("@yearly")
    page.fill(Begin_only_between="22:00-06:00")
    page.says("holdfast backup-server change home-web --every @yearly --window 22:00-06:00")
    page.submit("Save")
    expect(card).to_contain_text("22:00-06:00")
    world.cli.run("backup-server", "change", "home-web", "--window", "", "--no-bwlimit", "--parallel", "1")
    expect(card).not_to_contain_text("22:00-06:00")
    world.cli.run("backup-server", "remove", "home-web")
    expect(card).to_have_count(0)


def test_a_warning_is_seen_when_it_is_raised_and_goes_when_all_is_well(page: WebPage, world: World) -> None:
    page.open("/warnings")
    expect(page.page.get_by_text("No warning is open.")).to_be_visible()
    world.cli.run("config", "set", "box", "snapshots.schedule=@startup", "snapshots.pattern=x")
    world.stray.mkdir(parents=True)
    world.cli.run("start", "box")
    expect(page.row(SCHEDULE_FAILED)).to_contain_text("is in its pool, but not in the database")
    mend_box(world)
    expect(page.page.get_by_text("No warning is open.")).to_be_visible()
    world.cli.run("delete", "box/x")


def let_time_pass(world: World, days: int) -> None:
    """Move what the backup server remembers of the protection and its copy into the past; it isn't running."""
    database = Database(sqlite_url(Paths(world.backup.directory).database))
    then = datetime.now(UTC) - timedelta(days=days)
    with database.write() as connection:
        connection.execute(update(tables.protections).values(created_at=then))
        connection.execute(update(tables.protected_copies).values(succeeded_at=then))
        run = ScheduleRun(schedule=DEFAULT_LABEL, rule="@yearly", checked_until=then)
        schedule_runs.save(connection, schedule_runs.PROTECTIONS, ("home-web",), run)
    database.close()


def test_late_copies_and_failing_schedules_come_first(chromium: Browser, world: World) -> None:
    """The first server is gone for more than a year; the run that was missed is tried at once, and fails."""
    world.cli.run("backup-server", "protect", "home:web", "--every", "@yearly", "--pool", "bt", "--now")
    world.home.kill()
    world.backup.stop()
    let_time_pass(world, days=400)
    world.backup.start()
    break_box(world)
    with signed_in(chromium, world.backup, viewport={"width": 1300, "height": 900}, locale="en-GB") as page:
        attention = page.page.get_by_role("region", name="Needs attention").get_by_role("listitem")
        late = attention.filter(has_text="The copy of web from home is late")
        expect(late).to_contain_text("can't be asked for its instances")
        expect(late).to_contain_text("last good: ")
        expect(attention.filter(has_text="The schedule of box failed")).to_be_visible()
        tones = [each.get_attribute("class") or "" for each in attention.all()]
        assert [tone.rpartition("--")[2] for tone in tones] == sorted(
            (tone.rpartition("--")[2] for tone in tones), key=["negative", "caution", "information"].index
        )
        expect(attention.filter(has_text="warning")).to_contain_text(COPY_LATE)
        shown = rows(page, "How safe everything is")
        assert [each.get_by_role("rowheader").inner_text().split()[0] for each in shown.all()] == ["box", "web", "fine"]
        expect(shown.nth(0)).to_contain_text("failing")
        expect(shown.nth(1)).to_contain_text("late")
        expect(shown.nth(2)).to_contain_text("no schedule")
        assert "LATE: home can't be asked" in world.cli.run("backup-server", "list")
        world.home.start()
        world.cli.run("backup-server", "run-now", "home-web")
        assert "FAILING" not in world.cli.run("backup-server", "list"), "it waits for no next try"
        mend_box(world)
        expect(late).to_have_count(0)
        expect(page.page.get_by_role("region", name="Needs attention")).not_to_contain_text("failed")
        expect(page.row("web")).to_contain_text(SOME_TIME_AGO)
        expect(page.row("web")).not_to_contain_text("late")
        assert page.complaints == []
