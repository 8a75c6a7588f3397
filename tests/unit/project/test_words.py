"""What no file of the repository may hold: names of places that only one workshop has, and unfinished work."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
FORBIDDEN = {
    "a path outside the repository": re.compile(r"\.\./" + "shared" + r"|/work" + r"/(main|shared)|/tmp/h" + "f/"),
    "a package registry's host": re.compile(r"(pypi|pythonhosted|npmjs|debian)\." + r"(org|com)/?(?!\w)"),
    "unfinished work": re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"),
}
ALLOWED = {"LICENSE"}


def tracked_files() -> list[Path]:
    """Return what git would commit; in an unpacked source archive there is no git, and nothing to look at."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name and name not in ALLOWED]


def test_no_file_holds_forbidden_words() -> None:
    found = []
    for path in tracked_files():
        if not path.is_file() or b"\0" in (data := path.read_bytes()):
            continue
        for number, line in enumerate(data.decode(errors="replace").splitlines(), 1):
            found += [
                f"{path.relative_to(ROOT)}:{number}: {what}: {line.strip()[:100]}"
                for what, pattern in FORBIDDEN.items()
                if pattern.search(line)
            ]
    assert found == []
