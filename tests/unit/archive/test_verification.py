"""`verify_file`: no changed byte and no cut of a file of ours passes, in any compression."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.archive.content import ExportContent
from holdfast.archive.definition import Definition
from holdfast.archive.instance_content import instance_content
from holdfast.archive.layout import INDEX
from holdfast.archive.manifest import MANIFEST
from holdfast.archive.members import BLOCK, END, Kind, Member, padding
from holdfast.archive.reader import TreeTarget, read_index, unpack_export
from holdfast.archive.sidecar import check_sidecar, format_sidecar, read_sidecar, sidecar_path
from holdfast.archive.verification import ExportFacts, verify_file
from holdfast.archive.writer import write_export
from holdfast.model.errors import ArchiveError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.kinds import Compression
from holdfast.model.storage import Pool
from holdfast.streams.compression import CompressionChoice, DecompressedReader
from holdfast.streams.pieces import BASE_PIECE_BYTES
from holdfast.wire.backup_manifest import parse_manifest

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
POOL = Pool(name="tank", driver="dir", config={"source": "/srv/tank"})
DEFINITION = Definition(
    instance=Instance(project="shop", name="c1", created_at=NOW, pool="tank"),
    snapshots=(Snapshot(name="one", created_at=NOW, config={}, devices={}, profiles=()),),
)
GOLDEN = Path(__file__).parents[2] / "golden/exports"
ALL_MASKS = (0xFF, *(1 << bit for bit in range(8)))
LZMA_HEAD = b"\x5d\0\0"
PACKED = tuple(kind for kind in Compression if kind is not Compression.NONE)


def content(folder: Path, data: bytes = b"hello\n" * 20) -> ExportContent:
    trees: dict[str | None, Path] = {}
    for name in ("one", None):
        tree = folder / f"tree-{name}"
        (tree / "rootfs/etc").mkdir(parents=True)
        (tree / "rootfs/etc/hostname").write_bytes(data)
        (tree / "metadata.yaml").write_text("architecture: x86_64\n")
        trees[name] = tree
    return instance_content(DEFINITION, POOL, trees)


def export(folder: Path, kind: Compression, level: int | None = None, data: bytes = b"hello\n" * 20) -> bytes:
    target = folder / "export"
    write_export(target, content(folder, data), CompressionChoice(kind, level), now=NOW)
    return target.read_bytes()


def verify(data: bytes) -> ExportFacts:
    return verify_file(io.BytesIO(data))


def test_a_virtual_machine_is_called_one() -> None:
    index = b"name: vm\nbackend: dir\npool: default\ntype: virtual-machine\nsnapshots: []\noptimized: false\n"
    disk = Member(name=b"backup/virtual-machine.img", kind=Kind.FILE, size_bytes=BLOCK)
    head = Member(name=INDEX.encode(), kind=Kind.FILE, size_bytes=len(index)).encode() + index + padding(len(index))
    with pytest.raises(ArchiveError, match="holds a virtual machine"):
        verify(head + disk.encode() + bytes(BLOCK) + END)


def passing(whole: bytes, positions: list[int], masks: tuple[int, ...]) -> list[tuple[int, int]]:
    """Return the changes (position, mask) that are not found."""
    found = []
    for position in positions:
        for mask in masks:
            changed = bytearray(whole)
            changed[position] ^= mask
            try:
                verify(bytes(changed))
            except ArchiveError:
                continue
            if not says_nothing(whole, bytes(changed)):
                found.append((position, mask))
    return found


def says_nothing(whole: bytes, changed: bytes) -> bool:
    """Tell it of a change in lzma's last five bytes: a bit there may be free, and what is in the file the same."""
    if not whole.startswith(LZMA_HEAD) or whole[:-5] != changed[:-5]:
        return False
    return lzma.decompress(whole, lzma.FORMAT_ALONE) == lzma.decompress(changed, lzma.FORMAT_ALONE)


def passing_cuts(whole: bytes, lengths: list[int]) -> list[int]:
    found = []
    for length in lengths:
        try:
            verify(whole[:length])
        except ArchiveError:
            continue
        found.append(length)
    return found


@pytest.mark.parametrize("kind", PACKED)
def test_every_changed_byte_and_every_cut_is_found(tmp_path: Path, kind: Compression) -> None:
    whole = export(tmp_path, kind)
    verify(whole)
    assert passing(whole, list(range(len(whole))), (0xFF, 1 << random.randrange(8))) == []
    assert passing_cuts(whole, list(range(len(whole)))) == []


def test_changed_bytes_and_cuts_of_a_plain_file_are_found(tmp_path: Path) -> None:
    whole = export(tmp_path, Compression.NONE)
    verify(whole)
    chosen = sorted(random.sample(range(len(whole)), 2000)) + list(range(len(whole) - 4096, len(whole)))
    assert passing(whole, chosen, (1 << random.randrange(8),)) == []
    assert passing_cuts(whole, chosen) == []


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("level", [None, 1, 6, 9])
@pytest.mark.parametrize("kind", list(Compression))
def test_every_flipped_bit_is_found(tmp_path: Path, kind: Compression, level: int | None) -> None:
    if kind is Compression.NONE and level:
        return
    whole = export(tmp_path, kind, level)
    masks = ALL_MASKS if kind in PACKED else (0xFF, 1 << random.randrange(8))  # a sum doesn't care which bit it is
    assert passing(whole, list(range(len(whole))), masks) == []
    assert passing_cuts(whole, list(range(len(whole)))) == []


@pytest.mark.parametrize("kind", list(Compression))
@pytest.mark.parametrize("rest", [b"\0", b"x", bytes(512), bytes(10240)])
def test_nothing_may_follow(tmp_path: Path, kind: Compression, rest: bytes) -> None:
    with pytest.raises(ArchiveError):
        verify(export(tmp_path, kind) + rest)


def test_damage_is_named_by_place_and_members(tmp_path: Path) -> None:
    data = os.urandom(3 * BASE_PIECE_BYTES)
    whole = bytearray(export(tmp_path, Compression.NONE, data=data))
    place = whole.index(data[BASE_PIECE_BYTES : BASE_PIECE_BYTES + 100])
    whole[place] ^= 1
    number = place // BASE_PIECE_BYTES
    wanted = f"bytes {number * BASE_PIECE_BYTES} to {(number + 1) * BASE_PIECE_BYTES - 1} of the tar stream"
    with pytest.raises(ArchiveError, match=wanted) as raised:
        verify(bytes(whole))
    assert "backup/snapshots/one/rootfs/etc/hostname" in str(raised.value)
    assert "pieces more" not in str(raised.value)


def test_an_import_refuses_what_the_manifest_shows(tmp_path: Path) -> None:
    whole = bytearray(export(tmp_path, Compression.NONE))
    whole[whole.index(b"hello\nhello\n")] ^= 1
    path = tmp_path / "damaged"
    path.write_bytes(whole)

    def open_tree(snapshot: str | None) -> TreeTarget:
        target = tmp_path / f"into-{snapshot}"
        target.mkdir()
        return TreeTarget(target)

    if os.geteuid() == 0:
        with pytest.raises(ArchiveError, match="damaged"):
            unpack_export(path, read_index(path), open_tree)


def test_what_is_in_it(tmp_path: Path) -> None:
    facts = verify(export(tmp_path, Compression.ZSTD))
    assert (facts.type, facts.name, facts.project, facts.pool, facts.driver) == (
        "container", "c1", "shop", "tank", "dir",
    )  # fmt: skip
    assert facts.compression is Compression.ZSTD
    assert facts.created_at == "2026-11-23T12:00:00Z"
    assert facts.tool == "holdfast" and facts.version
    assert [(each.name, each.created_at) for each in facts.snapshots] == [("one", NOW)]
    assert facts.entries == facts.snapshots[0].entries == 4
    assert facts.size_bytes == (tmp_path / "export").stat().st_size


def test_the_manifest_is_the_last_member_and_says_what_it_must(tmp_path: Path) -> None:
    whole = export(tmp_path, Compression.NONE)
    place = whole.index(MANIFEST.encode() + b"\0")
    size = int(whole[place + 124 : place + 135], 8)
    assert whole[place + 100 : place + 107] == b"0000400"
    assert len(whole) == place + 512 + size + -size % 512 + 1024
    manifest = parse_manifest(whole[place + 512 : place + 512 + size])
    assert manifest.stream_bytes == place
    assert (manifest.name, manifest.type, manifest.snapshots) == ("c1", "container", ["one"])
    assert [tree.name for tree in manifest.trees] == ["backup/snapshots/one", "backup/container"]
    assert sum(tree.bytes for tree in manifest.trees) == place - whole.index(b"backup/snapshots/one/\0")


@pytest.mark.parametrize("name", ["instance-dir.tar.gz", "instance-btrfs.tar.zst"])
def test_files_of_lxd_are_checked_as_far_as_can_be(name: str) -> None:
    whole = (GOLDEN / name).read_bytes()
    facts = verify(whole)
    assert facts.tool is None and facts.created_at is None
    assert [each.name for each in facts.snapshots] == ["first", "second"]
    for length in (len(whole) - 1, len(whole) // 2, 600):
        with pytest.raises(ArchiveError):
            verify(whole[:length])


@pytest.mark.parametrize(("kind", "pack"), [(Compression.GZIP, gzip.compress), (Compression.BZIP2, bz2.compress)])
def test_a_file_compressed_anew_is_told_from_a_damaged_one(tmp_path: Path, kind: Compression, pack: object) -> None:
    assert callable(pack)
    plain = DecompressedReader(io.BytesIO(export(tmp_path, kind)), kind).read()
    with pytest.raises(ArchiveError, match="another program compressed it anew"):
        verify(pack(plain))
    assert verify(lzma.compress(plain)).tool == "holdfast"


def test_another_format_of_manifest_is_refused(tmp_path: Path) -> None:
    whole = export(tmp_path, Compression.NONE)
    lines = whole[whole.index(b"format: 1\n") : whole.rindex(b"check: ")].replace(b"format: 1", b"format: 2")
    check = b"check: " + hashlib.sha256(lines).hexdigest().encode() + b"\n"
    place = whole.index(b"format: 1\n")
    changed = whole[:place] + lines + check + whole[place + len(lines + check) :]
    with pytest.raises(ArchiveError, match="its format is 2"):
        verify(changed)


def test_a_member_behind_the_manifest_is_refused(tmp_path: Path) -> None:
    whole = export(tmp_path, Compression.NONE)
    with pytest.raises(ArchiveError, match="after its manifest"):
        verify(whole[:-1024] + whole[whole.index(b"backup/container/\0") :][:512] + bytes(1024))


def test_sidecar(tmp_path: Path) -> None:
    file = tmp_path / "web \\ 1.tar.gz"
    data = export(tmp_path, Compression.GZIP)
    file.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    assert read_sidecar(file) is None
    sidecar_path(file).write_text(format_sidecar(file.name, digest, len(data), {"holds": "container\nc1"}))
    found = read_sidecar(file)
    assert found is not None
    check_sidecar(found, digest, len(data))
    with pytest.raises(ArchiveError, match="SHA-256"):
        check_sidecar(found, "0" * 64, len(data))
    with pytest.raises(ArchiveError, match="bytes"):
        check_sidecar(found, digest, len(data) - 1)
    sidecar_path(file).write_text("nothing\n")
    with pytest.raises(ArchiveError, match="damaged"):
        read_sidecar(file)
