"""What differs between two trees, entry by entry."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from holdfast.host.beneath import directory
from holdfast.host.tree_changes import Side, differences

Trees = tuple[Path, Path]


@pytest.fixture
def trees(tmp_path: Path) -> Iterator[Trees]:
    """A tree, and a copy of it that has the same times."""
    before, after = tmp_path / "before", tmp_path / "after"
    (before / "etc" / "deep").mkdir(parents=True)
    (before / "etc" / "conf").write_text("one")
    (before / "etc" / "deep" / "file").write_text("x")
    (before / "link").symlink_to("etc/conf")
    shutil.copytree(before, after, symlinks=True, copy_function=shutil.copy2)
    yield before, after


def found(trees: Trees, start: str = "", *, bases: tuple[int, int] = (0, 0)) -> list[tuple[str, ...]]:
    with ExitStack() as stack:
        sides = [Side(stack.enter_context(directory(tree)), base) for tree, base in zip(trees, bases, strict=True)]
        return [
            (each.change.value, os.fsdecode(each.path), each.kind, *each.what)
            for each in differences(*sides, start.encode())
        ]


def test_nothing(trees: Trees) -> None:
    assert found(trees) == []


def test_each_kind_of_change(trees: Trees) -> None:
    _, after = trees
    (after / "etc" / "conf").write_text("longer")
    (after / "etc" / "deep" / "file").unlink()
    (after / "etc" / "deep" / "file").mkdir()
    (after / "etc" / "deep").chmod(0o700)
    (after / "link").unlink()
    (after / "link").symlink_to("etc/deep")
    (after / "new" / "sub").mkdir(parents=True)
    (after / "new" / "sub" / "a").touch()
    os.mkfifo(after / "pipe")
    assert found(trees) == [
        ("changed", "etc/conf", "file", "size", "time"),
        ("changed", "etc/deep", "directory", "mode"),
        ("changed", "etc/deep/file", "directory", "type"),
        ("changed", "link", "symlink", "target"),
        ("added", "new", "directory"),
        ("added", "new/sub", "directory"),
        ("added", "new/sub/a", "file"),
        ("added", "pipe", "other"),
    ]
    assert {each[0] for each in found((after, trees[0]))} == {"changed", "removed"}
    assert [each[1] for each in found(trees, "new")] == ["new/sub", "new/sub/a"], "it is in one of them"
    assert found(trees, "etc/deep") == [("changed", "etc/deep/file", "directory", "type")]


def test_a_directory_that_was_one_is_removed_with_all_that_was_in_it(trees: Trees) -> None:
    shutil.rmtree(trees[1] / "etc")
    (trees[1] / "etc").write_text("now a file")
    assert found(trees) == [
        ("changed", "etc", "file", "type"),
        ("removed", "etc/conf", "file"),
        ("removed", "etc/deep", "directory"),
        ("removed", "etc/deep/file", "file"),
    ]


def test_sizes(trees: Trees) -> None:
    (trees[1] / "etc" / "conf").write_text("longer")
    with directory(trees[0]) as before, directory(trees[1]) as after:
        (changed,) = differences(Side(before), Side(after))
    assert (changed.old_bytes, changed.new_bytes) == (3, 6)


def test_the_same_size_and_another_time(trees: Trees) -> None:
    os.utime(trees[1] / "etc" / "conf", ns=(0, 1))
    assert found(trees) == [("changed", "etc/conf", "file", "time")]


def test_names_of_any_bytes_in_order(trees: Trees) -> None:
    for name in (b"\xff", b"b\n", b"a"):
        (Path(os.fsdecode(os.fsencode(trees[1]) + b"/" + name))).touch()
    assert [os.fsencode(each[1]) for each in found(trees)] == [b"a", b"b\n", b"\xff"]


@pytest.mark.root
def test_owners_are_those_seen_inside(trees: Trees) -> None:
    """A tree whose ids were shifted on disk is the same as one whose weren't."""
    for path in [trees[1], *trees[1].rglob("*")]:
        os.chown(path, 1000000, 1000000, follow_symlinks=False)
    assert found(trees, bases=(0, 1000000)) == []
    os.chown(trees[1] / "etc" / "conf", 1000007, 1000000)
    assert found(trees, bases=(0, 1000000)) == [("changed", "etc/conf", "file", "owner")]


def test_threat_links_are_not_followed(trees: Trees) -> None:
    (trees[1] / "out").symlink_to("/etc")
    assert found(trees) == [("added", "out", "symlink")]
    assert found(trees, "out") == []
