"""Refreshes between two servers on btrfs without a snapshot on both sides: differences to what crossed last."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.frame_relay import Relay
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.invariants import violations
from support.pools import rootfs
from support.trees import describe, differences

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs")]
LARGE = 4 * 2**20


@dataclass(frozen=True)
class Scene:
    """Two servers; the instance `work` of the first, with a large file, is to be copied to the second as `copy`."""

    source: HoldfastServer
    target: HoldfastServer

    @property
    def tree(self) -> Path:
        return rootfs(self.source, "bt", "work")

    def change(self, text: str) -> None:
        """Write into the middle of the large file, and a small one."""
        with (self.tree / "root/large").open("r+b") as file:
            file.seek(LARGE // 2)
            file.write(text.encode())
        (self.tree / "root/small").write_text(text)

    def transfer(self, name: str = "copy", *, refresh: bool = True, **options: object) -> int:
        """Copy or refresh; return how many bytes crossed, with what goes along and answers. Trees are equal then."""
        relay = Relay(self.source, self.target)
        assert relay.copy("work", name, refresh=refresh, **options) == ""
        assert relay.source_error == ""
        assert self.differing(name) == []
        assert (violations(self.source), violations(self.target)) == ([], [])
        return relay.moved_bytes

    def differing(self, name: str = "copy") -> list[str]:
        return differences(describe(self.tree), describe(rootfs(self.target, "bt", name)))


def bases(server: HoldfastServer, pool: str = "bt") -> set[str]:
    return set(os.listdir(server.directory / "storage-pools" / pool / ".bases"))


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[HoldfastServer, HoldfastServer]]:
    directory = short_directory()
    with HoldfastServer(directory / "s") as source, HoldfastServer(directory / "t") as target:
        for server in (source, target):
            server.lxc.run("profile", "device", "set", "default", "root", "pool=bt")
        source.lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        yield source, target
    shutil.rmtree(directory)


@pytest.fixture
def scene(servers: tuple[HoldfastServer, HoldfastServer]) -> Iterator[Scene]:
    """A copy was made; nothing of it stays at the end."""
    found = Scene(*servers)
    found.source.lxc.run("init", "tiny", "work")
    (found.tree / "root/large").write_bytes(os.urandom(LARGE))
    assert found.transfer(refresh=False) > LARGE
    yield found
    for server, names in ((found.source, ("work",)), (found.target, ("copy", "other"))):
        server.lxc.run("storage", "set", "bt", "btrfs.keep_bases=")
        for name in names:
            server.lxc.run("delete", "--force", name, expect=None)
        assert bases(server) == set()
        assert violations(server) == []


def test_a_refresh_sends_the_difference_alone(scene: Scene) -> None:
    for text in ("one", "two", "three"):
        scene.change(text)
        assert scene.transfer() < LARGE / 16
        assert (len(bases(scene.source)), len(bases(scene.target))) == (1, 2)
    assert scene.transfer() < 20_000


def test_what_was_done_with_the_copy_goes(scene: Scene) -> None:
    """The difference is to what came, not to what the copy is meanwhile."""
    (rootfs(scene.target, "bt", "copy") / "root/large").write_bytes(b"mine")
    (rootfs(scene.target, "bt", "copy") / "root/own").mkdir()
    scene.change("theirs")
    assert scene.transfer() < LARGE / 16


def test_a_restore_at_the_source(scene: Scene) -> None:
    scene.source.lxc.run("snapshot", "work", "before")
    scene.change("gone again")
    scene.transfer(instance_only=True)
    scene.source.lxc.run("restore", "work", "before")
    scene.change("after")
    assert scene.transfer(instance_only=True) < LARGE / 16


def test_snapshots_build_on_it_too(scene: Scene) -> None:
    """Also where the source has none any more that the target has."""
    scene.change("one")
    scene.source.lxc.run("snapshot", "work", "first")
    scene.change("two")
    assert scene.transfer() < LARGE / 16
    one, other = (
        rootfs(server, "bt", name, "first") for server, name in ((scene.source, "work"), (scene.target, "copy"))
    )
    assert differences(describe(one), describe(other)) == []
    scene.source.lxc.run("delete", "work/first")
    scene.change("three")
    scene.source.lxc.run("snapshot", "work", "second")
    assert scene.transfer() < LARGE / 16


def test_set_id_bits_of_files_that_get_another_owner(scene: Scene) -> None:
    """`btrfs send` has no mode where the owner alone is another one, and changing that takes the bits away."""
    folder = scene.tree / "usr/programs"
    folder.mkdir(parents=True)
    for name in ("one", "other", "plain"):
        (folder / name).write_text(name)
        (folder / name).chmod(0o6755)
    os.link(folder / "other", scene.tree / "root/linked")
    scene.transfer()
    for name, mode in (("one", 0o6755), ("other", 0o6755), ("plain", 0o755)):
        os.chown(folder / name, 1000, 1001)
        (folder / name).chmod(mode)
    (folder / "other").unlink()
    folder.rename(scene.tree / "usr/moved")
    folder.mkdir()
    (folder / "one").write_text("another file in its place")
    scene.transfer()
    assert (rootfs(scene.target, "bt", "copy") / "usr/moved/one").stat().st_mode & 0o7777 == 0o6755


def test_two_copies_have_one_each(scene: Scene) -> None:
    scene.transfer("other", refresh=False)
    for text in ("one", "two"):
        scene.change(text)
        for name in ("copy", "other"):
            assert scene.transfer(name) < LARGE / 16

    assert len(bases(scene.source)) == 2


def test_a_source_that_did_not_hear_of_the_end(scene: Scene) -> None:
    """The target has what crossed before, too."""
    scene.change("one")

    def harmed(at: int) -> Relay:
        relay = Relay(scene.source, scene.target, at)
        relay.copy("work", "copy", refresh=True)
        return relay

    counting = Relay(scene.source, scene.target)
    assert counting.copy("work", "copy", refresh=True) == ""
    scene.change("two")
    last = harmed(counting.frames).frames  # the word of the target, or a farewell behind it
    assert last >= counting.frames - 2
    scene.change("three")
    assert scene.transfer() < LARGE / 16


def test_nothing_is_kept_where_that_is_switched_off(scene: Scene) -> None:
    scene.source.lxc.run("storage", "set", "bt", "btrfs.keep_bases=false")
    scene.change("one")
    scene.transfer()  # builds on what is still there, and keeps nothing new
    scene.target.lxc.run("storage", "set", "bt", "btrfs.keep_bases=false")
    scene.target.lxc.run("delete", "copy")
    scene.transfer(refresh=False)
    assert bases(scene.target) == set()


def test_a_copy_that_moves_to_another_pool(scene: Scene) -> None:
    scene.target.lxc.run("move", "copy", "--storage", "default", "copy")
    assert bases(scene.target) == set()
    scene.target.lxc.run("move", "copy", "--storage", "bt", "copy")
    scene.change("one")
    assert scene.transfer() < LARGE / 16  # by blocks


def test_threat_a_difference_that_is_cut_leaves_the_old_copy(scene: Scene) -> None:
    """At every frame; each time what is kept is as it was, and in the end the difference goes through."""
    scene.change("one")
    before, kept = describe(rootfs(scene.target, "bt", "copy")), bases(scene.target)
    at = 1
    while Relay(scene.source, scene.target, at).copy("work", "copy", refresh=True):
        assert describe(rootfs(scene.target, "bt", "copy")) == before, f"frame {at}"
        assert (violations(scene.source), violations(scene.target)) == ([], []), f"frame {at}"
        assert bases(scene.target) == kept, f"frame {at}"
        at += 1
    assert at >= 8
    assert scene.differing() == []
    scene.change("two")
    assert scene.transfer() < LARGE / 16
