"""Archives that try to reach beyond their directory, or to make the host trust what is in them."""

from __future__ import annotations

import io
import json
import os
import struct
import tarfile
from pathlib import Path

import pytest

from holdfast.archive.idmap import parse_host_map
from holdfast.archive.reader import TreeTarget, read_index, unpack_export
from holdfast.model.errors import ArchiveError
from holdfast.wire.backup_index import BackupConfig, BackupIndex, InstanceEntry, SnapshotEntry, dump

pytestmark = pytest.mark.root

FILE, LINK, HARD, DIRECTORY, DEVICE, FIFO = (
    tarfile.REGTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.DIRTYPE,
    tarfile.CHRTYPE,
    tarfile.FIFOTYPE,
)
MAIN = "backup/container"


class Craft:
    """An archive of entries that no honest writer would make."""

    def __init__(self, *, snapshots: tuple[str, ...] = (), described: tuple[str, ...] | None = None) -> None:
        self.buffer = io.BytesIO()
        self.tar = tarfile.TarFile(fileobj=self.buffer, mode="w", format=tarfile.PAX_FORMAT)
        described = snapshots if described is None else described
        index = BackupIndex(
            name="c1",
            backend="dir",
            pool="tank",
            snapshots=list(snapshots) or None,
            type="container",
            config=BackupConfig(
                container=InstanceEntry(name="c1", type="container", architecture="x86_64", config={}, devices={}),
                snapshots=[SnapshotEntry(name=name) for name in described],
            ),
        )
        self.file("backup/index.yaml", dump(index))
        for name in snapshots:
            self.add(f"backup/snapshots/{name}", DIRECTORY).add(f"backup/snapshots/{name}/rootfs", DIRECTORY)
        self.add(MAIN, DIRECTORY)

    def add(self, name: str, kind: bytes, target: str = "", **fields: object) -> Craft:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.mode = kind, target, 0o755
        for key, value in fields.items():
            setattr(info, key, value)
        self.tar.addfile(info)
        return self

    def file(self, name: str, data: bytes = b"data", **fields: object) -> Craft:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        for key, value in fields.items():
            setattr(info, key, value)
        self.tar.addfile(info, io.BytesIO(data))
        return self

    def write(self, path: Path) -> Path:
        self.tar.close()
        path.write_bytes(self.buffer.getvalue())
        return path


def unpack(craft: Craft, tmp_path: Path, idmap: str = "") -> Path:
    path = craft.write(tmp_path / "export.tar")
    trees = tmp_path / "trees"
    trees.mkdir()

    def open_tree(snapshot: str | None) -> TreeTarget:
        tree = trees / (snapshot or "main")
        tree.mkdir()
        return TreeTarget(tree, parse_host_map(idmap))

    unpack_export(path, read_index(path), open_tree)
    return trees / "main"


def rootfs() -> Craft:
    return Craft().add(f"{MAIN}/rootfs", DIRECTORY)


def test_an_honest_archive_passes(tmp_path: Path) -> None:
    craft = rootfs().file(f"{MAIN}/metadata.yaml").file(f"{MAIN}/rootfs/a").add(f"{MAIN}/rootfs/l", LINK, "/etc/passwd")
    craft.add(f"{MAIN}/rootfs/h", HARD, f"{MAIN}/rootfs/a").add(f"{MAIN}/rootfs/h2", HARD, f"{MAIN}/rootfs/l")
    tree = unpack(craft, tmp_path)
    assert (tree / "rootfs/l").readlink() == Path("/etc/passwd")
    assert (tree / "rootfs/a").stat().st_ino == (tree / "rootfs/h").stat().st_ino
    assert (tree / "rootfs/h2").is_symlink()


@pytest.mark.parametrize(
    "craft",
    [
        rootfs().file(f"{MAIN}/rootfs/../../../../outside"),
        rootfs().file(f"{MAIN}/../outside"),
        Craft().file("/etc/outside"),
        Craft().file("backup/snapshots/../outside"),
        Craft().file("outside"),
        Craft().file("backup/containerx/rootfs"),
        Craft().file("backup/container/../../outside"),
    ],
    ids=lambda _: "",
)
def test_threat_names_that_lead_out(craft: Craft, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError):
        unpack(craft, tmp_path)
    assert not list(tmp_path.rglob("outside"))


@pytest.mark.parametrize(
    "craft",
    [
        rootfs().add(f"{MAIN}/rootfs/d", LINK, "/tmp").file(f"{MAIN}/rootfs/d/outside"),
        rootfs().add(f"{MAIN}/rootfs/d", LINK, "..").add(f"{MAIN}/rootfs/d/outside", DIRECTORY),
        rootfs()
        .add(f"{MAIN}/rootfs/d", LINK, "/tmp")
        .add(f"{MAIN}/rootfs/e", HARD, f"{MAIN}/rootfs/d")
        .file(f"{MAIN}/rootfs/e/outside"),
        rootfs().add(f"{MAIN}/rootfs/d", LINK, "/tmp").add(f"{MAIN}/rootfs/d", DIRECTORY),
        rootfs().add(f"{MAIN}/rootfs/d", LINK, "/tmp/outside").file(f"{MAIN}/rootfs/d"),
        rootfs().file(f"{MAIN}/rootfs/d").file(f"{MAIN}/rootfs/d/outside"),
        rootfs().add(f"{MAIN}/rootfs/d", FIFO).file(f"{MAIN}/rootfs/d/outside"),
    ],
    ids=lambda _: "",
)
def test_threat_writing_through_links(craft: Craft, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError):
        unpack(craft, tmp_path)
    assert not Path("/tmp/outside").exists()


@pytest.mark.parametrize(
    "craft",
    [
        rootfs().add(f"{MAIN}/rootfs/h", HARD, "/etc/passwd"),
        rootfs().add(f"{MAIN}/rootfs/h", HARD, f"{MAIN}/rootfs/../../../../etc/passwd"),
        rootfs().add(f"{MAIN}/rootfs/h", HARD, f"{MAIN}/rootfs/nosuch"),
        rootfs().add(f"{MAIN}/rootfs/h", HARD, f"{MAIN}/rootfs"),
        rootfs().add(f"{MAIN}/rootfs/h", HARD, "backup/index.yaml"),
        rootfs().file(f"{MAIN}/metadata.yaml").add(f"{MAIN}/rootfs/h", HARD, f"{MAIN}/metadata.yaml"),
        Craft(snapshots=("s",))
        .add(f"{MAIN}/rootfs", DIRECTORY)
        .add(f"{MAIN}/rootfs/h", HARD, "backup/snapshots/s/rootfs/x"),
    ],
    ids=lambda _: "",
)
def test_threat_hard_links_to_other_files(craft: Craft, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError):
        unpack(craft, tmp_path)


@pytest.mark.parametrize(
    "name", ["backup.yaml", "metadata.yaml", "rootfs", "templates", "exec-output", "state", "other"]
)
@pytest.mark.parametrize("kind", [LINK, HARD, DEVICE, FIFO])
def test_threat_top_level_entries_of_a_wrong_type(name: str, kind: bytes, tmp_path: Path) -> None:
    craft = Craft().file(f"{MAIN}/plain")
    with pytest.raises(ArchiveError):
        unpack(craft.add(f"{MAIN}/{name}", kind, f"{MAIN}/plain" if kind == HARD else "/etc"), tmp_path)


def test_threat_top_level_files_that_are_directories(tmp_path: Path) -> None:
    for number, craft in enumerate((Craft().add(f"{MAIN}/metadata.yaml", DIRECTORY), Craft().file(f"{MAIN}/rootfs"))):
        (tmp_path / str(number)).mkdir()
        with pytest.raises(ArchiveError, match="it must be a"):
            unpack(craft, tmp_path / str(number))


def test_threat_image_template_paths(tmp_path: Path) -> None:
    """Templates are read by the host later: no links and no special files among them."""
    craft = rootfs().add(f"{MAIN}/templates", DIRECTORY).add(f"{MAIN}/templates/t", LINK, "/etc/shadow")
    with pytest.raises(ArchiveError, match="only the root file system"):
        unpack(craft, tmp_path)


@pytest.mark.parametrize(
    "craft",
    [
        Craft(snapshots=("a",), described=()),
        rootfs().add("backup/snapshots/extra", DIRECTORY),
        rootfs().add("backup/snapshots/extra", DIRECTORY).file("backup/snapshots/extra/metadata.yaml"),
        Craft(snapshots=("a", "a")),
        Craft(snapshots=("..",)),
        Craft(snapshots=("a b",)),
    ],
    ids=lambda _: "",
)
def test_threat_snapshots_and_records_differ(craft: Craft, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError):
        unpack(craft, tmp_path)


def test_a_snapshot_without_files_is_missing(tmp_path: Path) -> None:
    craft = Craft(described=())
    craft.tar.close()
    craft = Craft(snapshots=("here", "gone"))
    data = craft.write(tmp_path / "whole.tar").read_bytes()
    kept = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data)) as source, tarfile.open(fileobj=kept, mode="w") as target:
        for member in source:
            if "gone" not in member.name:
                target.addfile(member, source.extractfile(member) if member.isfile() else None)
    path = tmp_path / "export.tar"
    path.write_bytes(kept.getvalue())
    made: list[Path] = []

    def open_tree(snapshot: str | None) -> TreeTarget:
        made.append(tmp_path / f"tree-{len(made)}")
        made[-1].mkdir()
        return TreeTarget(made[-1])

    with pytest.raises(ArchiveError, match="missing the files of: gone"):
        unpack_export(path, read_index(path), open_tree)


def test_threat_index_is_no_plain_file(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        info = tarfile.TarInfo("backup/index.yaml")
        info.type, info.linkname = LINK, "/etc/shadow"
        tar.addfile(info)
    path = tmp_path / "export.tar"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(ArchiveError, match="no plain file"):
        read_index(path)


def test_dotted_index_is_not_recognised(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("./backup/index.yaml"))
    path = tmp_path / "export.tar"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(ArchiveError, match=r"^Backup is missing index\.yaml$"):
        read_index(path)


def test_threat_oversized_extended_header(tmp_path: Path) -> None:
    craft = rootfs().file(f"{MAIN}/rootfs/f", pax_headers={"SCHILY.xattr.user.big": "x" * 2**20})
    with pytest.raises(ArchiveError, match="extended header is larger"):
        unpack(craft, tmp_path)


def test_threat_extended_headers_without_end(tmp_path: Path) -> None:
    """Each is small enough, but they would all be kept for an entry that never comes."""
    buffer = io.BytesIO()
    for number in range(40):
        record = _pax(b"SCHILY.xattr.user.%d" % number, b"x" * 100_000)
        info = tarfile.TarInfo("pax")
        info.type, info.size = tarfile.XHDTYPE, len(record)
        buffer.write(info.tobuf(tarfile.USTAR_FORMAT) + record + bytes(-len(record) % 512))
    path = tmp_path / "export.tar"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(ArchiveError, match="extended header is larger"):
        read_index(path)


def test_threat_index_behind_days_of_zeros(tmp_path: Path) -> None:
    info = tarfile.TarInfo("backup/container/rootfs/zeros")
    info.size = 2**40
    path = tmp_path / "export.tar"
    with path.open("wb") as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        file.truncate(2**40)
    with pytest.raises(ArchiveError, match="at its beginning"):
        read_index(path)


def test_shifted_trees_come_back_to_the_ids_inside(tmp_path: Path) -> None:
    """Files of LXD may be kept with host ids: owners, ACLs and capabilities are taken back through its map."""
    entry = {"Hostid": 100000, "Nsid": 0, "Maprange": 65536}
    idmap = json.dumps([{**entry, "Isuid": True, "Isgid": False}, {**entry, "Isuid": False, "Isgid": True}])
    acl = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", *each)
        for each in (
            (1, 6, 0xFFFFFFFF),
            (2, 4, 101234),
            (4, 4, 0xFFFFFFFF),
            (8, 7, 104321),
            (16, 7, 0xFFFFFFFF),
            (32, 4, 0xFFFFFFFF),
        )
    )
    capability = struct.pack("<IIIIII", 0x03000001, 1 << 13, 0, 0, 0, 100000)
    text = {
        "SCHILY.xattr.system.posix_acl_access": acl.decode("latin-1"),
        "SCHILY.xattr.security.capability": capability.decode("latin-1"),
    }
    craft = rootfs().file(f"{MAIN}/rootfs/plain", uid=100033, gid=101000)
    craft.file(f"{MAIN}/rootfs/foreign", uid=5, gid=5)
    raw = b"".join(_pax(key.encode(), value.encode("latin-1")) for key, value in text.items())
    info = tarfile.TarInfo("pax")
    info.type, info.size = tarfile.XHDTYPE, len(raw)
    craft.tar.addfile(info, io.BytesIO(raw))
    craft.file(f"{MAIN}/rootfs/rich", uid=100000, gid=100000)
    tree = unpack(craft, tmp_path, idmap)
    plain = (tree / "rootfs/plain").stat()
    assert (plain.st_uid, plain.st_gid) == (33, 1000)
    assert (tree / "rootfs/foreign").stat().st_uid == 65534
    stored = os.getxattr(tree / "rootfs/rich", "system.posix_acl_access")
    assert [each for each in struct.iter_unpack("<HHI", stored[4:]) if each[0] in (2, 8)] == [
        (2, 4, 1234),
        (8, 7, 4321),
    ]
    found = os.getxattr(tree / "rootfs/rich", "security.capability")
    assert found == struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)


def _pax(key: bytes, value: bytes) -> bytes:
    body = b" " + key + b"=" + value + b"\n"
    length = len(body)
    while len(str(length)) + len(body) != length:
        length = len(str(length)) + len(body)
    return str(length).encode() + body
