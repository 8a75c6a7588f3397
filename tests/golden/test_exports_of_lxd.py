"""Files that real LXD wrote: their index is understood, and their trees come out as LXD described them."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from holdfast.archive.reader import TreeTarget, read_backup_config, read_index, unpack_export
from holdfast.model.kinds import Compression
from holdfast.streams.compression import DecompressedReader

HERE = Path(__file__).parent
FILES = ("instance-dir.tar.gz", "instance-btrfs.tar.zst", "instance-dir-only-uncompressed.tar")
KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "dir", stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo"}


@pytest.fixture(params=FILES)
def export(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    contents = json.loads((HERE / "contents" / f"{request.param}.json").read_text())
    path = HERE / "exports" / request.param
    if not path.exists():  # kept compressed, as it is mostly zeros
        packed = path.with_name(path.name + ".zst")
        path = tmp_path / request.param
        with packed.open("rb") as file:
            path.write_bytes(DecompressedReader(file, Compression.ZSTD).read())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == contents["sha256"]
    return path, contents


def test_index(export: tuple[Path, dict[str, Any]]) -> None:
    path, contents = export
    index = read_index(path)
    expected = contents["after_import"]["instance"]
    assert index.definition is not None
    instance = index.definition.instance
    assert (index.name, index.type, index.is_optimized) in (("t1", "container", False), ("t2", "container", False))
    assert dict(instance.config) == expected["config"]
    assert dict(instance.devices) == expected["devices"]
    assert list(instance.profiles) == expected["profiles"]
    assert instance.created_at.isoformat()[:19] == expected["created_at"][:19]
    names = [snapshot["name"].rpartition("/")[2] for snapshot in expected["snapshots"] or []]
    assert list(index.snapshots) == names == [snapshot.name for snapshot in index.definition.snapshots]
    for snapshot, wanted in zip(index.definition.snapshots, expected["snapshots"] or [], strict=True):
        assert dict(snapshot.config) == wanted["config"]
        assert snapshot.created_at.isoformat()[:19] == wanted["created_at"][:19]
    if names:
        assert index.definition.snapshots[1].expires_at is None


def test_snapshot_expiry_is_kept() -> None:
    index = read_index(HERE / "exports/instance-dir.tar.gz")
    assert index.definition is not None
    expires_at = index.definition.snapshots[0].expires_at
    assert expires_at is not None
    assert expires_at.isoformat() == "2026-11-30T04:22:51.223627+00:00"


@pytest.mark.root
def test_trees(export: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    path, contents = export
    index = read_index(path)
    trees: dict[str | None, Path] = {}

    def open_tree(snapshot: str | None) -> TreeTarget:
        trees[snapshot] = tmp_path / f"tree-{len(trees)}"
        trees[snapshot].mkdir()
        return TreeTarget(trees[snapshot])

    document = unpack_export(path, index, open_tree)
    assert document is not None
    main = read_backup_config(document, pool="")
    assert index.definition is not None
    assert main.instance.config == index.definition.instance.config
    found: dict[str, dict[str, Any]] = {}
    for snapshot, tree in trees.items():
        describe(tree, "backup/container" if snapshot is None else f"backup/snapshots/{snapshot}", found)
    wanted = {each["name"]: each for each in contents["members"]}
    del wanted["backup/index.yaml"]
    tops = {"backup/container", *(f"backup/snapshots/{name}" for name in index.snapshots)}
    wanted = {name: each for name, each in wanted.items() if name not in tops and not name.endswith("/backup.yaml")}
    assert found.keys() == wanted.keys()
    for name, member in wanted.items():
        assert found[name] == comparable(member, wanted), name


def comparable(member: dict[str, Any], members: dict[str, Any]) -> dict[str, Any]:
    """Return what `describe` says of this member; a hard link is its target."""
    if member["type"] == "hardlink":
        return comparable(members[member["link"]], members)
    entry = {"type": member["type"], "mode": int(member["mode"], 8), "owner": (member["uid"], member["gid"])}
    if member["type"] == "file":
        entry["sha256"] = member["sha256"]
    if member["type"] == "symlink":
        entry["link"] = member["link"]
    prefix = "SCHILY.xattr."
    pax = {key: value for key, value in member.get("pax", {}).items() if key.startswith(prefix)}
    entry["xattrs"] = {key[len(prefix) :]: value for key, value in pax.items()}
    return entry


def describe(tree: Path, prefix: str, found: dict[str, dict[str, Any]]) -> None:
    for folder, folders, files in os.walk(tree):
        for name in (*folders, *files):
            path = Path(folder) / name
            info = path.lstat()
            kind = KINDS[stat.S_IFMT(info.st_mode)]
            entry = {"type": kind, "mode": stat.S_IMODE(info.st_mode), "owner": (info.st_uid, info.st_gid)}
            if kind == "file":
                entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
            if kind == "symlink":
                entry["link"] = os.readlink(path)
            keys = [] if kind == "symlink" else os.listxattr(path)
            entry["xattrs"] = {key: os.getxattr(path, key).decode() for key in keys}
            found[f"{prefix}/{path.relative_to(tree)}"] = entry
