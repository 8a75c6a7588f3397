"""Trees in our own way: whatever is at the target comes out as what is at the source, whatever is sent stays inside."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.host.removal import remove_tree
from holdfast.host.tree_links import link_tree
from holdfast.host.trees import clone_tree
from holdfast.migration.channels import DataChannel
from holdfast.migration.memory_socket import pair
from holdfast.migration.tree_frames import PIECE
from holdfast.migration.tree_ground import Ground
from holdfast.migration.tree_receive import receive_tree
from holdfast.model.errors import HoldfastError
from holdfast.streams.copy import never
from holdfast.wire.tree_exchange import Directory, Entry, Part, encode_part
from support.trees import describe, differences
from unit.migration.test_trees import ignored, transfer

pytestmark = [pytest.mark.root]
FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SIZES = (0, 1, 5000, 65_536, 131_072, 131_073, 300_000)
CONTENTS = {
    (seed, size): (os.urandom(1) + bytes([seed]) * 7 + b"x") * (size // 9 + 1) for seed in (1, 2) for size in SIZES
}

NAMES = st.sampled_from(["a", "b", "c", "d"])
FILES = st.tuples(
    st.sampled_from([1, 2]),
    st.sampled_from(SIZES),
    st.sampled_from([0o600, 0o4755]),
    st.sampled_from([0, 7]),
    st.sampled_from([10**18, 10**18 + 1]),
)
LINKS = st.sampled_from(["a", "/etc/passwd", "nowhere"])
TREES = st.recursive(
    st.dictionaries(NAMES, st.one_of(FILES, LINKS, st.sampled_from([None, 0])), max_size=4),
    lambda below: st.dictionaries(NAMES, st.one_of(FILES, LINKS, below), max_size=4),
    max_leaves=8,
)


def make(top: Path, tree: dict[str, object]) -> None:
    """Make a tree: a tuple is a file, text a symbolic link, None a fifo, 0 another name of a file made before."""
    made: list[Path] = []
    for name, what in tree.items():
        path = top / name
        match what:
            case (seed, size, mode, owner, mtime_ns):
                path.write_bytes(CONTENTS[seed, size][:size])
                os.chown(path, owner, owner)
                path.chmod(mode)
                os.utime(path, ns=(mtime_ns, mtime_ns))
                made.append(path)
            case str():
                path.symlink_to(what)
            case dict():
                path.mkdir()
                make(path, what)
            case 0 if made:
                path.hardlink_to(made[0])
            case _:
                os.mkfifo(path)


def is_told_apart(source: Path, target: Path) -> bool:
    """Tell whether no file has another content at the same size and time: as for rsync, that isn't seen."""
    one, other = describe(source), describe(target)
    both = [(one[name], other[name]) for name in one.keys() & other.keys()]
    return all(a.digest == b.digest or (a.size, a.mtime_ns) != (b.size, b.mtime_ns) for a, b in both)


@FEW
@given(source=TREES, former=TREES, is_linked=st.booleans(), is_seen=st.booleans())
def test_any_tree_becomes_any_other(
    source: dict[str, object], former: dict[str, object], is_linked: bool, is_seen: bool
) -> None:
    """`is_seen`: the former tree is looked at first, and the new one made as soon as something differs."""
    with tempfile.TemporaryDirectory() as scratch:
        one, old, new = (Path(scratch) / name for name in ("source", "former", "target"))
        for path, tree in ((one, source), (old, former)):
            path.mkdir()
            make(path, tree)
        if not is_told_apart(one, old):
            return
        before = describe(old)

        def stage() -> bool:
            (link_tree if is_linked else clone_tree)(old, new)
            return is_linked

        kept = Path(scratch) / "kept"
        clone_tree(old, kept)
        ground = Ground(new, stage, former=old if is_seen else None)
        assert transfer(one, ground)[0] == ("", "")
        assert differences(describe(kept), before) == []
        assert {name: each.digest for name, each in describe(old).items()} == {
            name: each.digest for name, each in before.items()
        }
        if not ground.is_staged:
            assert differences(describe(one), describe(old)) == []
            return
        remove_tree(old)
        assert differences(describe(one), describe(new)) == []


ANY_NAMES = st.sampled_from([b"a", b"b", b"", b".", b"..", b"a/b", b"/etc", b"x" * 300, b"\0", b"\xff"])
MODES = st.sampled_from([stat.S_IFDIR | 0o755, stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFIFO, 0, 0o177777])
ENTRIES = st.builds(
    Entry,
    name=ANY_NAMES,
    mode=MODES,
    uid=st.sampled_from([0, 1000]),
    gid=st.sampled_from([0, 1000]),
    mtime_ns=st.sampled_from([0, -(2**63), 2**63 - 1, 10**18]),
    size=st.sampled_from([0, 1, 70_000, 2**62]),
    target=st.sampled_from([b"", b"a", b"../..", b"/etc", b"\0"]),
    group=st.sampled_from([0, 1, 2]),
    attributes=st.lists(
        st.tuples(st.sampled_from([b"user.a", b"trusted.b", b"nosuch", b"\0"]), st.binary(max_size=3)), max_size=2
    ),
)
DIRECTORIES = st.builds(
    Directory,
    path=st.sampled_from([b"", b"a", b"b", b"a/a", b"..", b"/", b"a/../.."]),
    itself=ENTRIES,
    entries=st.lists(ENTRIES, max_size=4),
    is_complete=st.booleans(),
)
PARTS = st.lists(st.builds(Part, st.lists(DIRECTORIES, max_size=4), st.booleans()), min_size=1, max_size=3)
PIECES = st.builds(
    lambda kind, length, place, data: PIECE.pack(kind, length, place) + data,
    st.integers(0, 6),
    st.sampled_from([0, 1, 4, 2**20]),
    st.sampled_from([0, 5, 2**62]),
    st.binary(max_size=8),
)


@FEW
@given(parts=PARTS, contents=st.lists(PIECES, max_size=6), is_seen=st.booleans())
def test_threat_whatever_a_source_sends_stays_inside(parts: list[Part], contents: list[bytes], is_seen: bool) -> None:
    scratch = Path(tempfile.mkdtemp())
    former, target = scratch / "former", scratch / "target"
    try:
        former.mkdir()
        (scratch / "beside").write_text("untouched")
        (former / "a").symlink_to(scratch)
        (former / "b").mkdir()
        (former / "b/a").write_text("untouched")
        (former / "b/b").hardlink_to(former / "b/a")
        before, stood = (scratch / "beside").stat(), describe(former)
        ends = pair()
        channel = DataChannel(ends[0])
        for part in parts:
            channel.send_document(encode_part(part))
            channel.write(b"".join(contents))
            channel.end()
        ends[0].close()
        received = DataChannel(ends[1])

        def stage() -> bool:
            link_tree(former, target)
            return True

        ground = Ground(target, stage, former=former if is_seen else None)
        with contextlib.suppress(HoldfastError):
            receive_tree(received, ground, progress=ignored, cancelled=never)
        assert set(os.listdir(scratch)) <= {"beside", "former", "target"}
        assert differences(stood, describe(former)) == []
        after = (scratch / "beside").stat()
        assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (
            before.st_ino,
            before.st_mtime_ns,
            before.st_ctime_ns,
        )
    finally:
        shutil.rmtree(scratch)
