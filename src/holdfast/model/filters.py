"""LXD's filter language for lists: `status eq running and config.user.role ne "data base"`.

    filter = clause (("and" | "or") clause)*      left to right, no precedence, no parentheses
    clause = ["not"] field operator value         "ne" negates, any other operator means "eq"; a value may be "quoted"

A value is a regular expression, case-insensitive, for the whole text unless it has "^" or "$".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.model.errors import BadRequestError
from holdfast.model.regex_guard import GuardedExpression

Value = object


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison; `joins_by_or` says how its result meets that of the clauses before."""

    field: str
    expression: GuardedExpression
    is_negated: bool
    joins_by_or: bool = False

    def matches(self, item: Mapping[str, Value]) -> bool:
        return self._holds(_look_up(item, self.field)) != self.is_negated

    def _holds(self, value: Value) -> bool:
        if isinstance(value, bool):
            return self.expression.source.lower() == ("true" if value else "false")
        if isinstance(value, int):
            return self.expression.source == str(value)
        return isinstance(value, str) and self.expression.matches(value)


@dataclass(frozen=True, slots=True)
class Filter:
    clauses: tuple[Clause, ...]

    def matches(self, item: Mapping[str, Value]) -> bool:
        """Tell whether an object, as a nested mapping with the wire's field names, passes."""
        result = True
        for clause in self.clauses:
            result = (result or clause.matches(item)) if clause.joins_by_or else (result and clause.matches(item))
        return result


def parse(text: str) -> Filter:
    """Return the filter; the empty one lets everything pass. Raises `BadRequestError` with LXD's texts."""
    words = _words(text)
    clauses: list[Clause] = []
    position, joins_by_or = 0, False
    while position < len(words):
        clause, position = _clause(words, position, joins_by_or=joins_by_or)
        clauses.append(clause)
        if position == len(words):
            break
        joining = words[position].lower()
        if joining not in ("and", "or"):
            raise BadRequestError("Invalid filter: invalid clause composition")
        position += 1
        if position == len(words):
            raise BadRequestError("Invalid filter: unterminated compound clause")
        joins_by_or = joining == "or"
    return Filter(tuple(clauses))


def _clause(words: list[str], position: int, *, joins_by_or: bool) -> tuple[Clause, int]:
    is_negated = words[position].lower() == "not"
    if is_negated:
        position += 1
        if position == len(words):
            raise BadRequestError("Invalid filter: incomplete not clause")
    if position + 1 >= len(words):
        raise BadRequestError("Invalid filter: clause has no operator")
    if position + 2 >= len(words):
        raise BadRequestError("Invalid filter: clause has no value")
    field, operator, value = words[position : position + 3]
    is_negated ^= operator.lower() == "ne"
    clause = Clause(field, GuardedExpression(value), is_negated=is_negated, joins_by_or=joins_by_or)
    return clause, position + 3


def _words(text: str) -> list[str]:
    """Split at white space; quotes keep words together."""
    words: list[str] = []
    rest = text.strip()
    while rest:
        if rest[0] == '"':
            quoted, quote, rest = rest[1:].partition('"')
            if not quote:
                raise BadRequestError("Invalid filter: unterminated quote")
            words.append(quoted)
        else:
            word, *after = rest.split(None, 1)
            words.append(word)
            rest = after[0] if after else ""
        rest = rest.lstrip()
    return words


def _look_up(item: Mapping[str, Value], path: str) -> Value:
    """Descend by a dotted path; keys of a map may have dots themselves (`config.user.role`)."""
    if path in item:
        return item[path]
    position = path.find(".")
    while position != -1:
        inner = item.get(path[:position])
        if isinstance(inner, Mapping):
            found = _look_up(inner, path[position + 1 :])
            if found is not None:
                return found
        position = path.find(".", position + 1)
    return None
