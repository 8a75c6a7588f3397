"""The web page as a person with a browser sees it: by what is written there, not by how it is made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect

if TYPE_CHECKING:
    from support.holdfast import HoldfastServer

CHROMIUM = "/usr/bin/chromium"
LONG_MS = 60_000
"""How long is waited for what must be seen. On a busy machine the five seconds of Playwright are not enough."""
expect.set_options(timeout=LONG_MS)
AXE = Path(__file__).parents[2] / "webui" / "node_modules" / "axe-core" / "axe.min.js"
IGNORED_COMPLAINTS = (
    "Failed to load resource",  # an answer that says no is part of the page's work, and shown in it
    "WebSocket connection to",
)


# Colours on their way to others have no contrast of their own. A style sheet that a script makes passes the policy.
_STILL = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { transition: none !important }");
  document.adoptedStyleSheets = [sheet];
}"""


# Notes of what came of an action go seven seconds later: in a test when it says so, and not while it looks for them.
_NOTES_MS = 7_000
_HOLD_NOTES = f"""(() => {{
  const wait = window.setTimeout;
  const held = [];
  window.setTimeout = (run, ms, ...more) => (ms === {_NOTES_MS} ? held.push(run) : wait(run, ms, ...more));
  window.letNotesGo = () => held.splice(0).forEach((run) => run());
}})()"""


def link_of(server: HoldfastServer, *options: str) -> str:
    """Have the server make a link that signs one browser in."""
    done = server.holdfast("ui", "link", "--no-open", *options)
    assert done.returncode == 0, done.stderr
    (found,) = [line.strip() for line in done.stdout.splitlines() if line.strip().startswith("https://127.0.0.1")]
    return found


@contextmanager
def signed_in(browser: Browser, server: HoldfastServer, *options: str, **context: Any) -> Iterator[WebPage]:
    """Open a browser of its own, signed in by a link."""
    made = browser.new_context(ignore_https_errors=True, **context)
    made.set_default_timeout(LONG_MS)
    try:
        page = made.new_page()
        page.goto(link_of(server, *options))
        page.get_by_role("button").click()
        page.wait_for_url(lambda url: "/ui/sign-in" not in url)  # the cookie is there
        yield WebPage(page)
    finally:
        made.close()


def is_covered(button: Locator) -> bool:
    """Whether something else lies on the middle of it."""
    button.scroll_into_view_if_needed()
    covered: bool = button.evaluate(
        """button => {
          const {x, y, width, height} = button.getBoundingClientRect();
          return !button.contains(document.elementFromPoint(x + width / 2, y + height / 2));
        }"""
    )
    return covered


class WebPage:
    """One tab of a browser. `complaints` is what the page wrote to the console as an error, or raised."""

    def __init__(self, page: Page) -> None:
        page.set_default_timeout(LONG_MS)
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self._hear(message.type, message.text))

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" and not text.startswith(IGNORED_COMPLAINTS):
            self.complaints.append(text)

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    def open(self, path: str) -> None:
        """Go to a page below /ui, and wait until it has said its title."""
        origin = "/".join(self.page.url.split("/")[:3])
        self.page.goto(f"{origin}/ui{path}")
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        expect(self.page.get_by_text("Loading…")).to_have_count(0)

    def go_to(self, page: str) -> None:
        """Go on by the navigation, without a new load."""
        self.page.get_by_role("navigation", name="Main navigation").get_by_role("link", name=page, exact=True).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(page)

    def button(self, name: str | re.Pattern[str], *, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=name, exact=isinstance(name, str))

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def choose(self, menu: str, action: str) -> None:
        """Open a menu by its button, and choose from it."""
        self.button(menu).click()
        self.page.get_by_role("list", name="Actions").get_by_role("button", name=action, exact=True).click()

    def fill(self, **fields: str | bool) -> None:
        """Fill fields of the dialog by their labels; `_` stands for a blank."""
        for label, value in fields.items():
            self.fill_in(self.dialog, label.replace("_", " "), value)

    def fill_in(self, place: Locator, label: str, value: str | bool) -> None:
        field = place.get_by_label(label, exact=True)
        if isinstance(value, bool):
            field.set_checked(value)
        elif field.evaluate("each => each.tagName") == "SELECT":
            field.select_option(label=value)
        else:
            field.fill(value)

    @property
    def _commands(self) -> Locator:
        return self.dialog.locator("code.command__text")

    def says(self, *commands: str) -> None:
        """Wait until the dialog says that these commands do the same: what they need may still be on its way."""
        expect(self._commands).to_have_text(list(commands))

    def says_among_others(self, text: str) -> None:
        """Wait until the dialog says a command with this in it."""
        expect(self._commands.filter(has_text=text)).to_have_count(1)

    def command(self) -> str:
        """Return the command that the dialog says does the same, where that needs nothing of the server."""
        expect(self._commands.first).to_be_visible()
        return "\n".join(self._commands.all_inner_texts())

    def hold_notes(self) -> None:
        """Let notes of good news stay, on the pages that are opened from now on, until `let_notes_go`."""
        self.page.add_init_script(_HOLD_NOTES)

    def let_notes_go(self) -> None:
        """Let the time be over for which notes are shown."""
        self.page.evaluate("letNotesGo()")

    def submit(self, name: str) -> None:
        """Press the dialog's button, and wait until all is done and the dialog gone."""
        self.button(name, within=self.dialog).click()
        expect(self.dialog).to_have_count(0)

    def row(self, name: str | re.Pattern[str]) -> Locator:
        """The row of a table whose name contains this."""
        return self.page.get_by_role("row").filter(has=self.page.get_by_role("rowheader").filter(has_text=name))

    def look(self, scheme: Literal["light", "dark"], width: int, height: int) -> None:
        """Show the page in a window of this size, to somebody whose system is light or dark."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.evaluate(_STILL)
        self.page.emulate_media(color_scheme=scheme)
        self.page.wait_for_function("scheme => document.documentElement.classList.contains(`is-${scheme}`)", arg=scheme)

    def serious_problems(self, place: str = "html") -> list[str]:
        """Have axe look at the page as it is, or a part of it; return what it calls serious or critical."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("place => axe.run(place, {resultTypes: ['violations']})", place)
        return [
            f"{violation['id']}: {violation['help']}: {node['html'][:200]}"
            for violation in found["violations"]
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"]
        ]


class HeldReads:
    """Lets requests to addresses of this pattern wait, if they only read, until the test lets them go on."""

    def __init__(self, web: WebPage, address: re.Pattern[str]) -> None:
        self._page, self._held = web.page, list[Route]()
        self._page.route(address, self._handle)

    def _handle(self, route: Route) -> None:
        if route.request.method == "GET":
            self._held.append(route)
        else:
            route.continue_()

    def let_go(self) -> None:
        for route in self._held:
            route.continue_()
        self._page.unroute_all()
