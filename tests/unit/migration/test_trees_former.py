"""A refresh looks at the former tree first: where all is as listed nothing is made, and nothing there changes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.host.removal import remove_tree
from holdfast.host.tree_links import link_tree
from holdfast.host.trees import clone_tree
from holdfast.migration.tree_ground import Ground
from support.trees import describe, differences, make_rich_tree
from unit.migration.test_trees import (
    DIRECTORY,
    REFUSED,
    TOP,
    entry,
    hostile,
    last,
    listed,
    transfer,
    without_links,
)

pytestmark = [pytest.mark.root, pytest.mark.needs("setfacl")]


class Scene:
    """A source, a former tree that is like it, and where a new one is made."""

    def __init__(self, top: Path) -> None:
        self.source, self.former, self.target = (top / name for name in ("source", "former", "target"))
        self.source.mkdir()
        make_rich_tree(self.source)
        os.link(self.source / "data/owned", self.source / "data/sticky/owned twice")
        clone_tree(self.source, self.former)
        self.stagings = 0

    def ground(self, *, is_linked: bool) -> Ground:
        def stage() -> bool:
            self.stagings += 1
            (link_tree if is_linked else clone_tree)(self.former, self.target)
            return is_linked

        return Ground(self.target, stage, former=self.former)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def marks(tree: Path) -> dict[str, tuple[int, int, int]]:
    """Return what shows the smallest change of an entry, or a link to it."""
    paths = (tree, *tree.rglob("*"))
    return {str(path): (path.lstat().st_ino, path.lstat().st_ctime_ns, path.lstat().st_nlink) for path in paths}


def test_where_nothing_changed_nothing_is_made(scene: Scene) -> None:
    before, ground = marks(scene.former), scene.ground(is_linked=True)
    for _ in range(2):  # a running instance is sent twice
        failures, crossed_bytes = transfer(scene.source, ground)
        assert failures == ("", "")
        assert crossed_bytes < 2**14
    assert not ground.is_staged
    assert not scene.target.exists()
    assert marks(scene.former) == before


def grown(path: Path) -> None:
    path.write_bytes(b"more" * 5000)


def of_the_same_size_later(path: Path) -> None:
    path.write_bytes(path.read_bytes()[::-1])


def without_change_of_its_directory(change: Callable[[Path], None]) -> Callable[[Path], None]:
    def changed(path: Path) -> None:
        facts = path.parent.stat()
        change(path)
        os.utime(path.parent, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    return changed


def replaced(make: Callable[[Path], None]) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        if path.is_dir() and not path.is_symlink():
            remove_tree(path)
        else:
            path.unlink()
        make(path)

    return without_change_of_its_directory(change)


def parted(path: Path) -> None:
    """Make a name of a file a file of its own that is the same in all else."""
    facts, content = path.stat(), path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    os.chown(path, facts.st_uid, facts.st_gid)
    path.chmod(facts.st_mode)
    os.setxattr(path, "trusted.secret", b"only root sees it")
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


CHANGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "content": ("data/empty", grown),
    "time": ("data/file", of_the_same_size_later),
    "mode": ("data/empty", lambda path: path.chmod(0o604)),
    "owner": ("data/empty", lambda path: os.chown(path, 3, 0)),
    "group": ("data/empty", lambda path: os.chown(path, 0, 3)),
    "an attribute more": ("data/empty", lambda path: os.setxattr(path, "user.new", b"1")),
    "an attribute less": ("data/file", lambda path: os.removexattr(path, "user.note")),
    "another value": ("data/file", lambda path: os.setxattr(path, "user.note", b"2")),
    "another target": ("data/dangling", replaced(lambda path: path.symlink_to("/no/such/placE"))),
    "owner of a link": ("data/dangling", lambda path: os.chown(path, 7, 7, follow_symlinks=False)),
    "another device": ("data/char", replaced(lambda path: os.mknod(path, 0o20666, os.makedev(1, 5)))),
    "another type": ("data/empty", replaced(lambda path: path.mkdir())),
    "a directory becomes a file": ("data/acl-default", replaced(lambda path: path.touch())),
    "gone": ("data/empty", without_change_of_its_directory(lambda path: path.unlink())),
    "a directory gone": ("data/level-00", without_change_of_its_directory(remove_tree)),
    "new": ("data/new", without_change_of_its_directory(lambda path: path.touch())),
    "new at the bottom": ("/".join(["data", *(f"level-{n:02d}" for n in range(30)), "new"]), lambda path: path.touch()),
    "time of a directory": ("data/sticky", lambda path: os.utime(path, ns=(1, 1))),
    "mode of a directory": ("data/sticky", lambda path: path.chmod(0o700)),
    "attribute of a directory": ("data/sticky", lambda path: os.setxattr(path, "user.new", b"1")),
    "mode of the top": ("", lambda path: path.chmod(0o751)),
    "another name less": ("data/sticky/owned twice", without_change_of_its_directory(parted)),
    "another name more": (
        "data/empty",
        replaced(lambda path: os.link(path.with_name("setuid"), path)),
    ),
}


@pytest.mark.parametrize("is_linked", [False, True])
@pytest.mark.parametrize("what", CHANGES)
def test_whatever_changed_is_seen_and_the_former_tree_stays(scene: Scene, what: str, is_linked: bool) -> None:
    before, ground = describe(scene.former), scene.ground(is_linked=is_linked)
    path, change = CHANGES[what]
    change(scene.source / path)
    assert transfer(scene.source, ground)[0] == ("", "")
    assert scene.stagings == 1
    assert differences(without_links(before), without_links(describe(scene.former))) == []
    remove_tree(scene.former)
    assert differences(describe(scene.source), describe(scene.target)) == []


def test_what_changes_between_two_passes_is_seen(scene: Scene) -> None:
    ground = scene.ground(is_linked=True)
    assert transfer(scene.source, ground)[0] == ("", "")
    (scene.source / "data/new").write_text("x")
    assert transfer(scene.source, ground)[0] == ("", "")
    (scene.source / "data/new").unlink()
    assert transfer(scene.source, ground)[0] == ("", "")
    assert scene.stagings == 1
    remove_tree(scene.former)
    assert differences(describe(scene.source), describe(scene.target)) == []


def test_a_change_in_a_later_part_of_a_directory_is_seen(scene: Scene) -> None:
    for tree in (scene.source, scene.former):
        (tree / "many").mkdir()
        for number in range(9000):
            (tree / f"many/{number}").touch()
            os.utime(tree / f"many/{number}", ns=(1, 1))
        os.utime(tree / "many", ns=(1, 1))
        os.utime(tree, ns=(1, 1))
    ground = scene.ground(is_linked=True)
    assert transfer(scene.source, ground)[0] == ("", "")
    assert not ground.is_staged
    names = os.listdir(scene.source / "many")
    (scene.source / "many" / names[-1]).write_text("changed")
    (scene.former / "many/surplus").touch()
    assert transfer(scene.source, ground)[0] == ("", "")
    remove_tree(scene.former)
    assert differences(describe(scene.source), describe(scene.target)) == []


def test_a_directory_that_went_before_it_was_listed_goes(tmp_path: Path) -> None:
    (tmp_path / "former/a").mkdir(parents=True)
    (tmp_path / "former/a/below").touch()
    (tmp_path / "former").chmod(0o755)
    os.utime(tmp_path / "former", ns=(0, 0))
    ground = linked(tmp_path)
    assert hostile(ground, last(listed(entry(b"a", DIRECTORY)))) == ""
    assert os.listdir(tmp_path / "target") == []
    assert os.listdir(tmp_path / "former/a") == ["below"]
    assert (tmp_path / "target").stat().st_mtime_ns == TOP.mtime_ns


@pytest.mark.parametrize("what", REFUSED)
def test_threat_a_hostile_source_where_there_is_a_former_tree(tmp_path: Path, what: str) -> None:
    part, contents, expected = REFUSED[what]
    (tmp_path / "former").mkdir(mode=0o755)
    (tmp_path / "former/b").write_text("x")
    os.utime(tmp_path / "former", ns=(0, 0))
    before = describe(tmp_path / "former")
    assert expected in hostile(linked(tmp_path), part, *contents)
    assert differences(without_links(before), without_links(describe(tmp_path / "former"))) == []
    assert set(os.listdir(tmp_path)) <= {"former", "target"}


def test_threat_a_link_in_the_former_tree_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir(mode=0o755)
    (tmp_path / "former").mkdir(mode=0o755)
    (tmp_path / "former/a").symlink_to(tmp_path / "outside")
    os.utime(tmp_path / "outside", ns=(0, 0))
    ground = linked(tmp_path)
    assert hostile(ground, last(listed(entry(b"a", DIRECTORY)), listed(path=b"a"))) == ""
    assert (tmp_path / "former/a").is_symlink()
    assert not (tmp_path / "target/a").is_symlink()


def linked(top: Path) -> Ground:
    def stage() -> bool:
        link_tree(top / "former", top / "target")
        return True

    return Ground(top / "target", stage, former=top / "former")
