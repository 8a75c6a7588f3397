from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.service.image_recipes import RECIPES, find_recipe
from holdfast.service.recipe_busybox import build


def ignore(_: object) -> None:
    """Take a report or a way to cancel, and do nothing with it."""


@pytest.mark.needs("busybox")
def test_the_tree_is_small_and_can_run(tmp_path: Path) -> None:
    build(tmp_path, report=ignore, on_cancel=ignore)
    size = sum(path.lstat().st_size for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink())
    assert size < 2.5 * 2**20
    assert os.access(tmp_path / "sbin/init", os.X_OK)
    assert list((tmp_path / "dev").iterdir()) == []
    assert (tmp_path / "tmp").stat().st_mode & 0o7777 == 0o1777
    dangling = [path for path in tmp_path.rglob("*") if path.is_symlink() and not path.exists()]
    assert dangling == []
    absolute = [path for path in tmp_path.rglob("*") if path.is_symlink() and os.readlink(path).startswith("/")]
    assert absolute == []


@pytest.mark.needs("busybox")
def test_everybody_can_enter_whatever_the_umask_of_the_server_is(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir(mode=0o755)
    before = os.umask(0o077)
    try:
        build(root, report=ignore, on_cancel=ignore)
    finally:
        os.umask(before)
    closed = [path for path in root.rglob("*") if path.is_dir() and path.stat().st_mode & 0o055 != 0o055]
    assert closed == [root / "root"]
    assert (root / "bin/busybox").stat().st_mode & 0o777 == 0o755


@pytest.mark.root
@pytest.mark.needs("busybox")
def test_the_shell_inside_works(tmp_path: Path) -> None:
    build(tmp_path, report=ignore, on_cancel=ignore)
    command = ["chroot", tmp_path, "/bin/sh", "-n", "/sbin/init"]
    assert subprocess.run(command, capture_output=True, check=False).stderr == b""
    done = subprocess.run(["chroot", tmp_path, "/usr/bin/env", "ls", "/"], capture_output=True, text=True, check=True)
    assert "sbin" in done.stdout.split()


def test_an_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(BadRequestError, match=r'"arch": Known are debian/12, debian/13, busybox'):
        find_recipe("arch")
    assert find_recipe("debian/12") is RECIPES["debian/12"]
