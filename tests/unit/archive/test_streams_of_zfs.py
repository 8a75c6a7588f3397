"""Export files with streams of zfs: without a header, looked through on reading, handed on as they are."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from holdfast.archive.content import write_content
from holdfast.archive.definition import Definition
from holdfast.archive.instance_content import PlacedStream, optimized_content
from holdfast.archive.layout import Layout
from holdfast.archive.optimized import StreamPlace
from holdfast.archive.reader import read_index, receive_export, verify_export
from holdfast.model.errors import ArchiveError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.storage import Pool
from support.zfs_transcripts import real_streams

NOW = datetime(2026, 11, 29, tzinfo=UTC)
NAMES = ("s0", "s1", None)


class Stream(io.BytesIO):
    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.size_bytes = len(data)


def file_of(path: Path, streams: Sequence[bytes]) -> Path:
    snapshots = tuple(Snapshot(name=name, created_at=NOW, profiles=()) for name in NAMES if name)
    instance = Instance(project="default", name="c1", created_at=NOW, profiles=(), pool="tank")
    placed: list[PlacedStream] = [
        (StreamPlace(Layout.INSTANCE, name, ""), partial(Stream, data))
        for name, data in zip(NAMES, streams, strict=True)
    ]
    definition = Definition(instance=instance, snapshots=snapshots, profiles=())
    content = optimized_content(definition, Pool(name="tank", driver="zfs"), placed, has_header=False)
    with path.open("wb") as file:
        write_content(file, content, now=NOW)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return file_of(tmp_path / "file.tar", real_streams())


def test_it_has_the_members_of_lxd_and_no_header(path: Path) -> None:
    with tarfile.open(path) as tar:
        names = tar.getnames()
    assert names == [
        "backup/index.yaml",
        "backup/snapshots/s0.bin",
        "backup/snapshots/s1.bin",
        "backup/container.bin",
        "backup/manifest.yaml",
    ]
    assert b"optimized_header: false" in path.read_bytes()[:4096]
    index = read_index(path)
    assert (index.is_optimized, index.backend) == (True, "zfs")


def test_streams_are_handed_on_as_they_are(path: Path) -> None:
    found: dict[str | None, bytes] = {}

    @contextmanager
    def receive(_: int, place: StreamPlace) -> Iterator[io.BytesIO]:
        sink = io.BytesIO()
        yield sink
        found[place.snapshot] = sink.getvalue()

    places = receive_export(path, read_index(path), receive)
    assert [place.snapshot for place in places] == list(NAMES)
    assert [found[name] for name in NAMES] == real_streams()


def test_a_whole_file_is_verified(path: Path) -> None:
    with path.open("rb") as file:
        assert [tree.size_bytes for tree in verify_export(file).trees[0]] == [len(data) for data in real_streams()]


def test_threat_a_short_zfs_stream_in_a_whole_file_is_found_without_a_server(tmp_path: Path) -> None:
    streams = real_streams()
    path = file_of(tmp_path / "file.tar", [streams[0], streams[1][:-312], streams[2]])
    with path.open("rb") as file, pytest.raises(ArchiveError, match="zfs stream in the backup ends too early"):
        verify_export(file)
