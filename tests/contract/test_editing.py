"""A staged tree that is edited never reaches the volume that it was made from, though it may share files with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.host.file_copy import ContentCopier
from holdfast.host.tree_edit import Dress, facts_of, opened_alone
from holdfast.model.storage import Volume
from holdfast.storage.driver import Driver, Origin
from support.trees import describe, differences, make_rich_tree

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "setfacl")]

Publish = Callable[..., Volume]


def test_a_tree_to_edit_is_like_its_origin_which_no_edit_reaches(driver: Driver, publish: Publish) -> None:
    volume = publish()
    origin = driver.path(volume)
    make_rich_tree(origin)
    is_shared = driver.stage_to_edit("e-0", Origin(volume=volume))
    staged = driver.staged_path("e-0")
    assert (inode(staged / "data/caps") == inode(origin / "data/caps")) is is_shared
    edit(staged / "data", "caps", b"changed")
    edit(staged / "data", "file", b"changed, and it has two names here")
    assert (origin / "data/caps").read_bytes() == b"\x7fELF"
    assert (origin / "data/file").read_bytes() == b"hello\n" * 1000
    driver.swap("e-0", volume)
    driver.discard("e-0")
    assert (driver.path(volume) / "data/caps").read_bytes() == b"changed"
    assert driver.staged_tokens() == []


def test_a_clone_of_a_tree_to_edit_stands_alone(driver: Driver, publish: Publish) -> None:
    volume = publish()
    make_rich_tree(driver.path(volume))
    origin = Origin(volume=volume)
    is_shared = driver.stage_to_edit("e-0", origin)
    clone = driver.stage("c-0", Origin(volume=volume, staged="e-0"), relative=origin if is_shared else None)
    driver.discard("e-0")
    assert differences(describe(driver.path(volume)), describe(clone)) == []
    assert inode(clone / "data/caps") != inode(driver.path(volume) / "data/caps")


def inode(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_dev, facts.st_ino


def edit(folder: Path, name: str, content: bytes) -> None:
    """Change a file as the receiver of a tree does."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        facts = facts_of(directory, name)
        assert facts is not None
        with opened_alone(directory, name, facts, ContentCopier(lambda _: None)) as descriptor:
            os.pwrite(descriptor, content, 0)
            os.ftruncate(descriptor, len(content))
            Dress(facts.st_mode, 1, 2, facts.st_mtime_ns, {}).put_on(descriptor)
    finally:
        os.close(directory)
