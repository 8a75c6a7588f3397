from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.archive import prefetch
from holdfast.archive.prefetch import Prefetcher, prefetching
from support.descriptors import open_below


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the files that are asked for, and still ask."""
    names: list[str] = []
    real = os.posix_fadvise

    def note(descriptor: int, offset: int, length: int, advice: int) -> None:
        names.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        real(descriptor, offset, length, advice)

    monkeypatch.setattr(os, "posix_fadvise", note)
    return names


def fill(tree: Path, *names: str) -> None:
    for name in names:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(bytes(4096))
        with (tree / name).open("rb") as file:
            os.fsync(file.fileno())


def run_to_end(tree: Path, *names: str) -> None:
    prefetcher = Prefetcher(tree, names)
    prefetcher.start()
    prefetcher.join()


def test_files_are_asked_for_in_the_order_of_packing(tmp_path: Path, asked: list[str]) -> None:
    fill(tmp_path, "b/2", "b/1", "a", "left out", "c/d/e")
    os.link(tmp_path / "b/1", tmp_path / "c/twin of b1")
    run_to_end(tmp_path, "a", "b", "c")
    assert asked == ["a", "1", "2", "e"]


def test_nothing_but_plain_files_is_opened(tmp_path: Path, asked: list[str]) -> None:
    outside = tmp_path / "outside"
    fill(outside, "secret")
    tree = tmp_path / "tree"
    fill(tree, "z")
    os.mkfifo(tree / "fifo")
    (tree / "link").symlink_to(outside / "secret")
    (tree / "linked directory").symlink_to(outside)
    run_to_end(tree, "fifo", "link", "linked directory", "not there", "z")
    assert asked == ["z"]


def test_it_stays_within_reach_of_the_packing(
    tmp_path: Path, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, "a", "b", "c")
    monkeypatch.setattr(prefetch, "_AHEAD_BYTES", 3000)
    with prefetching(tmp_path, ["a", "b", "c"]):
        pass
    assert asked in ([], ["a"])  # nothing was packed, so that it waits; the end of the packing ends the wait


def test_it_keeps_no_descriptor(tmp_path: Path, asked: list[str]) -> None:
    deep = "/".join(["d"] * 80)
    fill(tmp_path, f"{deep}/file", "z")
    run_to_end(tmp_path, "d", "z")
    assert open_below(tmp_path) == []
    assert asked == ["z"]
