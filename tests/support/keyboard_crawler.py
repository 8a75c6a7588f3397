"""Goes over a page by keyboard as somebody without a mouse would, and tries every action without harm.

What is asked of the page itself is in `keyboard.js`. Requests that would change something on the server are held back
in the browser: that one was asked for is what shows that the action works.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import expect

from support.webpage import WebPage

_SCRIPT = Path(__file__).with_name("keyboard.js")
_MOST_BEYOND = 60  # what scrolls takes the focus as well
_OUTCOME_MS = 30_000
_MAIN = "#main"


class Crawler:
    """Goes over the pages of one tab. `actions` tells what came of each that was tried, by page and name."""

    def __init__(self, web: WebPage) -> None:
        self.web = web
        self.counts: Counter[str] = Counter()
        self.actions: dict[tuple[str, str], str] = {}
        self._path = ""
        self._axed: set[str] = set()
        self._chosen: set[tuple[str, ...]] = set()
        web.page.add_init_script(path=_SCRIPT)

    def open(self, path: str, width: int, height: int) -> None:
        """Open a page, and all parts of it that are folded away."""
        self._path, self._size = path, (width, height)
        self.web.open(path)
        self.web.look("light", width, height)
        self._ask("hold()")
        self._unfold()

    def _unfold(self) -> None:
        for _ in range(_MOST_BEYOND):
            if not self._ask("focusClosed()"):
                return
            self._press("Enter")
        raise AssertionError("a part of the page can't be unfolded by the enter key")

    def _ask(self, expression: str, argument: Any = None) -> Any:
        return self.web.page.evaluate(f"it => keyboardTest.{expression}", argument)

    def _press(self, *keys: str) -> None:
        for key in keys:
            self.web.page.keyboard.press(key)

    def walk(self, key: str = "Tab") -> list[str]:
        """Go once round by the tab key, in the open dialog or the whole page; return what is wrong."""
        problems: list[str] = []
        for _ in range(2):  # the page may have drawn something anew meanwhile
            expected = self._ask("begin(it)", key.startswith("Shift"))
            self._press(*[key] * (expected + 1))
            for _ in range(_MOST_BEYOND):
                if self._ask("isRound()"):
                    break
                self._press(key)
            problems = self._ask("end()")
            if not problems:
                break
        self.counts["controls reached"] += expected
        return problems

    def pointer_only(self) -> list[str]:
        """Return what reacts to a pointer and to no key."""
        return [f"for the pointer only: {each}" for each in self._ask("pointerOnly()")]

    def menus(self) -> list[str]:
        """Open and close each menu, and choose each action of each kind of menu; on tabs of the same thing once."""
        problems = []
        heading = self.web.page.get_by_role("heading", level=1).inner_text()
        for index, name in enumerate(self._ask("menus()")):
            self.counts["menus"] += 1
            items = self._open_menu(index, "Space" if index % 2 else "Enter")
            if items is None:
                problems.append(f"the menu “{name}” doesn't open by a key, with the focus on its first action")
                continue
            if items:
                problems += self._try_arrows(name, items)
            problems += self._close_menu(name)
            for position, item in enumerate(items):
                chosen = (heading, *items, item)
                if chosen not in self._chosen:
                    self._chosen.add(chosen)
                    problems += self._choose(index, position, item)
        return problems

    def _open_menu(self, index: int, key: str = "Enter") -> list[str] | None:
        """Return the actions that can be chosen just now; None when it isn't open with the focus on the first."""
        self._ask("focusMenu(it)", index)
        self._ask("remember()")
        self._press(key)
        menu = self._ask("menu()")
        items = [item["label"] for item in menu["items"] if item["isEnabled"]]
        if menu["items"] == [] or (items and menu["focused"] != _position(menu, items[0])):
            return None
        return items

    def _try_arrows(self, name: str, items: list[str]) -> list[str]:
        seen = []
        for _ in items:
            self._press("ArrowDown")
            menu = self._ask("menu()")
            seen.append(menu["items"][menu["focused"]]["label"])
        self._press("ArrowUp")
        menu = self._ask("menu()")
        before = menu["items"][menu["focused"]]["label"]
        if seen != [*items[1:], items[0]] or before != items[-1]:
            return [f"arrows don't lead through the menu “{name}”: {seen}, {before}"]
        return self._try_commands(name) if menu["commands"] else []

    def _try_commands(self, name: str) -> list[str]:
        """Beside an action is its command to copy: the tab key leads there, from the first that has one."""
        self._press("ArrowDown")
        for _ in range(_MOST_BEYOND):
            self._press("Tab")
            menu = self._ask("menu()")
            if menu["hasCommand"]:
                return []
            if menu["items"] == []:
                break
        return [f"the tab key doesn't lead to the commands in the menu “{name}”"]

    def _close_menu(self, name: str) -> list[str]:
        self._press("Escape")
        is_closed = self._ask("menu()")["items"] == [] and self._ask("hasFocusBack()")
        return [] if is_closed else [f"Escape doesn't close the menu “{name}” and give the focus back"]

    def _choose(self, index: int, position: int, item: str) -> list[str]:
        self._open_menu(index)
        self._press(*["ArrowDown"] * position, "Enter")
        return self._see_outcome(item, is_change_enough=False)

    def buttons(self, place: str = _MAIN) -> list[str]:
        """Press a button of each kind, and those that appear by that."""
        problems: list[str] = []
        tried: set[str] = set()
        while waiting := [kind for kind in self._ask("buttons(it)", place) if kind not in tried]:
            for kind in waiting:
                if kind in tried:
                    continue
                tried.add(kind)
                found = self._ask("focusButton(it)", [place, kind])
                if found is None:
                    continue
                self._ask("remember()")
                self._press("Space" if found == "checkbox" else "Enter")
                problems += self._see_outcome(kind, is_change_enough=True)
                if set(self._ask("buttons(it)", place)) - tried - set(waiting):
                    break  # what has just appeared may go by the next one
        return problems

    def _see_outcome(self, action: str, *, is_change_enough: bool) -> list[str]:
        asked = "it => keyboardTest.outcome(it)"
        try:
            waiting = self.web.page.wait_for_function(
                asked, arg={"isChangeEnough": is_change_enough}, timeout=_OUTCOME_MS
            )
        except PlaywrightTimeout:
            return [f"nothing comes of “{action}”; the focus is on {self._ask('focused()')}"]
        outcome = waiting.json_value()
        self.actions[self._path, action] = outcome
        kind, _, title = outcome.partition(" ")
        if kind == "dialog":
            return [f"in the dialog “{title}”: {problem}" for problem in self._try_dialog(title)]
        if kind == "page":
            self.open(self._path, *self._size)
        return []

    def _try_dialog(self, title: str) -> list[str]:
        self.counts["dialogs"] += 1
        expect(self.web.dialog.get_by_text("Loading…")).to_have_count(0)
        problems = [] if self._ask("isFocusInDialog()") else ["the focus isn't in it"]
        self._unfold()
        problems += self.walk() + self.pointer_only()
        if title not in self._axed:
            self._axed.add(title)
            for scheme in ("dark", "light"):
                self.web.look(scheme, *self._size)
                problems += self.web.serious_problems("dialog[open]")
        self._press("Escape")
        try:
            expect(self.web.dialog).to_have_count(0, timeout=_OUTCOME_MS)
        except AssertionError:
            return [*problems, "Escape doesn't close it"]
        if not self._ask("hasFocusBack()"):
            problems.append(f"the focus doesn't go back, it is on {self._ask('focused()')}")
        return problems


def _position(menu: dict[str, Any], label: str) -> int:
    return next(index for index, item in enumerate(menu["items"]) if item["label"] == label)
