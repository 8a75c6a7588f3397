"""Lists as tables, laid out like those of `lxc`, and the formats that scripts read."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., object])
FORMATS = ("table", "compact", "csv", "json", "yaml")


def format_option(function: Function) -> Function:
    """Add `-f/--format`."""
    option = click.option(
        "-f", "--format", "format_name", type=click.Choice(FORMATS), default="table", show_default=True
    )
    return option(function)


def render(format_name: str, header: Sequence[str], rows: Sequence[Sequence[str]], documents: object) -> str:
    """Return a list in the wanted format; json and yaml show the documents whole, as the API sent them."""
    if format_name == "json":
        return json_text(documents) + "\n"
    if format_name == "yaml":
        from holdfast.cli.yaml_text import to_yaml

        return to_yaml(documents)
    if format_name == "csv":
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(rows)
        return buffer.getvalue()
    clean = [[_printable(cell) for cell in row] for row in rows]
    return _compact(header, clean) if format_name == "compact" else _table(header, clean)


def width_of(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def json_text(document: object, *, indent: str | None = None) -> str:
    """Return JSON, on one line without an indent; a name that isn't UTF-8 is escaped in it as the API does it."""
    separators = (",", ":") if indent is None else None
    text = json.dumps(document, indent=indent, separators=separators, ensure_ascii=False)
    return text.encode(errors="backslashreplace").decode()


def escaped(name: str) -> str:
    """Return the name of a file as one line that a terminal shows: `\\x1b`, `\\n`, `\\xe9` for what isn't UTF-8."""
    text = name.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _printable(cell: str) -> str:
    """Replace control characters: names and descriptions come from many hands."""
    if cell.isprintable():
        return cell
    return "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in cell)


def _widths(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    columns = zip(header, *rows, strict=True) if rows else ((name,) for name in header)
    return [max(width_of(line) for cell in column for line in cell.split("\n")) for column in columns]


def _left(text: str, width: int) -> str:
    return text + " " * (width - width_of(text))


def _centre(text: str, width: int) -> str:
    gap = width - width_of(text)
    return " " * (gap // 2) + text + " " * (gap - gap // 2)


def _lines(row: Sequence[str]) -> list[list[str]]:
    """Split a row whose cells hold several lines into rows of single lines."""
    split = [cell.split("\n") for cell in row]
    height = max(map(len, split), default=1)
    return [[cell[number] if number < len(cell) else "" for cell in split] for number in range(height)]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = _widths(header, rows)
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+\n"
    text = rule + _boxed(header, widths, _centre) + rule
    for row in rows:
        text += "".join(_boxed(line, widths, _left) for line in _lines(row)) + rule
    return text


def _boxed(cells: Sequence[str], widths: Sequence[int], align: Callable[[str, int], str]) -> str:
    return "| " + " | ".join(align(cell, width) for cell, width in zip(cells, widths, strict=True)) + " |\n"


def _compact(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = _widths(header, rows)
    text = "  " + "  ".join(map(_centre, header, widths)) + "  \n"
    for row in rows:
        text += "".join("  " + "  ".join(map(_left, line, widths)) + "  \n" for line in _lines(row))
    return text
