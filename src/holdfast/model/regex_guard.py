"""Regular expressions from outside: what could take for ever in a backtracking engine is refused before it runs."""

from __future__ import annotations

import re
from typing import Final

from holdfast.model.errors import BadRequestError

LONGEST_EXPRESSION: Final = 512
LARGEST_COST: Final = 4_000_000
"""Steps that one comparison may need in the worst case: about 0.1 s."""


class GuardedExpression:
    """A case-insensitive expression that matches the whole text unless it has "^" or "$".

    What is no regular expression (or has look-around or back references, which Go's have not) compares as plain text.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        if len(source) > LONGEST_EXPRESSION:
            raise BadRequestError(f"Invalid filter: a value may have {LONGEST_EXPRESSION} characters at most")
        self._cost = _Cost(source)
        self._compiled = None if self._cost.is_foreign else _compile(source)

    def matches(self, text: str) -> bool:
        if self._compiled is None:
            return self.source.casefold() == text.casefold()
        self._cost.check(len(text))
        return self._compiled.search(text) is not None


def _compile(source: str) -> re.Pattern[str] | None:
    is_anchored = "^" in source or "$" in source
    try:
        return re.compile(source if is_anchored else f"^{source}$", re.IGNORECASE)
    except (re.error, OverflowError, RecursionError):
        return None


class _Cost:
    """An upper bound of the steps of backtracking, from what repeats and what branches."""

    def __init__(self, source: str) -> None:
        self.is_foreign = False
        self._repeats = 0
        self._branches = 0
        self._is_nested = False
        self._source = source
        self._scan()

    def check(self, text_length: int) -> None:
        """Raise `BadRequestError` if a text of this length could take too long."""
        cost = (text_length + 1) ** (self._repeats + 1) * 2 ** min(self._branches, 40)
        if self._is_nested or (self._repeats + self._branches > 1 and cost > LARGEST_COST):
            raise BadRequestError(f'Invalid filter: the expression "{self._source}" repeats or branches too much')

    def _scan(self) -> None:
        """Walk over the source once, with a mark per open group whether something repeats or branches in it."""
        groups: list[bool] = []
        closed_busy = False
        position = 0
        while position < len(self._source):
            character = self._source[position]
            busy_before, closed_busy = closed_busy, False
            if character == "\\":
                self.is_foreign |= self._source[position + 1 : position + 2].isdigit()
                position += 1
            elif character == "[":
                position = self._class_end(position)
            elif character == "(":
                self.is_foreign |= self._is_foreign_group(position)
                groups.append(False)
                position += 2 if self._source.startswith("(?:", position) else 0
            elif character == ")" and groups:
                closed_busy = groups.pop()
                if closed_busy and groups:
                    groups[-1] = True
            elif character in "*+{?|":
                self._count(character, groups, is_after_busy_group=busy_before)
            position += 1

    def _count(self, character: str, groups: list[bool], *, is_after_busy_group: bool) -> None:
        if character in "*+{":
            self._repeats += 1
            self._is_nested |= is_after_busy_group
        else:
            self._branches += 1
        if groups:
            groups[-1] = True

    def _is_foreign_group(self, position: int) -> bool:
        return self._source.startswith("(?", position) and not self._source.startswith("(?:", position)

    def _class_end(self, position: int) -> int:
        """Return where the character class that opens here closes; a "]" at its beginning belongs to it."""
        position += 1
        position += self._source.startswith("^", position)
        position += self._source.startswith("]", position)
        while position < len(self._source) and self._source[position] != "]":
            position += 2 if self._source[position] == "\\" else 1
        return position
