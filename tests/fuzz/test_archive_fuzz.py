"""Random and damaged input into every parser of foreign bytes: the answer is a value or one of our errors."""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.archive.attributes import mapped_attributes
from holdfast.archive.idmap import HostMap, Range, parse_host_map
from holdfast.archive.members import END, Kind, Member, padding
from holdfast.archive.reader import read_backup_config
from holdfast.archive.tarfilter import TreeFilter
from holdfast.archive.tarstream import TarStream
from holdfast.model.errors import ArchiveError, BadRequestError, HoldfastError
from holdfast.model.kinds import Compression
from holdfast.streams.compression import DecompressedReader, detect, parse
from holdfast.wire.backup_index import IndexFormatError, parse_index
from holdfast.wire.strict_yaml import StrictYamlError, load

GOLDEN = Path(__file__).parents[1] / "golden/exports"
BOUNDED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

parts = st.binary(min_size=1, max_size=20).filter(lambda part: b"\0" not in part and b"/" not in part)
safe_parts = parts.filter(lambda part: part not in (b".", b".."))
names = st.lists(safe_parts, min_size=1, max_size=40).map(b"/".join)
wild_names = st.lists(st.one_of(parts, st.sampled_from([b"..", b".", b"", b"rootfs", b"templates"])), max_size=6).map(
    b"/".join
)
records = st.dictionaries(
    st.sampled_from([b"SCHILY.xattr.user.a", b"SCHILY.xattr.system.posix_acl_access", b"mtime"]).filter(bool),
    st.binary(max_size=50),
)
members = st.builds(
    Member,
    name=names,
    kind=st.sampled_from(list(Kind)),
    mode=st.integers(0, 0o7777),
    uid=st.integers(0, 2**32 - 2),
    gid=st.integers(0, 2**32 - 2),
    mtime_s=st.integers(0, 2**33 - 1),
    target=names,
)


def stream_of(data: bytes) -> TarStream:
    return TarStream(DecompressedReader(io.BytesIO(data), Compression.NONE))


@BOUNDED
@given(st.lists(members, max_size=5), st.binary(max_size=2000))
def test_headers_round_trip(entries: list[Member], data: bytes) -> None:
    """What we write, we and Python's own reader read as the same."""
    written, buffer = [], io.BytesIO()
    for entry in entries:
        is_file = entry.kind is Kind.FILE
        has_target = entry.kind in (Kind.SYMLINK, Kind.HARD_LINK)
        size = len(data) if is_file else 0
        changed = Member(
            name=entry.name,
            kind=entry.kind,
            mode=entry.mode,
            uid=entry.uid,
            gid=entry.gid,
            mtime_s=entry.mtime_s,
            size_bytes=size,
            target=entry.target if has_target else b"",
            records={b"SCHILY.xattr.user.a": data[:100]} if data else {},
        )
        written.append(changed)
        buffer.write(changed.encode())
        if is_file:
            buffer.write(data + padding(size))
    buffer.write(END)
    read = []
    stream = stream_of(buffer.getvalue())
    for member in stream:
        read.append(member)
        if member.kind is Kind.FILE:
            sink = io.BytesIO()
            stream.copy_data(sink)
            assert sink.getvalue() == data + padding(len(data))
    assert read == written
    with tarfile.open(fileobj=io.BytesIO(buffer.getvalue()), errors="surrogateescape", encoding="utf-8") as tar:
        assert [each.name.rstrip("/") for each in tar] == [
            each.name.decode(errors="surrogateescape").rstrip("/") for each in written
        ]


@BOUNDED
@given(st.binary(max_size=4000))
def test_tar_garbage(data: bytes) -> None:
    with pytest.raises(ArchiveError):
        for _ in stream_of(data):
            pass


@pytest.fixture(scope="module")
def plain() -> bytes:
    with (GOLDEN / "instance-btrfs.tar.zst").open("rb") as file:
        return DecompressedReader(file, Compression.ZSTD).read()


@BOUNDED
@given(changes=st.lists(st.tuples(st.integers(0, 2**30), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_tar(plain: bytes, changes: list[tuple[int, int]]) -> None:
    """Bytes changed in headers of a real file are noticed, or give another entry that the rules then judge."""
    damaged = bytearray(plain[: 64 * 1024])
    for position, value in changes:
        damaged[position % len(damaged)] = value
    try:
        for name in walk(bytes(damaged) + END):
            assert not name.startswith(b"/")
            assert b".." not in name.split(b"/")
    except ArchiveError:
        pass


def walk(data: bytes) -> Iterator[bytes]:
    tree = TreeFilter("a test")
    for member in stream_of(data):
        admitted = tree.admit(member, b"rootfs/" + member.name, b"rootfs/" + member.target)
        if admitted is not None:
            yield admitted.name


@BOUNDED
@given(st.lists(st.tuples(wild_names, st.sampled_from(list(Kind)), wild_names), max_size=12))
def test_filter_never_lets_a_path_out(entries: list[tuple[bytes, Kind, bytes]]) -> None:
    """Followed on a model of a file system, no admitted entry is written through a link or outside of the tree."""
    tree, links = TreeFilter("a test"), set()
    for name, kind, target in entries:
        try:
            admitted = tree.admit(Member(name=name or b"x", kind=kind, target=target), name, target)
        except ArchiveError:
            continue
        if admitted is None:
            continue
        steps = admitted.name.split(b"/")
        assert all(step not in (b"", b".", b"..") for step in steps)
        prefixes = {b"/".join(steps[:count]) for count in range(1, len(steps))}
        assert not prefixes & links
        assert admitted.name not in links
        if kind is Kind.SYMLINK or (kind is Kind.HARD_LINK and admitted.target in links):
            links.add(admitted.name)
        if kind is Kind.HARD_LINK:
            assert admitted.target.split(b"/")[0] == steps[0]


yaml_texts = st.one_of(
    st.binary(max_size=300),
    st.text(alphabet="abc:-[]{}&*!?|>'\"\n ,#%@~01", max_size=300).map(str.encode),
)


@BOUNDED
@given(yaml_texts)
def test_yaml(document: bytes) -> None:
    for read, error in ((load, StrictYamlError), (parse_index, IndexFormatError)):
        with contextlib.suppress(error):
            read(document)


json_like = st.recursive(
    st.one_of(st.none(), st.text(max_size=5), st.sampled_from(["true", "0001-01-01T00:00:00Z", "c1"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["container", "snapshots", "config", "devices", "profiles", "name", "created_at", "expires_at", "type"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)


@BOUNDED
@given(json_like)
def test_documents_of_any_shape(document: object) -> None:
    import yaml

    with contextlib.suppress(ArchiveError):
        read_backup_config(yaml.safe_dump(document).encode(), pool="tank")


@BOUNDED
@given(st.binary(max_size=1500), st.sampled_from(list(Compression)))
def test_decompression_of_garbage(data: bytes, kind: Compression) -> None:
    reader = DecompressedReader(io.BytesIO(data), kind, limit_bytes=50_000_000)
    buffer = memoryview(bytearray(65536))
    try:
        while reader.readinto(buffer):
            pass
    except ArchiveError:
        pass


@BOUNDED
@given(st.binary(max_size=600), st.text(max_size=30))
def test_small_parsers(data: bytes, text: str) -> None:
    for attempt in (lambda: detect(data), lambda: parse(text), lambda: parse_host_map(text)):
        with contextlib.suppress(ArchiveError, BadRequestError):
            attempt()


@BOUNDED
@given(records)
def test_attributes(found: dict[bytes, bytes]) -> None:
    host_map = HostMap((Range(is_uid=True, is_gid=True, host=100000, inside=0, size=65536),))
    acl = {**found, b"SCHILY.acl.access": found.get(b"mtime", b"user:1:rw-")}
    for given_map in (None, host_map):
        with contextlib.suppress(HoldfastError):
            mapped_attributes(acl, given_map)
