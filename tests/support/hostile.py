"""Export files that no honest writer makes: real files of LXD's, changed in one place each.

A case is a name, the bytes of the file, and what the refusal must say; None where taking the file in does no harm.
"""

from __future__ import annotations

import copy
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

INDEX = "backup/index.yaml"
MAIN = "backup/container"
FIRST = "backup/snapshots/first"
HEADER = "backup/optimized_header.yaml"
ATTACHED = "backup/attached"
BLOCK = 512

Document = dict[str, Any]
Entry = tuple[tarfile.TarInfo, bytes]


class _Loader(yaml.SafeLoader):
    """Leaves times as the texts they are."""


_Loader.yaml_implicit_resolvers = {
    key: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for key, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class Case:
    """One file; `says` is a regular expression."""

    name: str
    content: bytes | Callable[[], bytes]
    says: str | None
    is_volume: bool = False
    """It is brought as a custom volume."""

    @property
    def data(self) -> bytes:
        """The file; most are made only now, as every process that lists the tests has the cases."""
        return self.content() if callable(self.content) else self.content


class Archive:
    """The entries of a real file, to be changed and written again."""

    def __init__(self, path: Path) -> None:
        self.entries: list[Entry] = []
        with tarfile.open(path) as tar:
            for info in tar:
                file = tar.extractfile(info) if info.isreg() else None
                self.entries.append((info, file.read() if file else b""))

    def copy(self) -> Archive:
        """Return another one, so that a case changes nothing of the next."""
        return copy.deepcopy(self)

    def document(self, name: str = INDEX) -> Document:
        found: Document = yaml.load(self.data(name), Loader=_Loader)
        return found

    def data(self, name: str) -> bytes:
        return next(data for info, data in self.entries if info.name == name)

    def change(self, name: str, data: bytes) -> Archive:
        for position, (info, _) in enumerate(self.entries):
            if info.name == name:
                info.size = len(data)
                self.entries[position] = (info, data)
        return self

    def change_document(self, change: Callable[[Document], object], name: str = INDEX) -> Archive:
        document = self.document(name)
        change(document)
        return self.change(name, yaml.safe_dump(document, sort_keys=False).encode())

    def rename(self, name: str, new_name: str) -> Archive:
        for info, _ in self.entries:
            if info.name == name:
                info.name = new_name
        return self

    def drop(self, name: str) -> Archive:
        """Leave out the entry and what is below it."""
        self.entries = [each for each in self.entries if not f"{each[0].name}/".startswith(name + "/")]
        return self

    def put(
        self, name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", *, before: str = "", **fields: Any
    ) -> Archive:
        """Add an entry at the end, or before another one."""
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.size = kind, 0o755, len(data)
        for key, value in fields.items():
            setattr(info, key, value)
        names = [each.name for each, _ in self.entries]
        self.entries.insert(names.index(before) if before else len(names), (info, data))
        return self

    def __bytes__(self) -> bytes:
        blocks = [
            info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape") + data + bytes(-len(data) % BLOCK)
            for info, data in self.entries
        ]
        return b"".join(blocks) + bytes(2 * BLOCK)


def corpus(real: Path) -> Iterator[Case]:
    """Give all cases, made of this real file (an instance with two snapshots, `first` and `second`)."""
    base = Archive(real)
    for tree in (FIRST, "backup/snapshots/second", MAIN):
        base.drop(f"{tree}/rootfs/data/sparse")  # a megabyte of zeros in each case teaches nothing
    yield from _documents(base)
    yield from _nulls(base)
    yield from _wrong_types(base)
    yield from _members(base)
    yield from _links(base)
    yield from _bytes(bytes(base))
    yield from _compressed(bytes(base))
    yield from _bombs(base)


def volume_corpus(real: Path, real_disk: Path, real_streams: Path) -> Iterator[Case]:
    """Give cases made of real exports of volumes: with files, with a disk, as streams; each with snapshots."""
    base, disk, streams = Archive(real), Archive(real_disk), Archive(real_streams)

    def case(name: str, archive: Archive, says: str | None) -> Case:
        return Case(f"volume: {name}", bytes(archive), says, is_volume=True)

    def changed(name: str, says: str | None, change: Callable[[Document], object]) -> Case:
        return case(name, base.copy().change_document(change), says)

    def both(document: Document, key: str, value: object) -> None:
        document["config"]["volume"][key] = value

    yield changed("no config", r"config not found", lambda d: d.pop("config"))
    yield changed("no volume", r"config not found", lambda d: d["config"].pop("volume"))
    yield changed("no snapshots described", r"not found in index", lambda d: d["config"].pop("volume_snapshots"))
    yield changed("another name inside", r"two names", lambda d: both(d, "name", "other"))
    yield changed("a name that leads away", r"name", lambda d: (both(d, "name", "../x"), d.update(name="../x")))
    yield changed("of an instance", r"type", lambda d: both(d, "type", "container"))
    yield changed("content of no type", r"content", lambda d: both(d, "content_type", "rubbish"))
    yield changed(
        "files that are a disk",
        r"belong",
        lambda d: [
            each.update(content_type="block") for each in (d["config"]["volume"], *d["config"]["volume_snapshots"])
        ],
    )
    yield changed(
        "a disk among files",
        r"content types",
        lambda d: d["config"]["volume_snapshots"][0].update(content_type="block"),
    )
    yield changed("a snapshot twice", r"twice", lambda d: d["snapshots"].append(d["snapshots"][0]))
    yield changed("a snapshot that leads away", r"bad name", lambda d: d["snapshots"].__setitem__(0, "../x"))
    yield changed("a size that is none", r"size", lambda d: both(d, "config", {"size": "many"}))
    yield changed("a schedule that is none", r"schedule", lambda d: both(d, "config", {"snapshots.schedule": "x"}))
    yield changed("keys of other drivers", None, lambda d: both(d, "config", {"zfs.blocksize": "4KiB"}))
    yield changed("an id map that is none", r"idmap", lambda d: both(d, "config", {"volatile.idmap.last": "[[]]"}))
    for key in base.document()["config"]["volume"]:
        yield changed(f"null as {key}", None if key != "name" else r"two names", lambda d, key=key: both(d, key, None))
    top = "backup/volume"
    yield case("the top is a link", base.copy().drop(top).put(top, tarfile.SYMTYPE, linkname="/etc"), r"directory")
    yield case("a name with ..", base.copy().put(f"{top}/../../owned"), r"\.\.")
    yield case(
        "below a link", base.copy().put(f"{top}/d", tarfile.SYMTYPE, linkname="/etc").put(f"{top}/d/x"), r"parent"
    )
    yield case("a hard link out", base.copy().put(f"{top}/h", tarfile.LNKTYPE, linkname="/etc/passwd"), r"belong")
    linked = base.copy().put(f"{top}/h", tarfile.LNKTYPE, linkname="backup/volume-snapshots/vs0/a.txt")
    yield case("a hard link into a snapshot", linked, r"another")
    yield case("the tree of an instance", base.copy().put(f"{MAIN}/rootfs/x"), r"belong")
    yield case("a device node", base.copy().put(f"{top}/null", tarfile.CHRTYPE, devmajor=1, devminor=3), None)
    yield case("no tree", base.copy().drop(top), r"missing")
    image = "backup/volume.img"
    yield case(
        "a disk that is a link", disk.copy().drop(image).put(image, tarfile.SYMTYPE, linkname="/dev/vda"), r"file"
    )
    yield case("a disk that is a directory", disk.copy().drop(image).put(image, tarfile.DIRTYPE), r"file")
    yield case("a disk twice", disk.copy().put(image, data=b"x"), r"twice|together")
    yield case("a disk with a tree", disk.copy().put(f"{top}/x", data=b"x"), r"belong")
    holes = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": image}
    vast = disk.copy().drop(image)
    vast.put(image, data=b"0\n".ljust(BLOCK, b"\0"), pax_headers={**holes, "GNU.sparse.realsize": str(2**62)})
    yield case("a disk of exabytes", vast, r"larger than")
    yield case(
        "streams: cut", streams.copy().change("backup/volume.bin", streams.data("backup/volume.bin")[:200]), r"."
    )
    swapped = streams.copy().change("backup/volume.bin", streams.data("backup/volume-snapshots/vs0.bin"))
    yield case("streams: another's", swapped, r".")


def with_attached(real: Path, real_volume: Path) -> Archive:
    """Return the file of an instance with a volume in it, both as LXD wrote them, put together as we write it."""
    base, volume = Archive(real), Archive(real_volume)
    base.change_document(lambda index: index.update(attached_volumes=[volume.document()]))
    for info, data in volume.entries:
        if info.name != INDEX:
            info.name, info.linkname = (
                name.replace("backup/", f"{ATTACHED}/0/", 1) if name.startswith("backup/") else name
                for name in (info.name, info.linkname)
            )
            base.entries.append((info, data))
    return base


def attached_corpus(real: Path, real_volume: Path) -> Iterator[Case]:
    """Give cases made of the file of an instance with a volume in it."""
    base = with_attached(real, real_volume)
    for tree in (FIRST, "backup/snapshots/second", MAIN):
        base.drop(f"{tree}/rootfs/data/sparse")
    top = f"{ATTACHED}/0/volume"

    def case(name: str, archive: Archive, says: str | None) -> Case:
        return Case(f"attached: {name}", bytes(archive), says)

    def changed(name: str, says: str | None, change: Callable[[Document], object]) -> Case:
        """Change what the index says of the volume."""
        return case(name, base.copy().change_document(lambda index: change(index["attached_volumes"][0])), says)

    def listed(name: str, says: str, value: object) -> Case:
        return case(name, base.copy().change_document(lambda index: index.update(attached_volumes=value)), says)

    yield listed("no list", r"index.yaml is not valid", "rubbish")
    yield listed("a null in the list", r"attached volume that is none", [None])
    yield listed("not listed", r"belong", [])
    yield listed("null for the list", r"belong", None)
    yield case(
        "listed twice",
        base.copy().change_document(lambda d: d["attached_volumes"].append(copy.deepcopy(d["attached_volumes"][0]))),
        r"twice",
    )
    yield changed("an instance", r"that is none", lambda d: d.update(type="container"))
    yield changed("no type", r"that is none", lambda d: d.pop("type"))
    yield changed("no config", r"config not found", lambda d: d.pop("config"))
    yield changed("no name", r"names no", lambda d: d.pop("name"))
    yield changed("two names", r"two names", lambda d: d.update(name="other"))
    yield changed(
        "a name that leads away", r"name", lambda d: (d.update(name="../x"), d["config"]["volume"].update(name="../x"))
    )
    yield changed("a snapshot that leads away", r"bad name", lambda d: d["snapshots"].__setitem__(0, "../x"))
    yield changed("a snapshot too many", r"not found in index", lambda d: d["snapshots"].append("more"))
    yield changed("streams that are none", r"differs|no plain file|is due", lambda d: d.update(optimized=True))
    yield changed("a pool that leads away", None, lambda d: d.update(pool="../../etc"))
    yield changed("a size that is none", r"size", lambda d: d["config"]["volume"].update(config={"size": "many"}))
    yield changed(
        "forbidden in a snapshot",
        r"schedule",
        lambda d: d["config"]["volume_snapshots"][0].update(config={"snapshots.schedule": "x"}),
    )
    for key in base.document()["attached_volumes"][0]:
        says = {"name": r"names no", "type": r"none", "config": r"config not found", "snapshots": r"does not list"}
        yield changed(f"null as {key}", says.get(key), lambda d, key=key: d.update({key: None}))
    for number in ("1", "00", "-1", "0x0", "", "9999999"):
        yield case(f"a member of {number!r}", base.copy().put(f"{ATTACHED}/{number}/volume/x"), r"belong|does not list")
    yield case("an index of its own", base.copy().put(f"{ATTACHED}/0/index.yaml", data=b"name: x"), r"belong")
    yield case("nested once more", base.copy().put(f"{ATTACHED}/0/attached/0/volume/x"), r"belong")
    yield case("the tree of an instance", base.copy().put(f"{ATTACHED}/0/container/rootfs/x"), r"belong")
    yield case("the instance goes on", base.copy().put(f"{MAIN}/rootfs/x"), r"after another part")
    moved = base.copy()
    moved.entries.sort(key=lambda entry: (entry[0].name != INDEX, not entry[0].name.startswith(ATTACHED)))
    yield case("the volume first", moved, r"missing the files")
    yield case("no tree", base.copy().drop(top), r"missing")
    yield case("the top is a link", base.copy().drop(top).put(top, tarfile.SYMTYPE, linkname="/etc"), r"directory")
    yield case("a name with ..", base.copy().put(f"{top}/../../../../owned"), r"\.\.")
    yield case("the volume itself by ..", base.copy().put(f"{ATTACHED}/../volume/x"), r"belong")
    yield case(
        "below a link", base.copy().put(f"{top}/d", tarfile.SYMTYPE, linkname="/etc").put(f"{top}/d/x"), r"parent"
    )
    for name, target in (
        ("of the host", "/etc/passwd"),
        ("of the instance", f"{MAIN}/rootfs/data/file1"),
        ("of its own file", "backup/volume/a.txt"),
        ("of another volume", f"{ATTACHED}/1/volume/a.txt"),
        ("of a snapshot", f"{ATTACHED}/0/volume-snapshots/vs0/a.txt"),
    ):
        linked = base.copy().put(f"{top}/h", tarfile.LNKTYPE, linkname=target)
        yield case(f"a hard link to a file {name}", linked, r"another|belong")
    yield case("a device node", base.copy().put(f"{top}/null", tarfile.CHRTYPE, devmajor=1, devminor=3), None)
    yield case("the folders above", base.copy().put(ATTACHED, tarfile.DIRTYPE, before=top), None)
    yield case("twice", base.copy().put(f"{top}/a.txt", data=b"x"), r"twice")
    whole = bytes(base)
    yield Case("attached: cut", whole[: len(whole) - 4096], r"ends")
    volume = Archive(real_volume).change_document(
        lambda d: d.update(attached_volumes=[Archive(real_volume).document()])
    )
    yield Case("attached: to a volume", bytes(volume), r"volume lists attached", is_volume=True)


def attached_streams_corpus(real: Path, real_volume: Path) -> Iterator[Case]:
    """Give cases made of the optimized file of an instance with an optimized volume in it."""
    base = with_attached(real, real_volume)
    top, header = f"{ATTACHED}/0/volume", f"{ATTACHED}/0/optimized_header.yaml"
    main, first = f"{top}.bin", f"{ATTACHED}/0/volume-snapshots/vs0.bin"

    def case(name: str, archive: Archive, says: str | None) -> Case:
        return Case(f"attached streams: {name}", bytes(archive), says)

    def changed(name: str, data: bytes) -> Archive:
        return base.copy().change(name, data)

    yield case("no header", base.copy().drop(header), None)  # old files have none, nor anything nested
    yield case("rubbish for a header", changed(header, b"["), r"optimized_header")
    yield case("the instance's header", changed(header, base.data(HEADER)), r"does not list")
    for name in (main, first):
        yield case(f"without {name}", base.copy().drop(name), r"where .* is due|missing")
        yield case(f"{name} without its end", changed(name, base.data(name)[:-10]), r"ends too early|can't be received")
        flipped = bytearray(base.data(name))
        flipped[len(flipped) // 2] ^= 0x20
        yield case(f"{name} with a bit flipped", changed(name, bytes(flipped)), r"stream")
    yield case("the instance's stream", changed(main, base.data(f"{MAIN}.bin")), r"stream|another name|can't")
    yield case("a snapshot's stream", changed(main, base.data(first)), r"another name")
    yield case("a tree beside", base.copy().put(f"{top}/x", data=b"x"), r"nothing is due")
    yield case("a symlink", base.copy().drop(main).put(main, tarfile.SYMTYPE, linkname="/etc/passwd"), r"no plain file")
    yield case("the instance goes on", base.copy().put(f"{MAIN}.bin", data=b"x"), r"after another part")
    trees = base.copy().change_document(lambda index: index["attached_volumes"][0].update(optimized=False))
    yield case("told to be trees", trees, r"belong")


def streams_corpus(real: Path) -> Iterator[Case]:
    """Give cases made of a real optimized export: one snapshot, `first`, and a nested subvolume in both trees."""
    base = Archive(real)
    main, nested = f"{MAIN}.bin", f"{MAIN}_rootfs-sub1.bin"

    def header(*entries: tuple[str, str]) -> bytes:
        document = {"subvolumes": [{"path": path, "snapshot": snapshot} for path, snapshot in entries]}
        return bytes(base.copy().change(HEADER, yaml.safe_dump(document).encode()))

    yield Case("streams: no header", bytes(base.copy().drop(HEADER)), r"where .* is due|missing")
    yield Case("streams: two headers", bytes(base.copy().put(HEADER, data=base.data(HEADER))), r"two optimized_header")
    yield Case("streams: rubbish for a header", bytes(base.copy().change(HEADER, b"[")), r"optimized_header")
    for name, entries in (
        ("nothing", ()),
        ("no instance", (("/", "first"), ("/rootfs/sub1", "first"))),
        ("another snapshot", (("/", "other"), ("/", ""))),
        ("a snapshot last", (("/", ""), ("/", "first"))),
        ("a part twice", (("/", "first"), ("/", ""), ("/rootfs/sub1", ""), ("/rootfs/sub1", ""))),
        ("two names alike", (("/", "first"), ("/", ""), ("/a-b", ""), ("/a/-b", ""), ("/a-/b", ""))),
        ("a path upwards", (("/", "first"), ("/", ""), ("/../../x", ""))),
        ("a path without a slash", (("/", "first"), ("/", ""), ("x", ""))),
        ("an empty path", (("", "first"), ("/", ""))),
        ("a part before its volume", (("/rootfs/sub1", "first"), ("/", "first"), ("/", ""))),
    ):
        yield Case(f"streams: header with {name}", header(*entries), r"optimized_header|is due|missing")
    uuid = "a" * 32
    for name, says, change in (
        ("of another type", r"can't have one", {"base": {"snapshot": "b", "uuid": uuid}}),
        ("without an identity", r"without an identity", {"type": "incremental", "base": {"snapshot": "b"}}),
        ("of a bad identity", r"without an identity", {"type": "incremental", "base": {"snapshot": "b", "uuid": "x"}}),
        ("that leads away", r"bad name", {"type": "incremental", "base": {"snapshot": "../b", "uuid": uuid}}),
        ("that isn't told", r"Invalid instance type|two types", {"type": "incremental"}),
        ("that isn't asked for", r"--onto", {"type": "incremental", "base": {"snapshot": "b", "uuid": uuid}}),
        (
            "of trees",
            r"can't have one",
            {"type": "incremental", "optimized": False, "base": {"snapshot": "b", "uuid": uuid}},
        ),
        (
            "with volumes",
            r"can't have one",
            {"type": "incremental", "attached_volumes": [{}], "base": {"snapshot": "b", "uuid": uuid}},
        ),
        (
            "without a definition",
            r"can't have one",
            {"type": "incremental", "config": None, "base": {"snapshot": "b", "uuid": uuid}},
        ),
    ):
        changed = base.copy().change_document(lambda index, change=change: index.update(change))
        yield Case(f"streams: a base {name}", bytes(changed), says)
    for name in (main, nested, f"{FIRST}.bin"):
        yield Case(f"streams: without {name}", bytes(base.copy().drop(name)), r"where .* is due|missing")
        cut = base.copy().change(name, base.data(name)[:-10])
        yield Case(f"streams: {name} without its end", bytes(cut), r"ends too early|can't be received")
        flipped = bytearray(base.data(name))
        flipped[len(flipped) // 2] ^= 0x20
        yield Case(f"streams: {name} with a bit flipped", bytes(base.copy().change(name, bytes(flipped))), r"stream")
        swapped = base.copy().change(name, base.data(nested if name == main else main))
        yield Case(f"streams: another one as {name}", bytes(swapped), r"another name|stream")
        link = base.copy().drop(name).put(name, tarfile.SYMTYPE, linkname="/etc/passwd")
        yield Case(f"streams: {name} as a symlink", bytes(link), r"no plain file|is due")
    yield Case("streams: a tree beside", bytes(base.copy().put(f"{MAIN}/rootfs/x", data=b"x")), r"nothing is due")
    rubbish = base.copy().change(main, b"btrfs-stream\0\1\0\0\0" + b"\xff" * 5000)
    yield Case("streams: rubbish in a stream", bytes(rubbish), r"damaged")


def _index(base: Archive, name: str, says: str | None, change: Callable[[Document], object]) -> Case:
    """Change the index alone: the `backup.yaml` that would contradict it is left out."""

    def made() -> bytes:
        return bytes(base.copy().drop(f"{MAIN}/backup.yaml").change_document(change))

    return Case(name, made, says)


def _documents(base: Archive) -> Iterator[Case]:
    """What the documents say: names, keys and lists that reach for more than an instance may have."""

    def instance(key: str, value: object) -> Callable[[Document], object]:
        return lambda index: index["config"]["container"].__setitem__(key, value)

    def config(key: str, value: str) -> Callable[[Document], object]:
        return lambda index: index["config"]["container"]["config"].__setitem__(key, value)

    def both_names(name: str) -> Callable[[Document], object]:
        def change(index: Document) -> None:
            index["name"] = index["config"]["container"]["name"] = name

        return change

    for name in ("../../etc", "/etc/passwd", "a/b", ".", "..", "-rf", "a" * 64, "name\nline", "", "naïve", "c1/snap"):
        yield _index(base, f"instance name {name[:12]!r}", r"name", both_names(name))
    for name in ("../first", "/first", "fir/st", "..", ".", "fi rst", "", "a" * 300):
        yield _index(base, f"snapshot name {name[:12]!r}", r"snapshot|name|describe", _snapshot_name(name))
    yield _index(base, "two names", r"two names", lambda index: index.__setitem__("name", "other"))
    yield _index(base, "raw.lxc", None, config("raw.lxc", "lxc.hook.pre-start=/bin/touch /tmp/owned"))
    yield _index(base, "unknown key", r"no.such", config("no.such", "1"))
    yield _index(base, "unknown key in a snapshot", r"no\.such", _snapshot_config("no.such", "1"))
    yield _index(base, "a pattern that runs code", None, config("snapshots.pattern", "{{().x}}"))
    yield _index(base, "a schedule that is none", r"Schedule must be", config("snapshots.schedule", "* * *"))
    yield _index(base, "profile that is not here", r"[Pp]rofile", instance("profiles", ["../default"]))
    yield _index(base, "unknown architecture", r"[Aa]rchitecture", instance("architecture", "../x86_64"))
    yield _index(
        base, "device of an unknown type", r"type", instance("devices", {"x": {"type": "../disk"}, **_ROOT_DEVICE})
    )
    yield _index(base, "no root disk of any pool", None, instance("devices", {}))
    yield _index(base, "a snapshot listed twice", r"twice", lambda index: index["snapshots"].append("first"))
    yield _index(base, "a snapshot without a record", r"describe", lambda index: index["snapshots"].append("third"))
    yield _index(base, "more records than folders", None, lambda index: index["snapshots"].pop())
    yield _index(base, "an instance of type custom", r"type|volume", lambda index: index.__setitem__("type", "custom"))
    yield _index(base, "an unknown type", r"type", lambda index: index.__setitem__("type", "../container"))
    yield _index(base, "optimized for another driver", r"[Oo]ptimized", _optimized("zfs"))
    yield _index(base, "optimized without streams", r"[Oo]ptimized|stream|belong|missing", _optimized("dir"))
    for text, what in (
        (b"", "empty"),
        (b"name: [", "unfinished"),
        (b"- a\n- b\n", "a list"),
        (b"just text", "text"),
        (b"name: t1\nname: t2\n", "a key twice"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "aliases"),
        (b"!!python/object/apply:os.system ['touch /tmp/owned']", "a tag"),
        (b"\xff\xfe\x00", "no UTF-8"),
        (b"name: " + b"x" * 2_000_000, "two megabytes"),
        (b"{" * 5000, "5,000 levels"),
    ):
        yield Case(f"index.yaml: {what}", bytes(base.copy().change(INDEX, text)), r"index\.yaml|names no instance")
    disagreeing = base.copy().change_document(
        lambda document: document["container"]["config"].__setitem__("security.privileged", "true"),
        f"{MAIN}/backup.yaml",
    )
    yield Case("backup.yaml says more than index.yaml", bytes(disagreeing), r"disagree")
    yield Case("backup.yaml is rubbish", bytes(base.copy().change(f"{MAIN}/backup.yaml", b"[")), r"backup\.yaml")


_ROOT_DEVICE = {"root": {"type": "disk", "path": "/", "pool": "default"}}


def _snapshot_name(name: str) -> Callable[[Document], object]:
    def change(index: Document) -> None:
        index["snapshots"][0] = index["config"]["snapshots"][0]["name"] = name

    return change


def _snapshot_config(key: str, value: str) -> Callable[[Document], object]:
    return lambda index: index["config"]["snapshots"][0]["config"].__setitem__(key, value)


def _optimized(driver: str) -> Callable[[Document], object]:
    return lambda index: index.update(optimized=True, optimized_header=True, backend=driver)


def _nulls(base: Archive) -> Iterator[Case]:
    """Null in each field of the index, one at a time: taken in or refused, never a fault of the server."""
    for place in _places(base.document()):
        yield _index(base, f"null at {'.'.join(map(str, place))}", None, lambda index, at=place: _set(index, at, None))


def _wrong_types(base: Archive) -> Iterator[Case]:
    """A list, a number or a map where something else belongs."""
    document = base.document()
    for place in _places(document):
        if len(place) > 3:
            continue
        value: object = [["x"]] if not isinstance(_get(document, place), list) else {"x": {"y": 1}}
        name = f"wrong type at {'.'.join(map(str, place))}"
        yield _index(base, name, r"valid|type", lambda index, at=place, odd=value: _set(index, at, odd))


def _places(value: object, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if above:
        yield above
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*above, key))
    elif isinstance(value, list) and value:
        yield from _places(value[0], (*above, 0))


def _get(value: Any, place: tuple[str | int, ...]) -> Any:
    for step in place:
        value = value[step]
    return value


def _set(value: Any, place: tuple[str | int, ...], new: object) -> None:
    _get(value, place[:-1])[place[-1]] = new


def _members(base: Archive) -> Iterator[Case]:
    """Entries that are twice there, missing, of the wrong kind, or lead elsewhere by name."""
    for name in (
        "../../../../etc/cron.d/owned",
        "/etc/cron.d/owned",
        f"{MAIN}/rootfs/../../../owned",
        f"{MAIN}/../../owned",
        "backup/other/owned",
        "owned",
        f"{MAIN}-2/rootfs/owned",
        "backup/snapshots/third/rootfs/owned",
    ):
        yield Case(
            f"member {name}",
            bytes(base.copy().put(name, data=b"x")),
            r"belong|\.\.|does not list|absolute|not together",
        )
    yield Case("a name of 300 bytes", bytes(base.copy().put(f"{MAIN}/rootfs/{'x' * 300}")), r"longer than 255")
    deep = "/".join(["d"] * 2100)
    yield Case("a path of 2,100 levels", bytes(base.copy().put(f"{MAIN}/rootfs/{deep}")), r"too long")
    yield Case("index.yaml twice", bytes(base.copy().put(INDEX, data=base.data(INDEX))), r"two index\.yaml")
    twice = base.copy().put(f"{MAIN}/backup.yaml", data=base.data(f"{MAIN}/backup.yaml"))
    yield Case("backup.yaml twice", bytes(twice), r"two backup\.yaml")
    yield Case("a file twice", bytes(base.copy().put(f"{MAIN}/rootfs/etc/hostname", data=b"x")), r"twice")
    yield Case(
        "a directory over a file", bytes(base.copy().put(f"{MAIN}/rootfs/etc/hostname", tarfile.DIRTYPE)), r"twice"
    )
    yield Case("a file below a file", bytes(base.copy().put(f"{MAIN}/rootfs/etc/hostname/x")), r"no directory")
    yield Case("no index.yaml", bytes(base.copy().drop(INDEX)), r"index\.yaml")
    yield Case("no files of a snapshot", bytes(base.copy().drop(FIRST)), r"missing the files of: first")
    yield Case("no files of the instance", bytes(base.copy().drop(MAIN)), r"missing the files of: the instance")
    split = base.copy().put(f"{FIRST}/rootfs/late", data=b"x")
    yield Case("a tree in two pieces", bytes(split), r"not together")
    for kind, what in ((tarfile.SYMTYPE, "symlink"), (tarfile.CHRTYPE, "device"), (tarfile.FIFOTYPE, "fifo")):
        for top in ("rootfs", "metadata.yaml", "backup.yaml", "templates", "state", "exec-output"):
            changed = base.copy().drop(f"{MAIN}/{top}")
            changed.put(f"{MAIN}/{top}", kind, linkname="/etc", devmajor=1, devminor=3)
            yield Case(f"{top} is a {what}", bytes(changed), r"must be|plain file")
    index = base.copy().drop(INDEX).put(INDEX, tarfile.SYMTYPE, linkname="/etc/passwd", before=FIRST)
    yield Case("index.yaml is a symlink", bytes(index), r"no plain file")
    main = base.copy().drop(MAIN).put(MAIN, tarfile.SYMTYPE, linkname="/etc")
    yield Case("the tree's top is a symlink", bytes(main), r"must be a directory")
    template = base.copy().put(f"{MAIN}/templates", tarfile.DIRTYPE)
    template.put(f"{MAIN}/templates/evil.tpl", tarfile.SYMTYPE, linkname="/etc/shadow")
    yield Case("a template that is a symlink", bytes(template), r"links")
    for kind in (b"7", b"A", b"V", b"M", b"D", b"N"):
        odd = base.copy().put(f"{MAIN}/rootfs/odd", kind)
        yield Case(f"an entry of type {kind!r}", bytes(odd), None if kind == b"7" else r"not supported")


def _links(base: Archive) -> Iterator[Case]:
    """Ways through links."""
    rootfs = f"{MAIN}/rootfs"
    through = base.copy().put(f"{rootfs}/out", tarfile.SYMTYPE, linkname="/etc").put(f"{rootfs}/out/owned", data=b"x")
    yield Case("through a symlink", bytes(through), r"no directory")
    dots = base.copy().put(f"{rootfs}/up", tarfile.SYMTYPE, linkname="../../../..").put(f"{rootfs}/up/owned", data=b"x")
    yield Case("through a symlink upwards", bytes(dots), r"no directory")
    over = base.copy().put(f"{rootfs}/etc2", tarfile.SYMTYPE, linkname="/etc").put(f"{rootfs}/etc2", tarfile.DIRTYPE)
    yield Case("a directory over a symlink", bytes(over), r"twice")
    for target in (
        "/etc/shadow",
        "../../../../etc/shadow",
        "backup/index.yaml",
        f"{FIRST}/rootfs/data/file1",
        "etc/shadow",
    ):
        hard = base.copy().put(f"{rootfs}/hard", tarfile.LNKTYPE, linkname=target)
        yield Case(f"hard link to {target}", bytes(hard), r"hard link|belong")
    forward = base.copy().put(f"{rootfs}/hard", tarfile.LNKTYPE, linkname=f"{rootfs}/not/there")
    yield Case("hard link to nothing", bytes(forward), r"hard link")
    top = base.copy().put(f"{rootfs}/hard", tarfile.LNKTYPE, linkname=f"{MAIN}/metadata.yaml")
    yield Case("hard link out of the root file system", bytes(top), r"hard link")
    directory = base.copy().put(f"{rootfs}/hard", tarfile.LNKTYPE, linkname=f"{rootfs}/etc")
    yield Case("hard link to a directory", bytes(directory), r"hard link")
    symlink = base.copy().put(f"{rootfs}/s", tarfile.SYMTYPE, linkname="/etc")
    symlink.put(f"{rootfs}/h", tarfile.LNKTYPE, linkname=f"{rootfs}/s").put(f"{rootfs}/h/owned", data=b"x")
    yield Case("through a hard link to a symlink", bytes(symlink), r"no directory")
    # What belongs to a container and is harmless below a directory that only root may enter:
    kept = base.copy().put(f"{rootfs}/null", tarfile.CHRTYPE, devmajor=1, devminor=3).put(f"{rootfs}/suid", mode=0o6755)
    kept.put(f"{rootfs}/abs", tarfile.SYMTYPE, linkname="/etc/shadow")
    yield Case("device, setuid, symlink in the root file system", bytes(kept), None)


def _bytes(plain: bytes) -> Iterator[Case]:
    """Damage of the archive itself: cut in each class of blocks, flipped bits, odd numbers."""
    at_index = BLOCK
    main = plain.index(b"backup/container\0" if b"backup/container\0" in plain else b"backup/container/")
    random = plain.index(b"random.bin")
    random -= random % BLOCK
    for name, end in (
        ("nothing at all", 0),
        ("in the first header", 100),
        ("in index.yaml", at_index + 700),
        ("after index.yaml", main - main % BLOCK),
        ("in a header", main - main % BLOCK + 200),
        ("after a header", random + BLOCK),
        ("in a file", random + BLOCK + 1000),
        ("before the end mark", len(plain.rstrip(b"\0")) + -len(plain.rstrip(b"\0")) % BLOCK),
        ("in the end mark", len(plain) - BLOCK),
    ):
        yield Case(f"cut {name}", plain[:end], r"ends|[Uu]nsupported|missing|early|empty|end mark")
    for name, position, value in (
        ("the sum of a header", main - main % BLOCK + 150, ord("7")),
        ("a digit of a size", random + 130, ord("7")),
        ("a size that is no number", random + 126, ord("x")),
        ("the type of an entry", random + 156, ord("Z")),
        ("a name", random + 3, ord("X")),
        ("the magic", random + 258, 0),
    ):
        damaged = bytearray(plain)
        damaged[position] = value
        yield Case(f"flipped: {name}", bytes(damaged), r"check sum|octal|not a tar|damaged")
    yield Case("rubbish after the end mark", plain + b"x" * 1024, r"after its end mark")
    yield Case("another archive behind it", plain + plain, r"after its end mark")
    yield Case("rubbish from the beginning", b"not an archive " * 500, r"[Uu]nsupported")


def _compressed(plain: bytes) -> Iterator[Case]:
    """Damage of the compressed stream."""
    packed = gzip.compress(plain)
    for part in (0.1, 0.5, 0.9):
        yield Case(f"gzip cut at {part:.0%}", packed[: int(len(packed) * part)], r"ends|early|damaged|index")
    yield Case("gzip without its last bytes", packed[:-4], r"ends|early|damaged")
    for position in (len(packed) // 3, len(packed) // 2, len(packed) - 6, len(packed) - 2):
        damaged = bytearray(packed)
        damaged[position] ^= 0x10
        yield Case(f"gzip, a bit flipped at {position}", bytes(damaged), r".")
    yield Case("gzip with rubbish behind it", packed + b"rubbish", r".")
    xz = lzma.compress(plain)
    yield Case("xz cut", xz[: len(xz) // 2], r"ends|early|damaged|index")
    broken = bytearray(xz)
    broken[len(xz) // 2] ^= 0x10
    yield Case("xz, a bit flipped", bytes(broken), r".")


def _bombs(base: Archive) -> Iterator[Case]:
    """Small files that unpack to much. Made for a pool of less than 1 GiB."""
    huge = base.copy().put(f"{MAIN}/rootfs/huge")
    huge.entries[-1][0].size = 2**33
    packed = gzip.compress(bytes(huge)[: -2 * BLOCK])
    yield Case("8 GiB of zeros in a file", lambda: packed + _zeros(2 * 2**30), r"more than|No space|larger|ends")
    sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(2**61)}
    holes = base.copy().put(f"{MAIN}/rootfs/holes", data=b"0\n".ljust(BLOCK, b"\0"), pax_headers=sparse)
    yield Case("a sparse file of two exbibytes", bytes(holes), r"sparse|large")
    map_ = ",".join(f"{n},1" for n in range(150_000))
    many = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.map": map_, "GNU.sparse.size": "200000"}
    yield Case(
        "a sparse map of a megabyte", bytes(base.copy().put(f"{MAIN}/rootfs/m", pax_headers=many)), r"extended header"
    )
    records = {f"SCHILY.xattr.user.{number}": "x" * 60_000 for number in range(40)}
    yield Case(
        "two megabytes of attributes",
        bytes(base.copy().put(f"{MAIN}/rootfs/x", pax_headers=records)),
        r"extended header",
    )
    yield Case("days of zeros before the index", lambda: gzip.compress(_padded(base)), r"index\.yaml|beginning")


def _zeros(size: int) -> bytes:
    """Return a gzip member of so many zeros, without holding them."""
    deflate = zlib.compressobj(9, wbits=31)
    block = bytes(2**24)
    return b"".join(deflate.compress(block) for _ in range(size // len(block))) + deflate.flush()


def _padded(base: Archive) -> bytes:
    lead = io.BytesIO()
    info = tarfile.TarInfo("backup/zeros")
    info.size = 80 * 2**20
    lead.write(info.tobuf(tarfile.PAX_FORMAT) + bytes(info.size))
    return lead.getvalue() + bytes(base)
