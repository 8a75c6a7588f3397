from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pytest

from holdfast.archive.image_file import pack, read_metadata, unpack_split, unpack_unified
from holdfast.model.errors import ArchiveError, StorageError
from holdfast.model.kinds import Compression
from holdfast.streams.compression import CompressionChoice
from support.trees import describe, differences, make_rich_tree

pytestmark = pytest.mark.root
METADATA = b"architecture: x86_64\ncreation_date: 1700000000\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "rootfs").mkdir(parents=True)
    make_rich_tree(root / "rootfs")
    (root / "templates").mkdir()
    (root / "templates" / "hostname.tpl").write_text("{{ instance.name }}\n")
    return root


def without(lines: list[str], *names: str) -> list[str]:
    return [line for line in lines if not line.startswith(tuple(repr(name) for name in names))]


def packed(tree: Path, path: Path, kind: Compression = Compression.ZSTD) -> Path:
    with path.open("wb") as file:
        pack(tree, METADATA, file, CompressionChoice(kind))
    return path


@pytest.mark.parametrize("kind", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
def test_unified_round_trip(tree: Path, tmp_path: Path, kind: Compression) -> None:
    path, target = packed(tree, tmp_path / "image", kind), tmp_path / "target"
    target.mkdir()
    unpack_unified(path, target)
    assert read_metadata(path) == METADATA == (target / "metadata.yaml").read_bytes()
    for name in ("rootfs", "templates"):
        assert differences(describe(tree / name), describe(target / name)) == []
    assert os.stat(target / "rootfs/data/sparse").st_blocks * 512 < 2**20


def test_plain_tar_with_dot_names_and_text_acls(tree: Path, tmp_path: Path) -> None:
    (tree / "metadata.yaml").write_bytes(METADATA)
    path, target = tmp_path / "image.tar", tmp_path / "target"
    target.mkdir()
    options = ["--acls", "--xattrs", "--xattrs-include=user.*", "--sparse"]
    subprocess.run(["tar", "-C", tree, "--format=posix", *options, "--numeric-owner", "-cf", path, "."], check=True)
    unpack_unified(path, target)
    found = differences(describe(tree / "rootfs"), describe(target / "rootfs"))
    assert without(found, "data/owned", "data/caps") == []  # their attributes were not asked for
    assert read_metadata(path) == METADATA


def test_old_gnu_format_with_sparse_files(tree: Path, tmp_path: Path) -> None:
    path, target = tmp_path / "image.tar", tmp_path / "target"
    target.mkdir()
    subprocess.run(["tar", "-C", tree, "--format=gnu", "-S", "-cf", path, "rootfs"], check=True)
    unpack_unified(path, target)
    ours, theirs = describe(tree / "rootfs"), describe(target / "rootfs")
    assert ours.keys() == theirs.keys()
    assert ours["data/sparse"].digest == theirs["data/sparse"].digest


@pytest.mark.parametrize("form", ["squashfs", "tar"])
def test_split_image(tree: Path, tmp_path: Path, form: str) -> None:
    (tree / "metadata.yaml").write_bytes(METADATA)
    metadata, rootfs, target = tmp_path / "metadata.tar.xz", tmp_path / "rootfs", tmp_path / "target"
    target.mkdir()
    subprocess.run(["tar", "-C", tree, "-cJf", metadata, "metadata.yaml", "templates"], check=True)
    if form == "squashfs":
        subprocess.run(["mksquashfs", tree / "rootfs", rootfs, "-quiet", "-no-progress"], check=True, stdout=-3)
    else:
        options = ["--xattrs", "--xattrs-include=*", "--numeric-owner", "--format=posix"]
        subprocess.run(["tar", "-C", tree / "rootfs", *options, "-czf", rootfs, "."], check=True)
    unpack_split(metadata, rootfs, target)
    is_squashfs = form == "squashfs"
    found = differences(describe(tree / "rootfs"), describe(target / "rootfs"), slack_ns=10**9 * is_squashfs)
    lost = ("data/acl", "data/acl-default", "data/socket") if is_squashfs else ()  # squashfs has no ACLs
    assert without(found, *lost) == []
    assert read_metadata(metadata) == METADATA
    assert (target / "templates/hostname.tpl").exists()


@pytest.mark.needs("mksquashfs")
def test_a_squashfs_is_refused_where_its_attributes_cannot_be_set(tree: Path, tmp_path: Path) -> None:
    """On a ramfs, which has none."""
    (tree / "metadata.yaml").write_bytes(METADATA)
    path, target = tmp_path / "image.squashfs", tmp_path / "target"
    target.mkdir()
    subprocess.run(["mksquashfs", tree, path, "-quiet", "-no-progress"], check=True, stdout=-3)
    subprocess.run(["mount", "-t", "ramfs", "none", target], check=True)
    try:
        with pytest.raises(StorageError, match=r'extended attribute ".*" of "\./rootfs/.*" can\'t be set .*use a pool'):
            unpack_unified(path, target)
    finally:
        subprocess.run(["umount", target], check=True)


def test_missing_metadata(tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    (tmp_path / "rootfs").mkdir()
    subprocess.run(["tar", "-C", tmp_path, "-cf", path, "rootfs"], check=True)
    with pytest.raises(ArchiveError, match=r"Metadata tarball is missing metadata\.yaml"):
        read_metadata(path)


def test_threat_unbounded_metadata(tmp_path: Path, tree: Path) -> None:
    path = tmp_path / "image"
    with path.open("wb") as file:
        pack(tree, b"a: " + b"x" * 2**20, file, CompressionChoice(Compression.GZIP))
    with pytest.raises(ArchiveError, match="larger than"):
        read_metadata(path)


def test_truncated_image_leaves_an_error(tmp_path: Path, tree: Path) -> None:
    path, target = packed(tree, tmp_path / "image"), tmp_path / "target"
    target.mkdir()
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ArchiveError):
        unpack_unified(path, target)


def test_threat_image_bomb_stops_at_the_limit(tmp_path: Path, tree: Path) -> None:
    (tree / "rootfs/zeros").write_bytes(bytes(20_000_000))
    path, target = tmp_path / "image", tmp_path / "target"
    target.mkdir()
    subprocess.run(["tar", "-C", tree, "-czf", path, "rootfs"], check=True)
    with pytest.raises(ArchiveError, match="more than the 9000000 bytes"):
        unpack_unified(path, target, limit_bytes=9_000_000)


def test_pack_fails_on_a_write_error(tree: Path) -> None:
    class Full(io.BytesIO):
        def write(self, data) -> int:  # type: ignore[no-untyped-def]
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        pack(tree, METADATA, Full(), CompressionChoice(Compression.GZIP))
