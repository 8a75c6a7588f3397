"""What a tree takes on disk."""

from __future__ import annotations

import os
from pathlib import Path

from holdfast.host.tree_usage import measure


def blocks(*paths: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in paths)


def test_everything_once(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "deep" / "er").mkdir(parents=True)
    (tree / "deep" / "file").write_bytes(b"x" * 100_000)
    (tree / "deep" / "er" / "second name").hardlink_to(tree / "deep" / "file")
    with (tree / "sparse").open("wb") as file:
        file.truncate(10 * 2**30)
    found = measure(tree, lambda: False)
    assert (found.entries, found.is_complete) == (5, True)
    assert found.size_bytes == blocks(*(tree / name for name in ("deep", "deep/er", "deep/file", "sparse")))
    assert 100_000 <= found.size_bytes < 10 * 2**20


def test_threat_links_lead_a_measurement_out(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "out").symlink_to("/")
    (tree / "loop").symlink_to(".")
    os.mkfifo(tree / "pipe")
    assert measure(tree, lambda: False).entries == 3


def test_what_takes_too_long_is_not_complete(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert not measure(tmp_path, lambda: True).is_complete
