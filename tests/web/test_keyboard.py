"""Every page by keyboard alone: the tab key leads everywhere and always on, each action can be chosen."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from support import closing
from support.every_page import PAGES, warn
from support.holdfast import HoldfastServer
from support.keyboard import Keyboard
from support.keyboard_crawler import Crawler
from support.webpage import WebPage

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium")]

WIDE, NARROW = (1440, 900), (390, 844)
TEXTS = Path(__file__).parents[2] / "webui/src/text/en"
NO_ACTIONS = {
    "A time from now…",  # choices in lists
    "Until a date…",
    "Every day at…",
    "By rule (cron)…",
    "The disk is lost…",  # on the page of a lost pool alone: see `test_lost_pool.py`
    "Connecting…",  # what is waited for
    "Counting what changed since then…",
    "Loading…",
    "Measuring…",
    "The connection broke; trying again…",
    "The connection to the server is lost. What is shown may be old; trying again…",
}
COPY = "/instances/plain/copies?project=copies"


def run(server: HoldfastServer, *command: str | Path) -> None:
    done = server.holdfast(*command)
    assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest.fixture(scope="module", autouse=True)
def more_things(web_server: HoldfastServer, things: None) -> Iterator[None]:
    """Besides: a copy that this server pulls from itself, a certificate, a warning. What others count is taken away."""
    certificate = web_server.directory / "server.crt"
    run(web_server, "project", "create", "copies", "-c", "features.images=false", "-c", "features.profiles=false")
    run(web_server, "config", "trust", "add", certificate, "--name", "myself")
    address = json.loads(web_server.holdfast("query", "/1.0").stdout)["config"]["core.https_address"]
    protection = {
        "name": "myself-plain",
        "remote": "myself",
        "address": f"https://{address}",
        "certificate": certificate.read_text(),
        "pattern": "plain",
        "target_project": "copies",
        "schedule": "@yearly",
        "pool": "bt",
    }
    run(web_server, "query", "-X", "POST", "-d", json.dumps(protection), "/1.0/protections")
    run(web_server, "backup-server", "run-now", "myself-plain")
    warn(web_server, "/1.0/instances/plain")
    yield
    run(web_server, "backup-server", "remove", "myself-plain")
    run(web_server, "delete", "plain", "--project", "copies")
    run(web_server, "project", "delete", "copies")
    run(web_server, "warning", "delete", "--all")
    for url in json.loads(web_server.holdfast("query", "/1.0/certificates").stdout):
        run(web_server, "query", "-X", "DELETE", url)


# What a page must not have: each is told of under its own words.
_DEFECTS = {
    "not reached: button “skipped”": "it.tabIndex = -1",
    "out of order: button “hurried”": "it.tabIndex = 1",
    "no mark when it has the focus: button “unmarked”": "it.style.outline = 'none'",
    "out of sight when it has the focus: button “hidden”": "it.style.clipPath = 'inset(50%)'",
    "no way on from button “trap”": "it.onkeydown = (event) => event.preventDefault()",
    "for the pointer only: mouseenter on button “pointed”": "it.addEventListener('mouseenter', () => undefined)",
}


@pytest.fixture(scope="module")
def crawler(web: WebPage, more_things: None, request: pytest.FixtureRequest) -> Iterator[Crawler]:
    crawler = Crawler(web)
    yield crawler
    crawler.counts["actions tried"] = len(crawler.actions)
    closing.counts(request.config, "the web page by keyboard").update(crawler.counts)


@pytest.mark.parametrize("path", [*PAGES, COPY])
def test_all_of_a_page_by_keyboard_alone(crawler: Crawler, path: str) -> None:
    crawler.open(path, *WIDE)
    problems = crawler.walk() + crawler.pointer_only() + crawler.menus() + crawler.buttons()
    assert problems == []


@pytest.mark.parametrize("path", [*PAGES, COPY])
def test_the_tab_key_leads_through_a_narrow_page(crawler: Crawler, path: str) -> None:
    crawler.open(path, *NARROW)
    assert crawler.walk() == []


@pytest.fixture
def many_warnings(web_server: HoldfastServer) -> Iterator[set[str]]:
    """The names of what they are about."""
    names = {f"thing-{number}" for number in range(120)}
    for name in names:
        warn(web_server, f"/1.0/profiles/{name}")
    yield names
    run(web_server, "warning", "delete", "--all")
    warn(web_server, "/1.0/instances/plain")


@pytest.mark.long
def test_the_tab_key_leads_through_a_list_of_which_only_a_part_is_drawn(
    crawler: Crawler, many_warnings: set[str]
) -> None:
    wanted = many_warnings
    crawler.open("/warnings", *WIDE)
    assert crawler.web.page.get_by_role("rowheader").count() < len(wanted), "all are drawn: these are too few"
    keys = Keyboard(crawler.web)
    seen: set[str] = set()
    for _ in range(1_000):
        keys.press("Tab")
        seen.add(keys.focused())
        if wanted <= seen:
            return
    raise AssertionError(f"{len(wanted - seen)} rows weren't reached")


@pytest.mark.parametrize("told", _DEFECTS)
def test_a_defect_is_told(crawler: Crawler, told: str) -> None:
    """So that no defect can't mean that nobody looked."""
    crawler.open("/pools", *WIDE)
    (name,) = re.findall("“(.*)”", told)
    crawler.web.page.evaluate(f"""() => {{
      const it = document.createElement("button");
      it.textContent = "{name}";
      document.querySelector("h1").after(it);
      {_DEFECTS[told]};
    }}""")
    assert told in crawler.walk() + crawler.pointer_only()


def test_the_navigation_of_a_narrow_page(crawler: Crawler) -> None:
    """What is behind the button is reached once it is pressed, and gone again after something was chosen."""
    crawler.open("/", *NARROW)
    keys = Keyboard(crawler.web)
    keys.push("Menu")
    assert crawler.walk() == []
    keys.push("Volumes")
    keys.is_at("Volumes")
    expect(crawler.web.page.get_by_role("link", name="Instances", exact=True)).to_have_count(0)


def test_every_action_that_the_texts_name_was_tried(crawler: Crawler) -> None:
    """What ends with an ellipsis asks something before it does anything."""
    texts = "".join(file.read_text() for file in TEXTS.glob("*.ts"))
    named = set(re.findall(r'"([A-Z][^"]*…)"', texts)) - NO_ACTIONS
    tried = {action for (_, action), outcome in crawler.actions.items() if outcome.startswith("dialog")}
    assert named - tried == set()
    assert len(crawler.actions) >= 150


@pytest.mark.long
@pytest.mark.parametrize("path", [*PAGES, COPY])
def test_all_of_a_narrow_page_by_keyboard_alone(crawler: Crawler, path: str) -> None:
    """Also backwards."""
    crawler.open(path, *NARROW)
    assert crawler.menus() + crawler.buttons() == []
    for size in (NARROW, WIDE):
        crawler.open(path, *size)
        assert crawler.walk("Shift+Tab") == []
