"""A staged tree made what another tree of this machine holds."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.host.trees import clone_tree
from holdfast.migration.tree_ground import Ground
from holdfast.migration.tree_local import update_tree
from holdfast.model.errors import CancelledOperationError, StorageError
from holdfast.streams.copy import never
from support.trees import describe, differences, make_rich_tree

pytestmark = [pytest.mark.root, pytest.mark.needs("setfacl")]


class Scene:
    """A source and a tree that was like it once."""

    def __init__(self, top: Path) -> None:
        self.source, self.staged = top / "source", top / "staged"
        self.source.mkdir()
        make_rich_tree(self.source)
        for name, size in (("small", 100), ("large", 10 * 2**20)):
            (self.source / name).write_bytes(os.urandom(size))
        clone_tree(self.source, self.staged)

    def update(self, cancelled: Callable[[], bool] = never) -> int:
        """Make the staged tree what the source is; return how many bytes were copied for that."""
        copied = [0]
        ground = Ground(self.staged, lambda: False)
        update_tree(self.source, ground, "Copying", progress=lambda count: copied.append(count), cancelled=cancelled)
        return max(copied)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def changed_in_secret(path: Path) -> None:
    """Change the last byte of a file, and nothing that tells it."""
    facts, content = path.stat(), path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.mark.parametrize("name", ["small", "large"])
def test_a_change_that_size_and_time_hide_is_copied(scene: Scene, name: str) -> None:
    changed_in_secret(scene.source / name)
    changed_in_secret(scene.staged / "data/owned")
    scene.update()
    assert differences(describe(scene.source), describe(scene.staged)) == []
    assert scene.update() == 0


def test_files_that_hold_the_same_stay_though_their_times_differ(scene: Scene) -> None:
    for name in ("small", "large"):
        os.utime(scene.source / name, ns=(1, 1))
    before = {name: (scene.staged / name).stat().st_ino for name in ("small", "large")}
    assert scene.update() == 0
    assert differences(describe(scene.source), describe(scene.staged)) == []
    assert {name: (scene.staged / name).stat().st_ino for name in before} == before


def test_of_a_large_file_what_differs_is_copied(scene: Scene) -> None:
    with (scene.source / "large").open("r+b") as file:
        file.seek(5 * 2**20)
        file.write(b"changed")
    (scene.source / "new").mkdir()
    (scene.staged / "surplus").mkdir()
    scene.update()
    assert differences(describe(scene.source), describe(scene.staged)) == []


@pytest.mark.parametrize("is_changed", [False, True])
def test_nothing_is_staged_where_the_former_tree_is_the_same(scene: Scene, tmp_path: Path, is_changed: bool) -> None:
    if is_changed:
        changed_in_secret(scene.source / "large")
    before, target = describe(scene.staged), tmp_path / "target"

    def stage() -> bool:
        clone_tree(scene.staged, target)
        return False

    ground = Ground(target, stage, former=scene.staged)
    update_tree(scene.source, ground, "Copying", progress=lambda _: None, cancelled=never)
    assert ground.is_staged is target.exists() is is_changed
    assert differences(before, describe(scene.staged)) == []
    if is_changed:
        assert differences(describe(scene.source), describe(target)) == []


def test_a_source_that_cannot_be_read_is_told(scene: Scene) -> None:
    none, ground = scene.source / "none", Ground(scene.staged, lambda: False)
    with pytest.raises(StorageError, match=r'Copying: Failed reading "none": No such file or directory: .*/none'):
        update_tree(none, ground, "Copying", progress=lambda _: None, cancelled=never)
    (scene.source / "data").rename(scene.source / "moved")
    (scene.source / "data").symlink_to("moved")
    scene.update()
    assert differences(describe(scene.source), describe(scene.staged)) == []


def test_a_target_that_cannot_be_written_is_told(scene: Scene, tmp_path: Path) -> None:
    os.utime(scene.source / "large", ns=(1, 1))

    def refuse() -> bool:
        raise OSError(5, "Input/output error")

    ground = Ground(tmp_path / "target", refuse, former=scene.staged)
    with pytest.raises(StorageError, match='Copying: Failed writing "target": Input/output error: large'):
        update_tree(scene.source, ground, "Copying", progress=lambda _: None, cancelled=never)


def test_cancelling_ends_it(scene: Scene) -> None:
    with pytest.raises(CancelledOperationError):
        scene.update(lambda: True)
