"""Which files the disk is told of while a tree is unpacked: large ones that are there, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.host.beneath import directory
from holdfast.host.early_writing import EarlyWriting
from holdfast.host.writing_out import WritingOut

LARGE = 2 * 1024 * 1024
LAG = 512 * 1024


class Told(WritingOut):
    """Writes down which files it was told of."""

    def __init__(self) -> None:
        super().__init__()
        self.inodes: list[int] = []

    def begin(self, descriptor: int, size: int) -> None:
        self.inodes.append(os.fstat(descriptor).st_ino)
        super().begin(descriptor, size)


@pytest.fixture
def told() -> Iterator[Told]:
    with Told() as made:
        yield made


@pytest.fixture
def early(tmp_path: Path, told: Told) -> Iterator[EarlyWriting]:
    with directory(tmp_path) as root:
        yield EarlyWriting(root, LAG, told)


def hand_over(early: EarlyWriting, name: str, size: int) -> None:
    early.begins(name.encode())
    for _ in range(0, size, 128 * 1024):
        early.handed(min(128 * 1024, size))
    early.ends()


def test_a_large_file_once_the_program_must_be_through(tmp_path: Path, early: EarlyWriting, told: Told) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/large").write_bytes(bytes(LARGE))
    (tmp_path / "small").write_bytes(b"x")
    hand_over(early, "d/large", LARGE)
    assert told.inodes == []
    hand_over(early, "small", 1)
    early.handed(LAG)
    early.handed(LAG)
    assert told.inodes == [(tmp_path / "d/large").stat().st_ino]


def test_a_very_large_file_again_and_again(tmp_path: Path, early: EarlyWriting, told: Told) -> None:
    (tmp_path / "disk").write_bytes(bytes(LARGE))
    hand_over(early, "disk", 100 * 1024 * 1024)
    early.handed(LAG)
    assert told.inodes == [(tmp_path / "disk").stat().st_ino] * 4


def test_pieces_whose_ends_are_not_told(tmp_path: Path, early: EarlyWriting, told: Told) -> None:
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(bytes(LARGE))
    for name, size in ((b"one", LARGE), (b"two", LARGE // 4), (b"one", LARGE // 4), (b"two", LARGE), (b"end", LAG)):
        for _ in range(0, size, 128 * 1024):
            early.goes_on(name, 128 * 1024)
    assert told.inodes == [(tmp_path / name).stat().st_ino for name in ("one", "two")]


def test_nothing_that_is_elsewhere_or_no_file(tmp_path: Path, early: EarlyWriting, told: Told) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "file").write_bytes(bytes(LARGE))
    (tmp_path / "link").symlink_to(outside / "file")
    (tmp_path / "folder").symlink_to(outside)
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "folder/file", f"../{outside.name}/file", "pipe", "missing"):
        hand_over(early, name, LARGE)
    early.handed(LAG)
    assert told.inodes == []
