"""Clone and remove: everything kept, nothing followed, vanishing files survived, cancel heard. Needs root."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from holdfast.host import crew, file_copy, mounts, tree_copy, trees
from holdfast.host.removal import remove_tree
from holdfast.host.trees import clone_tree
from holdfast.model.errors import CancelledOperationError
from support.trees import describe, differences, make_rich_tree

pytestmark = [pytest.mark.root, pytest.mark.needs("setfacl")]


@pytest.fixture
def rich(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    source.mkdir()
    make_rich_tree(source)
    return source


@pytest.fixture(params=["threads", "processes"])
def workers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Small trees are copied by threads, large ones by processes; here both kinds get the same small ones."""
    if request.param == "processes":
        monkeypatch.setattr(trees, "MANY", 0)
    return str(request.param)


@pytest.mark.usefixtures("workers")
def test_clone_keeps_everything(rich: Path, tmp_path: Path) -> None:
    wanted = describe(rich)
    clone_tree(rich, tmp_path / "clone")
    assert differences(wanted, describe(tmp_path / "clone")) == []
    assert differences(wanted, describe(rich)) == []


@pytest.mark.usefixtures("workers")
def test_clone_keeps_holes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with (source / "sparse").open("wb") as file:
        file.write(b"start")
        file.seek(64 * 2**20)
        file.write(b"middle")
        file.truncate(128 * 2**20)
    clone_tree(source, tmp_path / "clone")
    clone = tmp_path / "clone/sparse"
    assert clone.stat().st_size == 128 * 2**20
    assert clone.stat().st_blocks * 512 < 2**20
    assert subprocess.run(["cmp", source / "sparse", clone], check=False).returncode == 0


@pytest.mark.usefixtures("workers")
def test_clone_does_not_pass_on_a_default_acl_or_group(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "folder/below").mkdir(parents=True)
    (source / "folder/file").write_text("plain")
    subprocess.run(["setfacl", "-d", "-m", "u:1234:rwx", source / "folder"], check=True)
    os.chown(source / "folder", 0, 77)
    (source / "folder").chmod(0o2755)
    wanted = describe(source)
    clone_tree(source, tmp_path / "clone")
    assert differences(wanted, describe(tmp_path / "clone")) == []


@pytest.mark.usefixtures("workers")
def test_clone_of_links_between_directories(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for folder in "abcdefgh":
        (source / folder).mkdir(parents=True)
        if folder == "a":
            (source / "a/file").write_text("one")
        else:
            os.link(source / "a/file", source / folder / "file")
    clone_tree(source, tmp_path / "clone")
    assert len({(tmp_path / "clone" / folder / "file").stat().st_ino for folder in "abcdefgh"}) == 1
    assert (tmp_path / "clone/a/file").stat().st_nlink == 8


@pytest.mark.usefixtures("workers")
def test_clone_and_removal_of_a_path_longer_than_the_kernel_takes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with at(source):
        for _ in range(40):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
        Path("bottom").write_text("deep")
        os.link("bottom", "again")
    clone_tree(source, tmp_path / "clone")
    remove_tree(source)
    with at(tmp_path / "clone"):
        for _ in range(40):
            os.chdir("d" * 200)
        assert (Path("again").read_text(), Path("bottom").stat().st_nlink) == ("deep", 2)
    remove_tree(tmp_path / "clone")
    assert list(tmp_path.iterdir()) == []


@contextmanager
def at(directory: Path) -> Iterator[None]:
    before = os.open(".", os.O_RDONLY)
    os.chdir(directory)
    try:
        yield
    finally:
        os.fchdir(before)
        os.close(before)


def test_clone_reads_in_parts_where_the_kernel_cannot_copy(
    rich: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(file_copy.os, "copy_file_range", refuse)
    (rich / "large").write_bytes(os.urandom(3_500_000))
    wanted = describe(rich)
    clone_tree(rich, tmp_path / "clone")
    assert differences(wanted, describe(tmp_path / "clone")) == []


def test_clone_refuses_a_target_that_is_there(rich: Path, tmp_path: Path) -> None:
    (tmp_path / "clone").mkdir()
    with pytest.raises(FileExistsError):
        clone_tree(rich, tmp_path / "clone")


@pytest.mark.usefixtures("workers")
def test_progress_counts_bytes(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for number in range(10):
        (source / str(number)).write_bytes(b"x" * 100_000)
    seen: list[int] = []
    clone_tree(source, tmp_path / "clone", progress=seen.append)
    assert seen[-1] == 1_000_000


def test_cancel_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both workers are held inside a copy when the wish comes; neither copies another file."""
    source = tmp_path / "source"
    for folder in range(10):
        (source / str(folder)).mkdir(parents=True)
        for name in range(10):
            (source / str(folder) / str(name)).write_bytes(b"x")
    wish, started = threading.Event(), threading.Event()
    copy, copied = tree_copy.copy_file, []

    def held(*arguments: Any) -> object:
        started.set()
        assert wish.wait(60)
        copied.append(arguments[0])
        return copy(*arguments)

    def cancelled() -> bool:
        if started.is_set():
            wish.set()
        return wish.is_set()

    monkeypatch.setattr(tree_copy, "copy_file", held)
    with pytest.raises(CancelledOperationError):
        clone_tree(source, tmp_path / "clone", cancelled=cancelled)
    assert len(copied) < 100


def test_a_failure_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    (source / "folder/file").write_bytes(b"x")

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(tree_copy, "copy_file", fail)
    with pytest.raises(OSError, match="folder/file"):
        clone_tree(source, tmp_path / "clone")


def many_files(source: Path, folders: int = 10, files: int = 300) -> None:
    for folder in range(folders):
        (source / str(folder)).mkdir(parents=True)
        for name in range(files):
            (source / str(folder) / str(name)).write_bytes(b"%d %d" % (folder, name))


def test_a_large_tree_is_copied_by_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many_files(tmp_path / "source")
    os.link(tmp_path / "source/0/0", tmp_path / "source/9/again")
    made: list[crew.Crew] = []

    class Seen(crew.Crew):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr(trees, "Crew", Seen)
    clone_tree(tmp_path / "source", tmp_path / "clone")
    assert len(made) == 1
    assert all(process.returncode is not None for process, _ in made[0]._members)
    assert differences(describe(tmp_path / "source"), describe(tmp_path / "clone")) == []


def test_cancel_ends_the_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wish comes while the processes are held in the middle of their work; they are ended, none is left."""
    many_files(tmp_path / "source", folders=3, files=3)
    monkeypatch.setattr(trees, "MANY", 0)
    started: list[crew.Crew] = []
    asked = crew.Crew.copy

    def noted(self: crew.Crew, path: bytes) -> object:
        for process, _ in self._members:
            process.send_signal(signal.SIGSTOP)
        started.append(self)
        return asked(self, path)

    monkeypatch.setattr(crew.Crew, "copy", noted)
    with pytest.raises(CancelledOperationError):
        clone_tree(tmp_path / "source", tmp_path / "clone", cancelled=lambda: bool(started))
    assert all(process.returncode is not None for process, _ in started[0]._members)


def test_a_process_that_dies_ends_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many_files(tmp_path / "source", folders=3, files=3)
    monkeypatch.setattr(trees, "MANY", 0)
    asked = crew.Crew.copy

    def killed(self: crew.Crew, path: bytes) -> object:
        for process, _ in self._members:
            process.kill()
            process.wait()
        return asked(self, path)

    monkeypatch.setattr(crew.Crew, "copy", killed)
    with pytest.raises(OSError, match="ended unexpectedly"):
        clone_tree(tmp_path / "source", tmp_path / "clone")


def test_a_failure_in_a_process_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target's file system is full: real, as the process can't be told to pretend."""
    many_files(tmp_path / "source", folders=2, files=3)
    (tmp_path / "source/1/large").write_bytes(os.urandom(2_000_000))
    monkeypatch.setattr(trees, "MANY", 0)
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=True)
    try:
        with pytest.raises(OSError, match=r"'[01]/(\d|large)'") as caught:  # small ones find no room either
            clone_tree(tmp_path / "source", small / "clone")
        assert caught.value.errno == errno.ENOSPC
    finally:
        subprocess.run(["umount", small], check=True)


def test_threat_vanishing_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A running instance removes files, folders and first names of hard links while it is copied (lxd#7107)."""
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    (source / "gone").mkdir()
    for name in ("a", "b", "c"):
        (source / "folder" / name).write_text(name)
    os.link(source / "folder/a", source / "folder/again")
    copy = tree_copy.copy_file
    vanished: list[str] = []

    def copy_late(name: str, *more: Any) -> object:
        if not vanished:
            vanished.append(name)
            (source / "folder" / name).unlink()
            (source / "gone").rmdir()
        return copy(name, *more)

    monkeypatch.setattr(tree_copy, "copy_file", copy_late)
    clone_tree(source, tmp_path / "clone")
    found = {path.name: path.read_text() for path in (tmp_path / "clone/folder").iterdir()}
    assert found == {name: name[0] for name in ("a", "b", "c", "again") if name != vanished[0]}


def test_threat_links_put_in_the_way_of_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that becomes a link after it was listed isn't followed: the host's files stay out of the copy."""
    secret = tmp_path / "host"
    secret.mkdir()
    (secret / "shadow").write_text("secret")
    source = tmp_path / "source"
    (source / "a/b").mkdir(parents=True)
    (source / "a/b/inner").mkdir()
    beneath = tree_copy.beneath

    @contextmanager
    def swapped(root: int, path: bytes) -> Iterator[int]:
        if path == b"a/b" and not (source / "a").is_symlink():
            (source / "a").rename(tmp_path / "moved")
            (source / "a").symlink_to(secret)
            (secret / "b").mkdir(exist_ok=True)
            (secret / "b/shadow").write_text("secret")
        with beneath(root, path) as descriptor:
            yield descriptor

    monkeypatch.setattr(tree_copy, "beneath", swapped)
    clone_tree(source, tmp_path / "clone")
    assert not [path for path in (tmp_path / "clone").rglob("*") if path.name == "shadow"]


def test_threat_fifo_does_not_block_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file replaced by a fifo after it was listed must not hold the copy for ever."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("x")
    copy = tree_copy.copy_file

    def replaced(name: str, *more: Any) -> object:
        (source / "file").unlink()
        os.mkfifo(source / "file")
        return copy(name, *more)

    monkeypatch.setattr(tree_copy, "copy_file", replaced)
    clone_tree(source, tmp_path / "clone")
    assert list((tmp_path / "clone").iterdir()) == []


# --- removal ------------------------------------------------------------------------------------------------------


def test_removal_of_everything(rich: Path) -> None:
    remove_tree(rich)
    assert not rich.exists()
    remove_tree(rich)


def test_removal_does_not_follow_links(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/kept").touch()
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "link").symlink_to(tmp_path / "outside")
    remove_tree(tree)
    assert (tmp_path / "outside/kept").exists()


def test_removal_refuses_to_empty_what_is_mounted_below(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").touch()
    place = tmp_path / "tree/mount"
    place.mkdir(parents=True)
    mounts.bind(tmp_path / "precious", place)
    try:
        with pytest.raises(OSError, match=r"cross-device|Device or resource busy"):
            remove_tree(tmp_path / "tree")
        assert (tmp_path / "precious/file").exists()
    finally:
        mounts.unmount(place)


@pytest.mark.needs("chattr")
def test_removal_of_immutable_files(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "folder").mkdir(parents=True)
    (tree / "folder/file").touch()
    if subprocess.run(["chattr", "+i", tree / "folder/file", tree / "folder"], check=False).returncode != 0:
        pytest.skip("this file system has no immutable files")
    remove_tree(tree)
    assert not tree.exists()
