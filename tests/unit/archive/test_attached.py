"""Files of instances with volumes in them: where everything stands, there and back, and damage anywhere in them."""

from __future__ import annotations

import io
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from holdfast.archive.attached_content import with_attached
from holdfast.archive.definition import Definition
from holdfast.archive.instance_content import instance_content
from holdfast.archive.reader import PartTarget, TreeTarget, read_index, take_export, unpack_export
from holdfast.archive.verification import verify_file
from holdfast.archive.volume_content import volume_content
from holdfast.archive.volume_definition import VolumeDefinition
from holdfast.archive.writer import write_export
from holdfast.model.errors import ArchiveError
from holdfast.model.instance import Instance
from holdfast.model.kinds import Compression, ContentType
from holdfast.model.storage import Pool
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.streams.compression import CompressionChoice

NOW = datetime(2026, 11, 30, tzinfo=UTC)
POOL = Pool(name="tank", driver="dir")
NONE = CompressionChoice(Compression.NONE)


def volume(name: str, kind: ContentType, *snapshots: str) -> VolumeDefinition:
    return VolumeDefinition(
        volume=CustomVolume(
            project="default", pool="tank", name=name, content_type=kind, created_at=NOW, config={"volatile.uuid": name}
        ),
        snapshots=tuple(VolumeSnapshot(name=each, created_at=NOW) for each in snapshots),
    )


def tree(path: Path, **files: bytes) -> Path:
    path.mkdir(parents=True)
    for name, data in files.items():
        (path / name.replace("_", ".")).write_bytes(data)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """`c1` with the files `data` (snapshot `s`) and the disk `disk`."""
    instance = Instance(project="default", name="c1", created_at=NOW, pool="tank")
    made = tree(tmp_path / "c1", metadata_yaml=b"x")
    content = instance_content(Definition(instance=instance), POOL, {None: made})
    files = volume_content(
        volume("data", ContentType.FILESYSTEM, "s"),
        POOL,
        {"s": tree(tmp_path / "s", old=b"old"), None: tree(tmp_path / "data", new=b"new")},
        is_attached=True,
    )
    disk_tree = tree(tmp_path / "disk", root_img=b"content of a disk".ljust(4096, b"\1"))
    disk = volume_content(volume("disk", ContentType.BLOCK), POOL, {None: disk_tree}, is_attached=True)
    write_export(tmp_path / "file", with_attached(content, [files, disk]), NONE, now=NOW)
    return tmp_path / "file"


def document(tar: tarfile.TarFile, name: str) -> Any:
    file = tar.extractfile(name)
    assert file is not None
    return yaml.safe_load(file)


def test_where_everything_stands(file: Path) -> None:
    with tarfile.open(file) as tar:
        names = tar.getnames()
        index, manifest = (document(tar, name) for name in ("backup/index.yaml", "backup/manifest.yaml"))
    assert names == [
        "backup/index.yaml",
        "backup/container",
        "backup/container/backup.yaml",
        "backup/container/metadata.yaml",
        "backup/attached/0/volume-snapshots/s",
        "backup/attached/0/volume-snapshots/s/old",
        "backup/attached/0/volume",
        "backup/attached/0/volume/new",
        "backup/attached/1/volume.img",
        "backup/manifest.yaml",
    ]
    assert [(each["name"], each["type"], each["pool"]) for each in index["attached_volumes"]] == [
        ("data", "custom", "tank"),
        ("disk", "custom", "tank"),
    ]
    assert index["attached_volumes"][0]["config"]["volume"]["config"] == {"volatile.uuid": "data"}
    assert [each["name"] for each in manifest["trees"]] == [
        "backup/container",
        "backup/attached/0/volume-snapshots/s",
        "backup/attached/0/volume",
        "backup/attached/1/volume",
    ]


def test_there_and_back(file: Path, tmp_path: Path) -> None:
    index = read_index(file)
    assert [part.name for part in index.parts] == ["c1", "data", "disk"]

    def target(number: int) -> PartTarget:
        def open_tree(snapshot: str | None) -> TreeTarget:
            place = tmp_path / "out" / str(number) / (snapshot or "main")
            place.mkdir(parents=True)
            return TreeTarget(place)

        return PartTarget(open_tree=open_tree)

    taken = take_export(file, index, [target(number) for number in range(3)])
    assert taken[0].main_document is not None
    found = {str(path.relative_to(tmp_path / "out")): path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    found |= {str(path.relative_to(tmp_path / "out")): path.read_bytes() for path in (tmp_path / "out").rglob("*w")}
    assert found["1/main/new"] == b"new" and found["2/main/root.img"].startswith(b"content of a disk")
    assert (tmp_path / "out/1/s/old").read_bytes() == b"old"


def test_without_a_target_volumes_are_looked_at(file: Path, tmp_path: Path) -> None:
    def open_tree(_: str | None) -> TreeTarget:
        (tmp_path / "alone").mkdir()
        return TreeTarget(tmp_path / "alone")

    assert unpack_export(file, read_index(file), open_tree)
    data = bytearray(file.read_bytes())
    data[data.rindex(b"content of a disk")] ^= 1
    file.write_bytes(data)
    (tmp_path / "alone").rename(tmp_path / "before")
    with pytest.raises(ArchiveError, match="damaged"):
        unpack_export(file, read_index(file), open_tree)


def test_what_is_in_it(file: Path) -> None:
    facts = verify_file(io.BytesIO(file.read_bytes()))
    assert [(each.name, each.content_type, each.entries) for each in facts.volumes] == [
        ("data", "filesystem", 2),
        ("disk", "block", 1),
    ]
    assert [each.name for each in facts.volumes[0].snapshots] == ["s"]


def test_a_changed_byte_anywhere_is_found(file: Path) -> None:
    data = file.read_bytes()
    for place in range(0, len(data), 7):
        changed = bytearray(data)
        changed[place] ^= 0x10
        with pytest.raises(ArchiveError):
            verify_file(io.BytesIO(changed))


def test_a_missing_end_anywhere_is_found(file: Path) -> None:
    data = file.read_bytes()
    for size in range(0, len(data), 101):
        with pytest.raises(ArchiveError):
            verify_file(io.BytesIO(data[:size]))
