"""Go over every page, menu and dialog of the web page of a server that runs, and make pictures to look at.

Each is taken wide and narrow, light and dark.

    HOLDFAST_DIR=/var/lib/holdfast .venv/bin/python docs/walk.py DIRECTORY [LOOK ...]

Only what asks before it does anything (its name ends with "…", or it opens a form) is opened; nothing is changed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Locator, Page, sync_playwright
from screenshots import CHROMIUM, pictures, run, sign_in


@dataclass(frozen=True)
class Look:
    scheme: Literal["light", "dark"]
    width: int
    height: int


LOOKS: Final = {
    "wide-light": Look("light", 1440, 900),
    "wide-dark": Look("dark", 1440, 900),
    "narrow-light": Look("light", 390, 844),
    "narrow-dark": Look("dark", 390, 844),
}
#: A page is shown whole, up to this height.
TALLEST: Final = 2600
_WHOLE = "() => innerHeight + document.querySelector('main').scrollHeight - document.querySelector('main').clientHeight"
_TOO_WIDE = "() => document.querySelector('main').scrollWidth > document.querySelector('main').clientWidth"


class Walk:
    """One look at everything, in one tab."""

    def __init__(self, page: Page, address: str, look: Look, directory: Path) -> None:
        self._page, self._address, self._look, self._directory = page, address, look, directory
        directory.mkdir(parents=True, exist_ok=True)

    def over(self, name: str, path: str) -> None:
        self._open(path)
        if self._page.evaluate(_TOO_WIDE):
            print(f"{self._directory.name}: {path} is wider than the window")
        tall = min(int(self._page.evaluate(_WHOLE)), TALLEST)
        self._page.set_viewport_size({"width": self._look.width, "height": max(tall, self._look.height)})
        self._picture(name)
        self._page.set_viewport_size({"width": self._look.width, "height": self._look.height})
        for label, button in self._openers():
            button.click()
            self._settle()
            if self._page.get_by_role("dialog").count():
                self._picture(f"{name}-{label}")
            elif self._page.get_by_role("list", name="Actions").count():
                self._picture(f"{name}-{label}")
                self._choose_each(name, label)
            self._open(path)

    def _openers(self) -> Iterator[tuple[str, Locator]]:
        """Buttons that open a menu or a dialog; of those in rows, the first of each kind."""
        names = self._page.locator("main").get_by_role("button").evaluate_all(_NAMES_OF_OPENERS)
        seen: set[str] = set()
        for name in names:
            label = re.sub(r"( of (?!the)|…).*", "", re.sub(r"(?<= of the )(\w+).*", r"\1", name))
            if label not in seen:
                seen.add(label)
                yield label, self._page.locator("main").get_by_role("button", name=name, exact=True).first

    def _choose_each(self, name: str, label: str) -> None:
        """Choose from an open menu, one after the other, what asks before it does something."""
        menu = self._page.get_by_role("list", name="Actions")
        opener = self._page.locator("main").get_by_role("button", expanded=True)
        handle = opener.first.element_handle()
        for action in menu.get_by_role("button", disabled=False).all_inner_texts():
            if not action.endswith("…"):
                continue
            if not menu.count():
                handle.click()
            menu.get_by_role("button", name=action, exact=True).click()
            self._settle()
            self._picture(f"{name}-{label}-{action[:-1]}")
            self._page.keyboard.press("Escape")

    def _open(self, path: str) -> None:
        self._page.goto(f"{self._address}{path}")
        self._page.get_by_role("heading", level=1).wait_for()
        self._settle()

    def _settle(self) -> None:
        self._page.wait_for_load_state("networkidle")

    def _picture(self, name: str) -> None:
        file = re.sub(r"[^a-z0-9-]+", "-", name.lower()).strip("-")
        self._page.screenshot(path=self._directory / f"{file}.png", animations="disabled")


# What acts at once isn't among them: its name doesn't end with "…", and it opens no menu and no form.
_OPENERS = "[aria-expanded], .toolbar .p-button--positive, .page-header .p-button--positive"
_NAMES_OF_OPENERS = f"""buttons => buttons
  .filter(button => !button.disabled && (button.matches("{_OPENERS}") || /…$/.test(button.textContent)))
  .map(button => button.getAttribute("aria-label") ?? button.textContent.trim())"""


def main(directory: Path, looks: list[str]) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        address, state = sign_in(browser)
        for name in looks:
            look = LOOKS[name]
            context = browser.new_context(
                ignore_https_errors=True,
                storage_state=state,
                viewport={"width": look.width, "height": look.height},
                color_scheme=look.scheme,
                locale="en-GB",
            )
            walk = Walk(context.new_page(), address, look, directory / name)
            for picture in pictures():
                if not picture.is_narrow:
                    walk.over(picture.name, picture.path)
            context.close()
        browser.close()
    run("ui", "revoke", "--all")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(LOOKS))
