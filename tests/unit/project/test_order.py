"""Files of tests are handed out in an order that is written down: it names what is there."""

from __future__ import annotations

from pathlib import Path

from support.order import FOLDERS, LONGEST_FIRST, longest_first

TESTS = Path(__file__).parents[2]


def test_every_file_is_there() -> None:
    assert [name for name in LONGEST_FIRST if not (TESTS / name).is_file()] == []
    assert len(set(LONGEST_FIRST)) == len(LONGEST_FIRST)


def test_every_folder_is_named() -> None:
    assert {file.relative_to(TESTS).parts[0] for file in TESTS.rglob("test_*.py")} == set(FOLDERS)


def test_long_files_come_first_and_unit_tests_last() -> None:
    class At:
        def __init__(self, name: str, number: int = 0) -> None:
            self.path, self.number = TESTS / name, number

    given = [
        At("unit/cli/test_a.py"),
        At("system/test_a.py", 2),
        At("system/test_a.py", 1),
        At(LONGEST_FIRST[1]),
        At("web/test_a.py"),
        At(LONGEST_FIRST[0]),
    ]
    longest_first(given)
    assert [(str(each.path.relative_to(TESTS)), each.number) for each in given] == [
        (LONGEST_FIRST[0], 0),
        (LONGEST_FIRST[1], 0),
        ("web/test_a.py", 0),
        ("system/test_a.py", 2),
        ("system/test_a.py", 1),
        ("unit/cli/test_a.py", 0),
    ]
