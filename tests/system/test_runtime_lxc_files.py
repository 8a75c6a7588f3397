"""File access to real containers, running and stopped, and what a hostile instance may try with it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.model.errors import BadRequestError, NotFoundError, RuntimeFailure
from holdfast.runtime.base import BindMount, FileAccess, FileWrite, StartSpec
from holdfast.runtime.lxc.runtime import LxcRuntime
from support.busybox_root import build_busybox_root

pytestmark = [pytest.mark.root, pytest.mark.needs("busybox", "lxc-start")]
KEY = "files"


@dataclass
class Place:
    """File access to one container, with what a test needs around it."""

    runtime: LxcRuntime
    spec: StartSpec
    files: FileAccess

    @property
    def root(self) -> Path:
        return self.spec.rootfs

    def put(self, path: str, content: bytes, **facts: int) -> None:
        descriptor = os.memfd_create("content")
        os.write(descriptor, content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        self.files.write(FileWrite(path=path, **facts), descriptor)
        os.close(descriptor)

    def get(self, path: str) -> bytes:
        _, descriptor = self.files.read(path)
        with open(descriptor, "rb") as file:
            return file.read()


@pytest.fixture(params=["stopped", "running", "shifted"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    runtime = LxcRuntime(tmp_path / "run")
    pool = tmp_path / "pool"
    pool.mkdir(mode=0o700)
    root = build_busybox_root(pool / "rootfs")
    idmap = runtime.default_idmap()
    is_shifted = request.param == "shifted"
    if is_shifted:
        for folder, folders, files in os.walk(root):
            for name in (".", *folders, *files):
                os.lchown(os.path.join(folder, name), idmap.host_base, idmap.host_base)
    spec = StartSpec(
        key=KEY,
        hostname="h",
        rootfs=root,
        architecture="x86_64",
        idmap=idmap,
        is_rootfs_shifted=is_shifted,
        config={},
        log_dir=tmp_path / "logs",
    )
    if request.param == "running":
        runtime.start(spec)
    yield Place(runtime, spec, runtime.files(KEY, root, idmap, is_rootfs_shifted=is_shifted))
    runtime.kill(KEY)
    runtime.close()


def test_write_read_replace_append(place: Place) -> None:
    place.put("/root/a", b"one")
    found = place.files.stat("/root/a")
    assert (found.kind, found.uid, found.gid, found.mode, found.size) == ("file", 0, 0, 0o644, 3)
    place.put("/root/a", b"two!", uid=33, gid=44, mode=0o4751)
    found = place.files.stat("/root/a")
    assert (found.uid, found.gid, found.mode, found.size) == (33, 44, 0o4751, 4)
    place.put("/root/a", b"five5")
    found = place.files.stat("/root/a")
    assert (found.uid, found.gid, found.mode & 0o777) == (33, 44, 0o751)
    place.put("/root/a", b"+6", is_append=True)
    assert place.get("/root/a") == b"five5+6"


def test_directories_and_links(place: Place) -> None:
    place.files.write(FileWrite(path="/root/d", kind="directory", uid=5, gid=6, mode=0o1777), None)
    found = place.files.stat("/root/d")
    assert (found.kind, found.uid, found.gid, found.mode, found.entries) == ("directory", 5, 6, 0o1777, ())
    place.put("/root/d/z", b"")
    place.put("/root/d/a b", b"")
    assert place.files.stat("/root/d").entries == ("a b", "z")
    place.files.write(FileWrite(path="/root/l", kind="symlink", target="d/z", uid=7, gid=8), None)
    found = place.files.stat("/root/l")
    assert (found.kind, found.target, found.uid, found.gid) == ("symlink", "d/z", 7, 8)
    with pytest.raises(BadRequestError):
        place.files.delete("/root/d")
    for path in ("/root/l", "/root/d/z", "/root/d/a b", "/root/d"):
        place.files.delete(path)
    with pytest.raises(NotFoundError, match="Not Found"):
        place.files.stat("/root/d")


def test_large_content_and_many_entries(place: Place) -> None:
    content = os.urandom(3_000_001)
    place.put("/root/large", content)
    assert place.get("/root/large") == content
    place.files.write(FileWrite(path="/root/many", kind="directory"), None)
    names = tuple(sorted(f"{number:05}-{'n' * 100}" for number in range(3000)))
    disk = place.root / "root/many"
    for name in names:
        (disk / name).touch()
    assert place.files.stat("/root/many").entries == names


@pytest.mark.parametrize("verb", ["stat", "read", "delete"])
def test_missing_is_not_found(place: Place, verb: str) -> None:
    for path in ("/no/such", "/bin/busybox/below", "/nothing\0here"):
        with pytest.raises(NotFoundError, match="Not Found"):
            getattr(place.files, verb)(path)


def test_a_directory_where_something_else_is(place: Place) -> None:
    """It is there: that it is "Not Found" would send people the wrong way."""
    with pytest.raises(BadRequestError, match="/bin/busybox is there already, and is no directory"):
        place.files.write(FileWrite(path="/bin/busybox", kind="directory"), None)
    place.files.write(FileWrite(path="/root/dangling", kind="symlink", target="nowhere"), None)
    with pytest.raises(BadRequestError, match="/root/dangling is there already"):
        place.files.write(FileWrite(path="/root/dangling", kind="directory"), None)
    for kind in ("directory", "file", "symlink"):
        with pytest.raises(BadRequestError, match="/bin/busybox/x: a part of the path is not a directory"):
            place.files.write(FileWrite(path="/bin/busybox/x", kind=kind, target="x"), None)


def test_wrong_kinds_are_refused(place: Place) -> None:
    with pytest.raises(BadRequestError):
        place.files.read("/root")
    with pytest.raises(BadRequestError):
        place.put("/root", b"x")
    with pytest.raises(BadRequestError):
        place.files.delete("/")
    with pytest.raises(BadRequestError):
        place.files.write(FileWrite(path="/root/x", kind="fifo"), None)


def test_threat_links_and_dots_stay_inside(place: Place, tmp_path: Path) -> None:
    """Absolute, relative and chained links, in the last and in middle parts, start again at the instance's root."""
    secret = tmp_path / "secret"
    secret.write_text("of the host")
    root = place.root
    (root / "abs").symlink_to(secret)
    (root / "rel").symlink_to("../" * 30 + str(secret)[1:])
    (root / "dir").symlink_to(tmp_path)
    (root / "chain").symlink_to("dir")
    for path in ("/abs", "/rel", "/dir/secret", "/chain/secret", "/../" * 20 + str(secret)):
        with pytest.raises(NotFoundError):
            place.files.read(path)
    for path in ("/dir/new", "/chain/new", "/../../../../.." + str(tmp_path / "new")):
        with pytest.raises(NotFoundError):
            place.put(path, b"x")
    with pytest.raises(NotFoundError):
        place.files.delete("/dir/secret")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name in ("new", "secret")) == ["secret"]
    assert secret.read_text() == "of the host"


def test_threat_link_to_a_file_inside_writes_inside(place: Place) -> None:
    """A link to /etc/passwd means the instance's."""
    before = Path("/etc/passwd").read_bytes()
    (place.root / "root/pw").symlink_to("/etc/passwd")
    place.put("/root/pw", b"replaced\n")
    assert (place.root / "etc/passwd").read_bytes() == b"replaced\n"
    assert Path("/etc/passwd").read_bytes() == before


def test_threat_magic_links_are_not_followed(place: Place) -> None:
    (place.root / "root/fd").symlink_to("/proc/self/root/etc/shadow")
    for path in ("/root/fd", "/proc/self/root/etc/shadow", "/proc/1/root/etc/passwd"):
        with pytest.raises(NotFoundError):
            place.files.read(path)


def test_threat_devices_pipes_and_sockets_are_never_opened(place: Place) -> None:
    """A block device in an image is the host's disk; a pipe without a reader would hang the server."""
    os.mknod(place.root / "root/disk", 0o060666, os.makedev(254, 0))
    os.mkfifo(place.root / "root/pipe")
    with socket.socket(socket.AF_UNIX) as server:
        folder = os.open(place.root / "root", os.O_PATH)
        server.bind(f"/proc/self/fd/{folder}/socket")
        os.close(folder)
    for name in ("disk", "pipe", "socket"):
        with pytest.raises(BadRequestError):
            place.files.read(f"/root/{name}")
        with pytest.raises(BadRequestError):
            place.put(f"/root/{name}", b"x")
        place.files.delete(f"/root/{name}")


def test_threat_pushed_files_do_not_reach_kernel_settings_of_the_host(place: Place) -> None:
    """Inside, even what root may not write stays shut: the helper has the rights of the container's root, not ours."""
    before = Path("/proc/sys/kernel/core_pattern").read_text()
    (place.root / "root/conf").symlink_to("/proc/sys/kernel/core_pattern")
    with pytest.raises(Exception, match=r"Not Found|denied|Read-only"):
        place.put("/root/conf", b"|/evil")
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before


def test_threat_mount_point_through_a_link_stays_inside(place: Place, tmp_path: Path) -> None:
    """The image decides what is at a mount point's path: nothing is made or covered on the host."""
    place.runtime.kill(KEY)
    (place.root / "out").symlink_to(tmp_path)
    source = tmp_path / "shared"
    source.mkdir()
    spec = place.spec
    mounted = StartSpec(
        key=spec.key,
        hostname=spec.hostname,
        rootfs=spec.rootfs,
        architecture=spec.architecture,
        idmap=spec.idmap,
        is_rootfs_shifted=spec.is_rootfs_shifted,
        config={},
        mounts=(BindMount(source=source, path="/out/made"),),
        log_dir=spec.log_dir,
    )
    with pytest.raises(RuntimeFailure):
        place.runtime.start(mounted)
    assert not (tmp_path / "made").exists()


def test_threat_ids_and_targets_that_the_kernel_does_not_take(place: Place) -> None:
    for number in (2**32 - 1, 2**40):
        with pytest.raises(BadRequestError):
            place.put("/root/big", b"x", uid=number)
    with pytest.raises(BadRequestError, match="zero byte"):
        place.files.write(FileWrite(path="/root/link", kind="symlink", target="a\0b"), None)
