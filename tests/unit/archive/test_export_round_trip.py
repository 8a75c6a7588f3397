from __future__ import annotations

import os
import shutil
import subprocess
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from holdfast.archive.definition import Definition
from holdfast.archive.instance_content import build_index, instance_content
from holdfast.archive.reader import TreeTarget, read_index, unpack_export
from holdfast.archive.writer import write_export
from holdfast.model.errors import ArchiveError, BadRequestError, CancelledOperationError, StorageError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.kinds import Compression
from holdfast.model.profile import Profile
from holdfast.model.storage import Pool
from holdfast.streams.compression import CompressionChoice
from support.trees import describe, differences, make_rich_tree

pytestmark = pytest.mark.root
NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
POOL = Pool(name="tank", driver="dir", config={"source": "/srv/tank"})
SNAPSHOT = Snapshot(
    name="before,after\\1~",
    created_at=NOW,
    expires_at=NOW.replace(year=2030),
    config={"user.number": "1", "user.yes": "yes", "user.null": "null", "user.time": "2026-01-02"},
    devices={"root": {"type": "disk", "path": "/", "pool": "tank"}},
    profiles=("default",),
    description="a snapshot",
    instance_description="the instance as it was",
    is_held=True,
    schedule="daily",
    due_at=NOW.replace(minute=0),
)
DEFINITION = Definition(
    instance=Instance(
        project="default",
        name="c1",
        created_at=NOW,
        profiles=("default",),
        config={"user.text": "naïve: ☃\nsecond line", "volatile.last_state.idmap": "[]"},
        devices={"root": {"type": "disk", "path": "/", "pool": "tank"}},
        pool="tank",
    ),
    snapshots=(SNAPSHOT,),
    profiles=(Profile(project="default", name="default", config={"limits.cpu": "1"}),),
)

Trees = dict[str | None, Path]


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    made: Trees = {}
    for snapshot in (SNAPSHOT.name, None):
        path = tmp_path / f"tree-{len(made)}"
        (path / "rootfs").mkdir(parents=True)
        (path / "metadata.yaml").write_text("architecture: x86_64\n")
        (path / "backup.yaml").write_text("stale\n")
        made[snapshot] = path
    make_rich_tree(made[SNAPSHOT.name] / "rootfs")
    shutil.copytree(made[SNAPSHOT.name] / "rootfs", made[None] / "rootfs2", symlinks=True, ignore=lambda *_: {"data"})
    make_rich_tree(made[None] / "rootfs")
    return made


def export(trees: Trees, target: Path, kind: Compression = Compression.ZSTD) -> Path:
    size = write_export(target, instance_content(DEFINITION, POOL, trees), CompressionChoice(kind), now=NOW)
    assert size == target.stat().st_size
    assert [path.name for path in target.parent.iterdir() if ".part" in path.name] == []
    return target


def unpack(path: Path, into: Path, **options: Any) -> dict[str | None, Path]:
    into.mkdir()
    unpacked: dict[str | None, Path] = {}

    def open_tree(snapshot: str | None) -> TreeTarget:
        unpacked[snapshot] = into / f"{len(unpacked)}"
        unpacked[snapshot].mkdir()
        return TreeTarget(unpacked[snapshot])

    unpack_export(path, read_index(path), open_tree, **options)
    return unpacked


@pytest.mark.parametrize("kind", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
def test_round_trip(trees: Trees, tmp_path: Path, kind: Compression) -> None:
    path = export(trees, tmp_path / "export", kind)
    unpacked = unpack(path, tmp_path / "unpacked")
    for snapshot, tree in trees.items():
        wanted = describe(tree)
        del wanted["backup.yaml"], wanted["."]
        found = describe(unpacked[snapshot])
        del found["."]
        assert differences(wanted, found) == []
    assert path.stat().st_mode & 0o777 == 0o600


def test_index_round_trip(trees: Trees, tmp_path: Path) -> None:
    index = read_index(export(trees, tmp_path / "export"))
    assert (index.name, index.pool, index.backend, index.type) == ("c1", "tank", "dir", "container")
    assert index.snapshots == (SNAPSHOT.name,)
    assert index.definition is not None
    assert index.definition.instance == replace(DEFINITION.instance, project="")
    expected = {**SNAPSHOT.config, "volatile.last_state.idmap": "[]"}
    assert index.definition.snapshots == (replace(SNAPSHOT, config=expected),)
    assert [profile.name for profile in index.definition.profiles] == ["default"]


def test_layout_is_that_of_lxd(trees: Trees, tmp_path: Path) -> None:
    path = export(trees, tmp_path / "export", Compression.NONE)
    listing = subprocess.run(["tar", "-tf", path, "--quoting-style=literal"], stdout=-1, check=True).stdout.decode(
        errors="surrogateescape"
    )
    names = listing.splitlines()
    assert names[0] == "backup/index.yaml"
    assert names[1:3] == [f"backup/snapshots/{SNAPSHOT.name}/", f"backup/snapshots/{SNAPSHOT.name}/backup.yaml"]
    main = names.index("backup/container/")
    assert names[main + 1] == "backup/container/backup.yaml"
    assert sum(name.endswith("/backup.yaml") for name in names) == 2
    assert os.path.getsize(path) % 512 == 0
    stale = subprocess.run(["tar", "-xOf", path, "backup/container/backup.yaml"], stdout=-1, check=True).stdout
    assert b"stale" not in stale
    assert b"name: c1" in stale


def test_an_existing_file_survives_a_failed_export(trees: Trees, tmp_path: Path) -> None:
    target = tmp_path / "export"
    target.write_text("the old one")
    shutil.rmtree(trees[SNAPSHOT.name])
    with pytest.raises(StorageError):
        export(trees, target)
    assert target.read_text() == "the old one"
    assert list(tmp_path.glob("*.part")) == []


def test_threat_no_space_during_a_backup(trees: Trees, tmp_path: Path) -> None:
    """A full disk ends in an error and leaves neither a file nor a part of one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", disk], check=True)
    try:
        (trees[None] / "rootfs/noise").write_bytes(os.urandom(600_000))
        with pytest.raises(StorageError, match="No space left"):
            export(trees, disk / "export")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_cancel_leaves_nothing(trees: Trees, tmp_path: Path) -> None:
    target = tmp_path / "folder" / "export"
    target.parent.mkdir()
    with pytest.raises(CancelledOperationError):
        write_export(
            target,
            instance_content(DEFINITION, POOL, trees),
            CompressionChoice(Compression.GZIP),
            now=NOW,
            cancelled=lambda: True,
        )
    assert list(target.parent.iterdir()) == []


def test_threat_file_vanished_while_it_was_copied(trees: Trees, tmp_path: Path) -> None:
    """An instance that makes and removes files all the time doesn't fail the export."""
    busy, stop = trees[None] / "rootfs/busy", threading.Event()
    busy.mkdir()

    def churn() -> None:
        number = 0
        while not stop.is_set():
            path = busy / f"file-{number % 400}"
            path.write_bytes(bytes(number % 7000)) if number % 3 else path.unlink(missing_ok=True)
            number += 1

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for number in range(3):
            path = export(trees, tmp_path / f"export-{number}", Compression.GZIP)
            unpack(path, tmp_path / f"unpacked-{number}")
    finally:
        stop.set()
        thread.join()


def test_threat_truncated_export_is_refused(trees: Trees, tmp_path: Path) -> None:
    """A stream that failed half-way is never taken for a complete one, wherever it was cut."""
    for kind in (Compression.NONE, Compression.GZIP):
        whole = export(trees, tmp_path / f"export-{kind}", kind).read_bytes()
        for cut in (len(whole) - 1, len(whole) - 9, len(whole) - 1024, len(whole) // 2, 4096):
            path = tmp_path / f"cut-{kind}-{cut}"
            path.write_bytes(whole[:cut])
            with pytest.raises(ArchiveError):
                unpack(path, tmp_path / f"into-{kind}-{cut}")


def test_threat_export_that_cannot_be_imported(trees: Trees, tmp_path: Path) -> None:
    """The writer reads back what it wrote by the rules of the import, and keeps nothing that breaks one."""
    (trees[None] / "templates").mkdir()
    (trees[None] / "templates" / "evil").symlink_to("/etc/shadow")
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(StorageError, match="can't be read back"):
        export(trees, folder / "export")
    assert list(folder.iterdir()) == []


def test_a_full_target_disk_is_an_error(trees: Trees, tmp_path: Path) -> None:
    (trees[None] / "rootfs/noise").write_bytes(os.urandom(3_000_000))
    path = export(trees, tmp_path / "export")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=True)
    try:
        with pytest.raises(StorageError, match="No space left"):
            unpack(path, disk / "into")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_the_limit_of_bytes_holds(trees: Trees, tmp_path: Path) -> None:
    path = export(trees, tmp_path / "export")
    with pytest.raises(ArchiveError, match="more than the 50000 bytes"):
        unpack(path, tmp_path / "into", limit_bytes=50_000)


def test_many_snapshots_fit_or_are_refused_before_writing() -> None:
    large = {f"user.key{number}": "x" * 60 for number in range(20)}
    several = tuple(replace(SNAPSHOT, name=f"s{number}", config=large) for number in range(400))
    assert len(build_index(replace(DEFINITION, snapshots=several), POOL)) <= 2**20
    too_many = tuple(replace(SNAPSHOT, name=f"s{number}", config=large) for number in range(2000))
    with pytest.raises(BadRequestError, match="2000 snapshots"):
        build_index(replace(DEFINITION, snapshots=too_many), POOL)


def test_index_at_the_end_is_found(trees: Trees, tmp_path: Path) -> None:
    path = export(trees, tmp_path / "export", Compression.NONE)
    folder = tmp_path / "plain"
    folder.mkdir()
    subprocess.run(["tar", "-C", folder, "--xattrs", "--xattrs-include=*", "-xf", path], check=True)
    order = ["backup/snapshots", "backup/container", "backup/index.yaml"]
    other = tmp_path / "other.tar"
    subprocess.run(["tar", "-C", folder, "--format=posix", "-S", "-cf", other, *order], check=True)
    assert read_index(other).name == "c1"
    assert set(unpack(other, tmp_path / "into")) == {None, SNAPSHOT.name}


def test_garbage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "garbage"
    for data in (b"", b"x", b"garbage" * 1000, b"\x1f\x8b"):
        path.write_bytes(data)
        with pytest.raises(ArchiveError):
            read_index(path)
