"""Somebody at the web page with a keyboard and nothing else: the tab key, enter, arrows, Escape, and what is typed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Download, expect

from support.webpage import WebPage

_MOST_STOPS = 250
_MOST_CHOICES = 60
_LONG_S = 30.0


def _tries(most: int) -> Iterator[None]:
    """Go on for so many times, and for half a minute: what is looked for may still be on its way from the server."""
    latest = time.monotonic() + _LONG_S
    while most > 0 or time.monotonic() < latest:
        most -= 1
        yield


# How what has the focus is called, as a screen reader would say it.
_FOCUSED = """() => {
  const it = document.activeElement;
  const others = (label) => [...label.childNodes].filter((each) => !each.contains(it));
  const own = (label) => others(label).map((each) => each.textContent).join("");
  const name = it.getAttribute("aria-label") ?? (it.labels?.[0] ? own(it.labels[0]) : it.textContent);
  return name.trim().replace(/\\s+/g, " ").slice(0, 200);
}"""
# The page may choose for itself what a list shows, with its next picture; what is chosen may lead to another page.
_CHOSEN = """async () => {
  for (let pictures = 0; pictures < 2; pictures += 1) await new Promise(requestAnimationFrame);
  return document.activeElement.selectedOptions?.[0]?.text ?? "";
}"""


class Keyboard:
    """Does by keys what `WebPage` does by clicks."""

    def __init__(self, web: WebPage) -> None:
        self.web = web

    def open(self, path: str) -> None:
        """Go to an address, and past the navigation."""
        self.web.open(path)
        self.press("Tab")
        assert self.focused() == "Skip to the content"
        self.press("Enter")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.web.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.web.page.keyboard.type(text)

    def focused(self) -> str:
        """Return how what has the focus is called."""
        name: str = self.web.page.evaluate(_FOCUSED)
        return name

    def to(self, name: str) -> None:
        """Go on by the tab key until what is called so has the focus."""
        seen = []
        for _ in _tries(_MOST_STOPS):
            seen.append(self.focused())
            if seen[-1] == name:
                return
            self.press("Tab")
        raise AssertionError(
            f"the tab key doesn't lead to “{name}”, but to {[each[:40] for each in dict.fromkeys(seen)]}"
        )

    def push(self, *names: str) -> None:
        """Push a button or follow a link by the enter key; one after the other."""
        for name in names:
            self.to(name)
            self.press("Enter")

    def choose(self, menu: str, action: str) -> None:
        """Open a menu by its button, and choose from it by the arrows."""
        self.push(menu)
        for _ in _tries(_MOST_CHOICES):
            if self.focused() == action:
                self.press("Enter")
                return
            self.press("ArrowDown")
        raise AssertionError(f"the arrows don't lead to “{action}” in the menu “{menu}”")

    def fill(self, **fields: str | bool | Path) -> None:
        """Fill fields in the order of the page, by their labels; `_` stands for a blank."""
        for label, value in fields.items():
            self.fill_in(label.replace("_", " "), value)

    def fill_in(self, label: str, value: str | bool | Path) -> None:
        """Type a text, check or uncheck, choose from a list, or give a file (past the dialog of the browser itself)."""
        self.to(label)
        field = self.web.page.locator(":focus")
        kind = field.evaluate("each => each.type")
        if isinstance(value, bool):
            if field.is_checked() != value:
                self.press("Space")
            assert field.is_checked() == value
        elif isinstance(value, Path):
            field.set_input_files(value)
        elif kind == "select-one":
            self._choose_from_list(value)
        elif kind == "time":
            self.type(value)
        else:
            self.press("ControlOrMeta+a", "Delete")
            self.type(value)

    def _choose_from_list(self, value: str) -> None:
        """By the arrows, from the top on; what there is to choose from may still be on its way."""
        self.press("Home")
        before = ""
        for _ in _tries(_MOST_CHOICES):
            chosen = self.web.page.evaluate(_CHOSEN)
            if chosen.startswith(value):
                return
            self.press("ArrowDown" if chosen != before else "Home")  # that was the last: there may be more by now
            before = chosen
        raise AssertionError(f"the arrows don't lead to “{value}” in the list")

    def submit(self, name: str) -> None:
        """Push the dialog's button, and wait until all is done and the dialog gone."""
        self.push(name)
        expect(self.web.dialog).to_have_count(0)

    def ask(self, name: str, dialog: str) -> None:
        """Push a button, and wait for its dialog."""
        self.push(name)
        expect(self.web.dialog).to_contain_text(dialog)

    def download(self, name: str) -> Download:
        """Follow a link to a file."""
        self.to(name)
        with self.web.page.expect_download() as waiting:
            self.press("Enter")
        return waiting.value

    def is_at(self, heading: str) -> None:
        """Wait for the page with this heading."""
        expect(self.web.page.get_by_role("heading", level=1)).to_contain_text(heading)
