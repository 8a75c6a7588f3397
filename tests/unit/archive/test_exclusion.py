from __future__ import annotations

import io
import os
import tarfile
import time
from pathlib import Path

import pytest

from holdfast.archive.exclusion import MOST_PATTERNS, Exclusion
from holdfast.archive.members import END
from holdfast.archive.packing import pack_entries
from holdfast.model.errors import BadRequestError

FILES = (
    "etc/passwd",
    "var/log/a.log",
    "var/log/old/b.log",
    "var/cache/apt/x.deb",
    "var/cache/pkg.log",
    "srv/a/tmp/1",
    "srv/tmp/2",
    "srv/a/b/tmp",
    "build/out.o",
    "home/u/build/main.o",
    "rootfs",
    ".hidden",
)


def make(root: Path) -> None:
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("/var/log", {"var/log"}),
        ("var/log", {"var/log"}),
        ("/log", set()),
        ("*.log", {"var/log/a.log", "var/log/old/b.log", "var/cache/pkg.log"}),
        ("/var/*.log", set()),
        ("/var/*/*.log", {"var/log/a.log", "var/cache/pkg.log"}),
        ("/var/**/*.log", {"var/log/a.log", "var/log/old/b.log", "var/cache/pkg.log"}),
        ("/var/cache/*", {"var/cache/apt", "var/cache/pkg.log"}),
        ("tmp/", {"srv/a/tmp", "srv/tmp"}),
        ("/srv/**/tmp", {"srv/a/tmp", "srv/tmp", "srv/a/b/tmp"}),
        ("build/*.o", {"build/out.o", "home/u/build/main.o"}),
        ("/build/*.o", {"build/out.o"}),
        ("[ab]*", {"var/log/a.log", "var/log/old/b.log", "var/cache/apt", "srv/a", "build", "home/u/build"}),
        ("?", {"srv/a", "srv/tmp/2", "home/u"}),
        (".*", {".hidden"}),
        ("root*", {"rootfs"}),
        ("/*", {"etc", "var", "srv", "build", "home", "rootfs", ".hidden"}),
        ("/etc/passwd/", set()),
        ("/./etc*", None),
        ("", None),
        ("/", None),
        ("//", None),
        ("../etc", None),
        ("/etc/../var", None),
        ("a//b", None),
        ("/srv/**", None),
        ("a\0b", None),
        ("a" * 5000, None),
    ],
)
def test_patterns(tmp_path: Path, pattern: str, found: set[str] | None) -> None:
    make(tmp_path)
    if found is None:
        with pytest.raises(BadRequestError, match="Invalid pattern to exclude"):
            Exclusion.parse([pattern])
    else:
        assert set(Exclusion.parse([pattern]).find(tmp_path)) == found


def test_several_patterns_and_no_more_than_so_many(tmp_path: Path) -> None:
    make(tmp_path)
    assert set(Exclusion.parse(["/etc", "*.o"]).find(tmp_path)) == {"etc", "build/out.o", "home/u/build/main.o"}
    with pytest.raises(BadRequestError, match="More than 1000 patterns"):
        Exclusion.parse(["x"] * (MOST_PATTERNS + 1))


def test_links_are_names_and_lead_nowhere(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "link").symlink_to("/")
    (tmp_path / "loop").symlink_to(".")
    assert set(Exclusion.parse(["/link", "/loop/etc"]).find(tmp_path)) == {"link"}


def test_a_hostile_pattern_costs_little(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"] * 60)
    deep.mkdir(parents=True)
    hostile = "/".join(["**", "*a*a*a*a*a*a*a*a*a*a*b"] * 20)
    began_s = time.thread_time()
    assert list(Exclusion.parse([hostile, "*a" * 100 + "b"]).find(tmp_path)) == []
    assert time.thread_time() - began_s < 5


@pytest.mark.root
def test_tar_leaves_out_exactly_what_was_found(tmp_path: Path) -> None:
    """Names are taken letter by letter: what looks like a pattern, an option or an escape is a name."""
    odd = ["*", "[a]", "new\nline", "space ", " lead", "back\\slash", "back\\nslash", "-x", "#c", "ü", "a?", "tab\t"]
    kept = ["other", "a", "b", "newXline", "space", "lead", "backslash", "ab", "tab"]
    root = tmp_path / "rootfs"
    for name in (*odd, *kept):
        (root / "in" / name).mkdir(parents=True)
        (root / "in" / name / "file").write_text(name)
    os.link(root / "in/*/file", root / "in/other/twin")  # the first of a group goes: the next one holds the data
    (root / "in" / os.fsdecode(b"\xff")).write_text("no UTF-8")
    left_out = [f"rootfs/in/{name}" for name in (*odd, os.fsdecode(b"\xff"))]
    sink = io.BytesIO()
    pack_entries(tmp_path, ["rootfs"], "p/", sink, left_out=left_out)
    sink.write(END)
    sink.seek(0)
    with tarfile.open(fileobj=sink) as archive:
        names = {member.name for member in archive if member.name.count("/") == 3}
        assert names == {f"p/rootfs/in/{name}" for name in kept}
        twin = archive.extractfile("p/rootfs/in/other/twin")
        assert twin is not None
        assert twin.read() == b"*"
