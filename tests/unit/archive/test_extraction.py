"""Single files out of an export: to their place or not at all, never outside, with no power that wasn't asked for."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.archive.definition import Definition
from holdfast.archive.extraction import Opener, Wanted, extract
from holdfast.archive.instance_content import instance_content
from holdfast.archive.writer import write_export
from holdfast.model.errors import ArchiveError, BadRequestError, ConflictError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.kinds import Compression
from holdfast.model.storage import Pool
from holdfast.streams.compression import CompressionChoice
from support.trees import describe, differences, make_rich_tree

pytestmark = pytest.mark.root
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An export of a rich tree with a snapshot, and the tree."""
    folder = tmp_path_factory.mktemp("made")
    folder.chmod(0o755)
    trees: dict[str | None, Path] = {}
    for name in ("one", None):
        trees[name] = folder / f"tree-{name}"
        (trees[name] / "rootfs").mkdir(parents=True)
        (trees[name] / "metadata.yaml").write_text("architecture: x86_64\n")
    make_rich_tree(trees[None] / "rootfs")
    (trees["one"] / "rootfs/only-before").write_text("before")
    definition = Definition(
        instance=Instance(project="default", name="c1", created_at=NOW, pool="tank"),
        snapshots=(Snapshot(name="one", created_at=NOW, config={}, devices={}, profiles=()),),
    )
    path = folder / "c1.tar.zst"
    content = instance_content(definition, Pool(name="tank", driver="dir", config={}), trees)
    write_export(path, content, CompressionChoice(Compression.ZSTD), now=NOW)
    path.chmod(0o644)
    return path, trees[None] / "rootfs"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "target"
    path.mkdir()
    return path


def opener(path: Path) -> Opener:
    return lambda: path.open("rb", 0)


def left(target: Path) -> set[str]:
    return {str(path.relative_to(target)) for path in target.rglob("*")}


def test_one_file(made: tuple[Path, Path], target: Path) -> None:
    done = extract(opener(made[0]), target, Wanted(paths=["/data/owned"]))
    assert left(target) == {"data", "data/owned"} and done.files == 1
    assert (target / "data/owned").read_text() == "by 1000"
    assert (target / "data/owned").stat().st_uid == 0


def test_everything_with_owners_is_the_tree(made: tuple[Path, Path], target: Path) -> None:
    extract(opener(made[0]), target, Wanted(same_owner=True, special_files=True))
    wanted, found = describe(made[1]), describe(target)
    del wanted["."], found["."]
    assert differences(wanted, found) == []


def test_nothing_has_power_unless_asked_for(made: tuple[Path, Path], target: Path) -> None:
    done = extract(opener(made[0]), target, Wanted())
    assert done.skipped == 3
    for path in target.rglob("*"):
        facts = path.lstat()
        assert (facts.st_uid == 0 and not facts.st_mode & 0o7000) or path.is_symlink(), path
        assert stat.S_ISREG(facts.st_mode) or stat.S_ISDIR(facts.st_mode) or stat.S_ISLNK(facts.st_mode), path
        if not path.is_symlink():
            assert [name for name in os.listxattr(path) if not name.startswith("user.")] == [], path
    assert os.getxattr(target / "data/file", "user.note") == b"kept\x00binary"
    assert (target / "data/sparse").stat().st_blocks * 512 < 2**20


def test_a_hard_link_alone_brings_its_content(made: tuple[Path, Path], target: Path) -> None:
    """Its data stands in the archive under a name that was not asked for."""
    names = sorted(["data/file", "data/hard link"])
    extract(opener(made[0]), target, Wanted(paths=[names[1]]))
    assert left(target) == {"data", names[1]}
    assert (target / names[1]).read_bytes() == b"hello\n" * 1000
    extract(opener(made[0]), target, Wanted(paths=names, overwrite=True))
    assert (target / names[0]).stat().st_ino == (target / names[1]).stat().st_ino


def test_a_snapshot(made: tuple[Path, Path], target: Path) -> None:
    extract(opener(made[0]), target, Wanted(paths=["only-before"], snapshot="one"))
    assert (target / "only-before").read_text() == "before"
    with pytest.raises(BadRequestError, match='no snapshot "two"; there are: one'):
        extract(opener(made[0]), target, Wanted(snapshot="two"))


@pytest.mark.parametrize("path", ["no/such", "data/fil", "../etc/passwd", "data/../../x"])
def test_a_path_that_is_not_there_is_an_error(made: tuple[Path, Path], target: Path, path: str) -> None:
    with pytest.raises(BadRequestError):
        extract(opener(made[0]), target, Wanted(paths=["data/owned", path]))
    assert left(target) == set()


def test_existing_files_stay(made: tuple[Path, Path], target: Path) -> None:
    (target / "data").mkdir()
    (target / "data/owned").write_text("mine")
    with pytest.raises(ConflictError, match="data/owned"):
        extract(opener(made[0]), target, Wanted(paths=["data/owned", "data/empty"]))
    assert left(target) == {"data", "data/owned"}
    extract(opener(made[0]), target, Wanted(paths=["data/owned", "data/empty"], overwrite=True))
    assert (target / "data/owned").read_text() == "by 1000"
    assert left(target) == {"data", "data/owned", "data/empty"}


def test_nothing_goes_through_a_link_that_stands_there(made: tuple[Path, Path], target: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (target / "data").symlink_to(outside)
    for overwrite in (False, True):
        with pytest.raises(ConflictError):
            extract(opener(made[0]), target, Wanted(paths=["data/owned"], overwrite=overwrite))
    assert list(outside.iterdir()) == [] and (target / "data").is_symlink()


def test_a_damaged_file_leaves_nothing(made: tuple[Path, Path], target: Path, tmp_path: Path) -> None:
    data = bytearray(made[0].read_bytes())
    data[-10] ^= 1
    (tmp_path / "damaged").write_bytes(data)
    with pytest.raises(ArchiveError):
        extract(opener(tmp_path / "damaged"), target, Wanted(paths=["data/owned"]))
    assert left(target) == set()
