"""In which order the processes of a whole run get the files: the longest first, so that none begins one last."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeVar

_TESTS = Path(__file__).parents[1]
LONGEST_FIRST = (
    "faults/test_kill_volumes.py",
    "faults/test_errors.py",
    "faults/test_kill.py",
    "faults/test_kill_export_volumes.py",
    "interop/test_migration.py",
    "interop/test_volume_migration.py",
    "fuzz/test_import_fuzz.py",
    "fuzz/test_any_sequence.py",
    "fuzz/test_any_sequence_of_volumes.py",
    "fuzz/test_any_sequence_with_lxd.py",
    "faults/test_lines.py",
    "faults/test_migration_cuts.py",
    "faults/test_volume_failures.py",
    "faults/test_since.py",
    "system/test_instances_crash.py",
    "faults/test_export_stream.py",
    "faults/test_import_cuts.py",
    "interop/test_export_table.py",
    "system/test_runtime_lxc_systemd.py",
    "web/test_large_upload.py",
    "system/test_schedules.py",
    "system/test_image_life.py",
    "system/test_hostile_imports.py",
    "web/test_every_page.py",
    "web/test_keyboard.py",
    "interop/test_cli_against_lxd.py",
    "system/test_https.py",
    "system/test_export_stream.py",
    "system/test_transfer_bases.py",
)
"""Roughly: what matters is that files of more than half a minute are here. Those with few tests may be the longest."""
FOLDERS = ("faults", "fuzz", "interop", "web", "system", "contract", "golden", "unit")
"""Of the other files, those of these folders come one after the other; in `unit` most take less than a second."""


class InFile(Protocol):
    """A test, as far as it matters here."""

    @property
    def path(self) -> Path: ...


Test = TypeVar("Test", bound=InFile)


def longest_first(items: list[Test]) -> None:
    """Sort the tests by their files; those of one file stay as they are."""
    items.sort(key=lambda item: _rank(item.path.relative_to(_TESTS)))


def _rank(file: Path) -> tuple[int, int, str]:
    name = str(file)
    first = LONGEST_FIRST.index(name) if name in LONGEST_FIRST else len(LONGEST_FIRST)
    return first, FOLDERS.index(file.parts[0]), name
