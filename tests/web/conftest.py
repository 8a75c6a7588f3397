"""One server with containers and one browser for all tests of the web page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from support.every_page import make_things
from support.holdfast import HoldfastServer, build_busybox_image, short_directory
from support.keyboard import Keyboard
from support.ports import free_port
from support.webpage import AXE, CHROMIUM, LONG_MS, WebPage, signed_in

BUILT = Path(__file__).parents[2] / "src/holdfast/server/webui_files/index.html"


@pytest.fixture(scope="session", autouse=True)
def built_page() -> None:
    for needed in (BUILT, AXE):
        if not needed.exists():
            pytest.skip(f"needs {needed.name}: the web page is not built (Node.js)")


@pytest.fixture(scope="session")
def web_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HoldfastServer]:
    """A server that serves the page over HTTPS, with the pools `default` and `bt` and the image `busybox`."""
    directory = short_directory()
    with HoldfastServer(directory / "s") as running:
        build_busybox_image(running, tmp_path_factory.mktemp("image") / "busybox")
        assert running.holdfast("config", "set", f"core.https_address=127.0.0.1:{free_port()}").returncode == 0
        yield running
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def things(web_server: HoldfastServer) -> None:
    """Something on each of the pages that `PAGES` lists."""
    make_things(web_server)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser. For each module its own: as long as there is one, asyncio can't be run in this process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=2 * LONG_MS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def web(chromium: Browser, web_server: HoldfastServer) -> Iterator[WebPage]:
    """A tab that is signed in, for the steps of one module; the page must not have complained at the end."""
    with signed_in(chromium, web_server, viewport={"width": 1300, "height": 900}, locale="en-GB") as page:
        yield page
        assert page.complaints == []


@pytest.fixture(scope="module")
def keys(web: WebPage) -> Keyboard:
    """The same tab, by the keyboard alone."""
    return Keyboard(web)
