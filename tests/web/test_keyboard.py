"""Every page by keyboard alone: the tab key leads everywhere and always on, each action can be chosen, dialogs let one out."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import expect

from holdfast.db import warnings as warnings_table
from holdfast.db.database import Database, sqlite_url
from holdfast.model.warning import SCHEDULE_FAILED, WarningRecord
from holdfast.service.paths import Paths
from support import closing
from support.every_page import PAGES
from support.holdfast import HoldfastServer
from support.keyboard_crawler import Crawler
from support.webpage import WebPage

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium")]

WIDE, NARROW = (1440, 900), (390, 844)
TEXTS = Path(__file__).parents[2] / "webui/src/text/en"
COPY = "/instances/plain/copies?project=copies"


def run(server: HoldfastServer, *command: str | Path) -> None:
    done = server.holdfast(*command)
    assert done.returncode == 0, f"{command}: {done.stderr}"


@pytest.fixture(scope="module", autouse=True)
def more_things(web_server: HoldfastServer, things: None) -> Iterator[None]:
    """Besides: a copy that this server pulls from itself, a certificate, warnings. All that others count is taken away."""
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
    warn(web_server)
    yield
    run(web_server, "backup-server", "remove", "myself-plain")
    run(web_server, "delete", "plain", "--project", "copies")
    run(web_server, "project", "delete", "copies")
    for path in ("/1.0/warnings", "/1.0/certificates"):
        for url in json.loads(web_server.holdfast("query", path).stdout):
            run(web_server, "query", "-X", "DELETE", url)


def warn(server: HoldfastServer) -> None:
    """Have it find something wrong: nothing that one can do from outside does that at once."""
    now = datetime.now(UTC)
    warning = WarningRecord(
        id=str(uuid.uuid4()),
        project="default",
        kind=SCHEDULE_FAILED,
        entity="/1.0/instances/plain",
        message="no space left",
        first_seen_at=now,
        last_seen_at=now,
    )
    database = Database(sqlite_url(Paths(server.directory).database))
    with database.write() as connection:
        warnings_table.insert(connection, warning)
    database.close()


@pytest.fixture(scope="module")
def crawler(web: WebPage, more_things: None, request: pytest.FixtureRequest) -> Iterator[Crawler]:
    crawler = Crawler(web)
    yield crawler
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


def test_every_action_that_the_texts_name_was_tried(crawler: Crawler) -> None:
    """What ends with an ellipsis asks something before it does anything: a dialog."""
    named = {
        label
        for file in TEXTS.glob("*.ts")
        for label in re.findall(r'"([A-Z][^"]*)…"', file.read_text())
    }
    tried = {label.rstrip("…") for _, label in crawler.actions if label.endswith("…")}
    print(named - tried, tried - named)
    assert named - tried == set()
