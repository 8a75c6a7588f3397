"""Random changes of a real export file, all the way to a disk: taken in or refused, never a crash, a hang, or a file
outside of the staging directory.

The short and the long run begin with the same files each time, and come as far as the machine is fast. With
`HOLDFAST_FUZZ_S`, which says how many seconds the long run takes, they are others each time.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
import yaml
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from holdfast.archive.reader import PartTarget, TreeTarget, read_index, take_export
from holdfast.model.errors import HoldfastError
from support.hostile import ATTACHED, INDEX, MAIN, Archive, with_attached

pytestmark = [pytest.mark.root]

REAL = Path(__file__).parents[1] / "golden/exports/instance-dir.tar.gz"
REAL_VOLUME = REAL.with_name("volume-dir.tar.gz")
SHORT_S, LONG_S = 15, int(os.environ.get("HOLDFAST_FUZZ_S", "120"))
HANG_S = 120
"""More than a busy machine takes for one; the files are small, and most take some milliseconds."""
BATCH = 100

texts = st.one_of(
    st.sampled_from(["", ".", "..", "/", "../x", "/etc/x", "rootfs", "backup.yaml", "first", "null", "a" * 300, "☃\n"]),
    st.text(max_size=12),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
prefixes = st.sampled_from(
    [
        *("", f"{MAIN}/", f"{MAIN}/rootfs/", "backup/", "backup/snapshots/", f"{MAIN}/rootfs/data/"),
        *(f"{ATTACHED}/", f"{ATTACHED}/0/", f"{ATTACHED}/0/volume/", f"{ATTACHED}/0/volume-snapshots/vs0/"),
    ]
)
names = st.builds(str.__add__, prefixes, texts.filter(lambda text: "\0" not in text))
kinds = st.sampled_from([*b"01234567xgLKSAVMDN"]).map(lambda byte: bytes([byte]))
pax_keys = st.sampled_from(
    ["path", "linkpath", "size", "uid", "mtime", "SCHILY.xattr.user.a", "SCHILY.xattr.security.capability"]
    + [f"GNU.sparse.{word}" for word in ("major", "minor", "name", "realsize", "size", "map", "numblocks")]
)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Draw a real file with one to four changes, perhaps compressed, perhaps damaged after that."""
    archive = draw(st.sampled_from([_BASE, _ATTACHED_BASE])).copy()
    for _ in range(draw(st.integers(1, 4))):
        draw(st.sampled_from([_change_document, _change_entry, _add_entry, _move_entry]))(draw, archive)
    data = bytes(archive)
    if draw(st.integers(0, 3)) == 0:
        data = _damaged(draw, data)
    pack = draw(st.sampled_from([bytes, gzip.compress, bz2.compress, lzma.compress]))
    data = pack(data)
    return _damaged(draw, data) if draw(st.integers(0, 3)) == 0 else data


def _base() -> Archive:
    """Return a small file, so that much is tried in little time: no snapshots, one tree."""
    archive = Archive(REAL).drop("backup/snapshots/first").drop("backup/snapshots/second")
    archive.drop(f"{MAIN}/rootfs/data/sparse").drop(f"{MAIN}/backup.yaml")

    def without_snapshots(index: dict[str, object]) -> None:
        index["snapshots"] = []

    return archive.change_document(without_snapshots)


_BASE = _base()


def _attached_base() -> Archive:
    """Return the same with a volume in it."""
    archive, volume = _BASE.copy(), with_attached(REAL, REAL_VOLUME)
    listed = volume.document()["attached_volumes"]
    archive.change_document(lambda index: index.update(attached_volumes=listed))
    archive.entries += [entry for entry in volume.entries if entry[0].name.startswith(ATTACHED)]
    return archive


_ATTACHED_BASE = _attached_base()


def _change_document(draw: st.DrawFn, archive: Archive) -> None:
    try:
        document = archive.document()
    except (yaml.YAMLError, StopIteration):
        return
    place: object = document
    while isinstance(place, dict | list) and place:
        key = draw(st.sampled_from(sorted(place))) if isinstance(place, dict) else draw(st.integers(0, len(place) - 1))
        if not isinstance(place[key], dict | list) or not draw(st.integers(0, 2)):
            place[key] = draw(values)
            break
        place = place[key]
    archive.change(INDEX, yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode())


def _change_entry(draw: st.DrawFn, archive: Archive) -> None:
    if not archive.entries:
        return
    info, data = draw(st.sampled_from(archive.entries))
    match draw(st.integers(0, 6)):
        case 0:
            info.name = draw(names) or "x"
        case 1:
            info.type = draw(kinds)
        case 2:
            info.linkname = draw(names)
        case 3:
            info.mode, info.uid = draw(st.integers(0, 2**21 - 1)), draw(st.integers(0, 2**40))
        case 4:
            info.pax_headers = {**info.pax_headers, draw(pax_keys): draw(texts)}
        case 5:
            info.size = draw(st.integers(0, 2**40))
        case _:
            archive.entries.remove((info, data))


def _add_entry(draw: st.DrawFn, archive: Archive) -> None:
    archive.put(draw(names) or "x", draw(kinds), draw(st.binary(max_size=600)), linkname=draw(names))


def _move_entry(draw: st.DrawFn, archive: Archive) -> None:
    if archive.entries:
        entry = archive.entries.pop(draw(st.integers(0, len(archive.entries) - 1)))
        archive.entries.insert(draw(st.integers(0, len(archive.entries))), entry)


def _damaged(draw: st.DrawFn, data: bytes) -> bytes:
    position = draw(st.integers(0, max(len(data) - 1, 0)))
    match draw(st.integers(0, 2)):
        case 0:
            return data[:position]
        case 1:
            return data[:position] + draw(st.binary(min_size=1, max_size=8)) + data[position + 1 :]
        case _:
            return data[:position] + draw(st.binary(min_size=1, max_size=600)) + data[position:]


class Staging:
    """Where files are unpacked to, beside something that must stay as it is."""

    def __init__(self, directory: Path) -> None:
        self.file, self.inside, self.beside = directory / "file", directory / "area/in/staging", directory / "area"
        self.inside.mkdir(parents=True)
        (self.beside / "canary").write_text("untouched")
        self.before = self._look()
        self.outcomes: Counter[str] = Counter()

    def attempt(self, data: bytes) -> None:
        """Take the file in as an import would, then make sure that nothing else has changed."""
        self.file.write_bytes(data)
        targets: list[Path] = []

        def open_tree(_: str | None) -> TreeTarget:
            targets.append(self.inside / str(len(targets)))
            targets[-1].mkdir(mode=0o100)
            return TreeTarget(targets[-1])

        try:
            index = read_index(self.file, limit_bytes=2**26)
            parts = [PartTarget(open_tree=open_tree) for _ in index.parts]
            take_export(self.file, index, parts, limit_bytes=2**26)
            self.outcomes["taken in"] += 1
        except HoldfastError as error:
            self.outcomes[type(error).__name__] += 1
            assert "\n" not in str(error), str(error)
        finally:
            left = list(self.inside.iterdir())
            for path in left:
                shutil.rmtree(path)
        assert set(left) <= set(targets)
        assert self._look() == self.before

    def _look(self) -> list[tuple[str, int, int]]:
        found = []
        for folder, directories, files in os.walk(self.beside):
            for name in (*directories, *files):
                facts = os.lstat(os.path.join(folder, name))
                found.append((os.path.join(folder, name), facts.st_ino, facts.st_size if name in files else 0))
        return found


@contextmanager
def no_hang() -> Iterator[None]:
    """Fail when the body takes longer than anything so small may."""

    def ring(_: int, __: FrameType | None) -> None:
        raise AssertionError(f"one file took more than {HANG_S} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(HANG_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def fuzz(directory: Path, duration_s: float) -> Counter[str]:
    """Try files until the time is over; return how often each outcome came."""
    staging = Staging(directory)
    number = int.from_bytes(os.urandom(3)) if "HOLDFAST_FUZZ_S" in os.environ else 0
    end = time.monotonic() + duration_s
    while time.monotonic() < end:

        @seed(number)
        @settings(max_examples=BATCH, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(files())
        def attempt(data: bytes) -> None:
            with no_hang():
                staging.attempt(data)

        attempt()
        number += 1
    return staging.outcomes


def test_the_unchanged_file_is_taken(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    staging.attempt(bytes(_BASE))
    staging.attempt(bytes(_ATTACHED_BASE))
    assert staging.outcomes == {"taken in": 2}


def test_changed_files(tmp_path: Path) -> None:
    outcomes = fuzz(tmp_path, SHORT_S)
    assert outcomes["taken in"]
    assert outcomes["ArchiveError"]


@pytest.mark.long
def test_changed_files_for_long(tmp_path: Path) -> None:
    outcomes = fuzz(tmp_path, LONG_S)
    print(f"\n{outcomes.total()} files in {LONG_S} s: {dict(outcomes)}")
    assert outcomes["ArchiveError"]
