"""Hostile export files at a real server's door: refused with a clear 400, and nothing of them is left anywhere.

A watcher compares the host before and after: system directories, a canary, and the server's own directory.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from holdfast.client.client import Client
from holdfast.client.errors import ApiError, OperationFailedError
from support.holdfast import HoldfastServer, short_directory
from support.hostile import (
    Archive,
    Case,
    attached_corpus,
    attached_streams_corpus,
    corpus,
    streams_corpus,
    volume_corpus,
    with_attached,
)
from support.waiting import await_equal

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "mkfs.btrfs")]

REAL = Path(__file__).parents[1] / "golden/exports/instance-dir.tar.gz"
OPTIMIZED = REAL.with_name("instance-btrfs-optimized-subvolumes.tar.gz")
VOLUMES = [
    REAL.with_name(name) for name in ("volume-dir.tar.gz", "volume-block-dir.tar.gz", "volume-btrfs-optimized.tar.gz")
]
CASES = [
    *corpus(REAL),
    *streams_corpus(OPTIMIZED),
    *volume_corpus(*VOLUMES),
    *attached_corpus(REAL, VOLUMES[0]),
    *attached_streams_corpus(OPTIMIZED, VOLUMES[2]),
]
WATCHED = tuple(map(Path, ("/etc", "/usr/bin", "/usr/sbin", "/home", "/opt")))
OWN = ("database", "storage-pools", "disks", "logs", "devices", "images")
"""What of the server's directory is compared; the upload directory must simply be empty."""

Facts = dict[str, tuple[int, ...]]


class Guarded:
    """A server with a small pool, and what the host looked like before the first file came."""

    def __init__(self, server: HoldfastServer, directory: Path) -> None:
        self.server, self.client = server, Client.connect(str(server.socket))
        self.canary = directory / "canary"
        self.canary.mkdir()
        (self.canary / "file").write_text("untouched")

    def host(self) -> Facts:
        """Return inode, kind, size and change time of everything that an archive could be after."""
        found: Facts = {}
        for top in (*WATCHED, self.canary):
            for folder, names, files in os.walk(top):
                for name in (*names, *files):
                    path = os.path.join(folder, name)
                    with suppress(FileNotFoundError):  # others work on this machine, too
                        facts = os.lstat(path)
                        found[path] = (facts.st_ino, facts.st_mode, facts.st_size, facts.st_nlink, facts.st_ctime_ns)
        return found

    def own(self) -> list[str]:
        """Return every name below the server's directory that an import could have made."""
        names = []
        for top in OWN:
            for folder, folders, files in os.walk(self.server.directory / top):  # which is not upset by what goes
                for path in (Path(folder, each) for each in (*folders, *files)):
                    with suppress(FileNotFoundError):
                        names.append(f"{path} {path.lstat().st_mode:o}")
        return sorted(name for name in names if "/database/" not in name)

    def is_quiet(self) -> list[str]:
        """Return what is still under way, or left."""
        operations = json.loads(self.server.lxc.run("query", "/1.0/operations?recursion=1") or "{}")
        busy = [str(each) for kind, them in operations.items() if kind == "running" for each in them]
        return busy + [str(path) for path in self._incoming()]

    def _incoming(self) -> Iterator[Path]:
        yield from (self.server.directory / "backups/.incoming").iterdir()
        yield from self.server.directory.glob("storage-pools/*/.staging/*")


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    directory = short_directory()
    with HoldfastServer(directory / "server") as server:
        server.lxc.run("storage", "create", "small", "btrfs", "size=600MiB")
        yield Guarded(server, directory)
    shutil.rmtree(directory)


def pool_for(case: Case) -> str:
    """Return where a file can do most: bombs in a small pool, streams in one of their driver."""
    if "GiB" in case.name:
        return "small"
    return "bt" if "streams" in case.name else "default"


def bring(guarded: Guarded, case: Case, directory: Path, pool: str) -> str | None:
    """Import the file; return why it was refused, None if it was taken in."""
    path = directory / "file"
    path.write_bytes(case.data)
    try:
        backups = guarded.client.backups
        (backups.import_volume(path, pool) if case.is_volume else backups.import_file(path, pool=pool)).wait()
    except ApiError as error:
        is_unknown = "Unsupported compression" in str(error)  # LXD's own status for it
        assert error.status == (500 if is_unknown else 400), f"{error.status}: {error}"
        return str(error)
    except OperationFailedError as error:
        assert error.status_code == 400, f"{error.status_code}: {error}"
        return str(error)
    return None


def volumes(guarded: Guarded, pool: str) -> list[str]:
    """Return the custom volumes of a pool."""
    found = json.loads(guarded.server.lxc.run("query", f"/1.0/storage-pools/{pool}/volumes/custom?recursion=1"))
    return [each["name"] for each in found if "/" not in each["name"]]


def test_the_corpus_is_large() -> None:
    assert sum(case.says is not None for case in CASES) >= 60
    assert len({case.name for case in CASES}) == len(CASES)


def test_the_unchanged_file_is_taken(guarded: Guarded, tmp_path: Path) -> None:
    assert bring(guarded, Case("unchanged", bytes(Archive(REAL)), None), tmp_path, "default") is None
    assert guarded.server.lxc.run("list", "--format", "csv", "-c", "n").split() == ["t1"]
    guarded.server.lxc.run("delete", "t1")
    assert bring(guarded, Case("unchanged", bytes(Archive(OPTIMIZED)), None), tmp_path, "bt") is None
    assert guarded.server.lxc.run("list", "--format", "csv", "-c", "n").split() == ["t3"]
    guarded.server.lxc.run("delete", "t3")
    for one, volume, pool in ((REAL, VOLUMES[0], "default"), (OPTIMIZED, VOLUMES[2], "bt")):
        both = Case("unchanged", bytes(with_attached(one, volume)), None)
        assert bring(guarded, both, tmp_path, pool) is None
        guarded.server.lxc.run("delete", "t1" if one is REAL else "t3")
        (name,) = volumes(guarded, pool)
        guarded.server.lxc.run("storage", "volume", "delete", pool, name)
    for real, pool in zip(VOLUMES, ("default", "default", "bt"), strict=True):
        assert bring(guarded, Case("unchanged", real.read_bytes(), None, is_volume=True), tmp_path, pool) is None
        (name,) = volumes(guarded, pool)
        guarded.server.lxc.run("storage", "volume", "delete", pool, name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_threat_hostile_export_files(guarded: Guarded, tmp_path: Path, case: Case) -> None:
    before = guarded.own()
    reason = bring(guarded, case, tmp_path, pool_for(case))
    if reason is None:
        for name in guarded.server.lxc.run("list", "--format", "csv", "-c", "n").split():
            guarded.server.lxc.run("delete", name)
        for volume in volumes(guarded, pool_for(case)):
            guarded.server.lxc.run("storage", "volume", "delete", pool_for(case), volume)
        assert case.says is None, "it was taken in"
    else:
        assert "\n" not in reason.strip()
        assert "internal" not in reason.lower()
        assert len(reason) < 1500
        assert case.says is None or re.search(case.says, reason), reason
    await_equal(guarded.is_quiet, [])  # what only was in the way is removed beside
    assert guarded.own() == before


def test_threat_nothing_of_a_hostile_file_reaches_the_host(guarded: Guarded, tmp_path: Path) -> None:
    before = guarded.host()
    for case in CASES:
        if case.says is not None and "null" not in case.name and "GiB" not in case.name:
            assert bring(guarded, case, tmp_path, pool_for(case)) is not None
    now = guarded.host()
    assert {path for path in before.keys() | now.keys() if before.get(path) != now.get(path)} == set()
    assert (guarded.canary / "file").read_text() == "untouched"
    assert guarded.server.is_alive()
