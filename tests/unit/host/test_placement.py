"""Renames in one step, identity, space."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from holdfast.host import placement


def test_move_new_refuses_even_an_empty_directory(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with pytest.raises(FileExistsError):
        placement.move_new(tmp_path / "a", tmp_path / "b")
    placement.move_new(tmp_path / "a", tmp_path / "c")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "c"]


def test_move_of_what_is_absent_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="missing"):
        placement.move_new(tmp_path / "missing", tmp_path / "b")


def test_exchange_swaps_directories_with_content(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    placement.exchange(tmp_path / "a", tmp_path / "b")
    assert ((tmp_path / "a/file").read_text(), (tmp_path / "b/file").read_text()) == ("b", "a")


def test_can_exchange_leaves_nothing(tmp_path: Path) -> None:
    assert placement.can_exchange(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_can_exchange_says_no_where_the_kernel_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(placement.kernel, "renameat2", refuse)
    assert not placement.can_exchange(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_identity_stays_with_the_directory_and_not_with_the_name(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    before = placement.inode_identity(tmp_path / "a")
    placement.exchange(tmp_path / "a", tmp_path / "b")
    assert placement.inode_identity(tmp_path / "b") == before != placement.inode_identity(tmp_path / "a")


def test_identity_of_a_reused_inode_is_another(tmp_path: Path) -> None:
    seen = set()
    for _ in range(50):
        (tmp_path / "a").mkdir()
        seen.add(placement.inode_identity(tmp_path / "a"))
        (tmp_path / "a").rmdir()
    assert len(seen) == 50


def test_space_adds_up(tmp_path: Path) -> None:
    space = placement.space(tmp_path)
    assert 0 < space.available_bytes <= space.total_bytes
    assert 0 < space.used_bytes < space.total_bytes


def test_syncs_reach_the_kernel(tmp_path: Path) -> None:
    placement.sync_directory(tmp_path)
    placement.sync_file_system(tmp_path)
    with pytest.raises(FileNotFoundError):
        placement.sync_file_system(tmp_path / "missing")
