"""Refreshes between two servers on btrfs without a snapshot on both sides: differences to what crossed last.

Of instances, and of custom volumes of files and of blocks.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.crossing import KINDS, Kind, fill
from support.frame_relay import Relay
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.invariants import violations
from support.trees import describe, differences

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs")]
LARGE = 4 * 2**20


@dataclass(frozen=True)
class Scene:
    """Two servers; `work` of the first, with a large file, is to be copied to the second as `copy`."""

    source: HoldfastServer
    target: HoldfastServer
    kind: Kind

    @property
    def is_block(self) -> bool:
        return self.kind is KINDS["block"]

    def change(self, text: str) -> None:
        """Write into the middle of the large file, and a small one."""
        large = self.kind.large(self.source, "bt", "work")
        with large.open("r+b") as file:
            file.seek(LARGE // 2)
            file.write(text.encode())
        if not self.is_block:
            large.with_name("small").write_text(text)

    def transfer(self, name: str = "copy", *, refresh: bool = True, alone: bool = False) -> int:
        """Copy or refresh; return how many bytes crossed, with what goes along and answers. Trees are equal then."""
        relay = Relay(self.source, self.target)
        assert self.kind.copy(relay, "bt", "work", name, refresh=refresh, alone=alone) == ""
        assert relay.source_error == ""
        assert self.differing(name) == []
        assert (violations(self.source), violations(self.target)) == ([], [])
        return relay.moved_bytes

    def harmed(self, at: int | None = None) -> tuple[str, int]:
        """Refresh, cut at a frame; return how that ended, and how many frames there were."""
        relay = Relay(self.source, self.target, at)
        return self.kind.copy(relay, "bt", "work", "copy", refresh=True), relay.frames

    def copied(self, name: str = "copy", snapshot: str = "") -> Path:
        return self.kind.tree(self.target, "bt", name, snapshot)

    def differing(self, name: str = "copy", snapshot: str = "") -> list[str]:
        wanted = describe(self.kind.tree(self.source, "bt", "work", snapshot))
        return differences(wanted, describe(self.copied(name, snapshot)))


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


@pytest.fixture(params=KINDS)
def scene(servers: tuple[HoldfastServer, HoldfastServer], request: pytest.FixtureRequest) -> Iterator[Scene]:
    """A copy was made; nothing of it stays at the end."""
    found = Scene(*servers, KINDS[request.param])
    found.kind.make(found.source, "bt", "work")
    fill(found.kind.large(found.source, "bt", "work"), LARGE)
    assert found.transfer(refresh=False) > LARGE
    yield found
    for server, names in ((found.source, ("work",)), (found.target, ("copy", "other"))):
        server.lxc.run("storage", "set", "bt", "btrfs.keep_bases=")
        for name in names:
            found.kind.delete(server, "bt", name)
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
    scene.kind.large(scene.target, "bt", "copy").write_bytes(b"mine")
    (scene.copied() / "own").mkdir()
    scene.change("theirs")
    assert scene.transfer() < LARGE / 16


def test_a_restore_at_the_source(scene: Scene) -> None:
    scene.kind.snapshot(scene.source, "bt", "work", "before")
    scene.change("gone again")
    scene.transfer(alone=True)
    scene.kind.restore(scene.source, "bt", "work", "before")
    scene.change("after")
    assert scene.transfer(alone=True) < LARGE / 16


def test_snapshots_build_on_it_too(scene: Scene) -> None:
    """Also where the source has none any more that the target has."""
    scene.change("one")
    scene.kind.snapshot(scene.source, "bt", "work", "first")
    scene.change("two")
    assert scene.transfer() < LARGE / 16
    assert scene.differing(snapshot="first") == []
    scene.kind.delete(scene.source, "bt", "work/first")
    scene.change("three")
    scene.kind.snapshot(scene.source, "bt", "work", "second")
    assert scene.transfer() < LARGE / 16


@pytest.mark.parametrize("scene", [kind for kind in KINDS if kind != "block"], indirect=True)
def test_threat_a_source_that_became_another_one(scene: Scene) -> None:
    """A refresh from its twin, in which the same numbers stand for other files of the same transaction."""
    work = "work" if scene.kind is KINDS["instance"] else "bt/work"
    twin = work.replace("work", "twin")
    words = ("copy",) if twin == "twin" else ("storage", "volume", "copy")
    scene.kind.duplicate(scene.source, "bt", "work", "twin")
    tops = [scene.kind.large(scene.source, "bt", name).parent for name in ("work", "twin")]
    for top in tops:
        (top / "x").symlink_to(top)
    os.mkfifo(tops[0] / "y")
    (tops[1] / "y").symlink_to("y")
    scene.transfer()
    assert scene.source.holdfast(*words, twin, work, "--refresh").returncode == 0
    scene.transfer()
    scene.kind.delete(scene.source, "bt", "twin")


@pytest.mark.parametrize("scene", [kind for kind in KINDS if kind != "block"], indirect=True)
def test_set_id_bits_of_files_that_get_another_owner(scene: Scene) -> None:
    """`btrfs send` has no mode where the owner alone is another one, and changing that takes the bits away."""
    top = scene.kind.large(scene.source, "bt", "work").parent
    (top / "programs").mkdir()
    for name in ("one", "other", "plain"):
        (top / "programs" / name).write_text(name)
        (top / "programs" / name).chmod(0o6755)
    os.link(top / "programs/other", top / "linked")
    scene.transfer()
    for name, mode in (("one", 0o6755), ("other", 0o6755), ("plain", 0o755)):
        os.chown(top / "programs" / name, 1000, 1001)
        (top / "programs" / name).chmod(mode)
    (top / "programs/other").unlink()
    (top / "programs").rename(top / "moved")
    (top / "programs").mkdir()
    (top / "programs/one").write_text("another file in its place")
    assert scene.transfer() < LARGE / 16


def test_a_source_that_is_a_copy_of_the_former_one(scene: Scene) -> None:
    """Its snapshots are the same by name and time, but not those that differences can build on."""
    scene.kind.snapshot(scene.source, "bt", "work", "first")
    scene.transfer()
    scene.kind.duplicate(scene.source, "bt", "work", "twin")
    scene.kind.delete(scene.source, "bt", "work")
    scene.kind.rename(scene.source, "bt", "twin", "work")
    for text in ("one", "two"):
        scene.change(text)
        scene.transfer()
    scene.kind.snapshot(scene.source, "bt", "work", "second")
    scene.transfer()
    assert scene.differing(snapshot="second") == []


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
    error, frames = scene.harmed()
    assert error == ""
    scene.change("two")
    _, last = scene.harmed(frames)  # the word of the target, or a farewell behind it
    assert last >= frames - 2
    scene.change("three")
    assert scene.transfer() < LARGE / 16


def test_nothing_is_kept_where_that_is_switched_off(scene: Scene) -> None:
    scene.source.lxc.run("storage", "set", "bt", "btrfs.keep_bases=false")
    scene.change("one")
    scene.transfer()  # builds on what is still there, and keeps nothing new
    scene.target.lxc.run("storage", "set", "bt", "btrfs.keep_bases=false")
    scene.kind.delete(scene.target, "bt", "copy")
    scene.transfer(refresh=False)
    assert bases(scene.target) == set()


def test_a_copy_that_moves_to_another_pool(scene: Scene) -> None:
    scene.kind.move(scene.target, "bt", "copy", "default")
    assert bases(scene.target) == set()
    scene.kind.move(scene.target, "default", "copy", "bt")
    scene.change("one")
    crossed = scene.transfer()
    if scene.is_block:  # a disk goes whole then, by streams, so that the next time is a difference again
        assert crossed > LARGE
        scene.change("two")
        crossed = scene.transfer()
    assert crossed < LARGE / 16


def test_a_copy_that_is_renamed(scene: Scene) -> None:
    scene.kind.rename(scene.target, "bt", "copy", "other")
    scene.kind.rename(scene.source, "bt", "work", "former")
    scene.kind.rename(scene.source, "bt", "former", "work")
    scene.change("one")
    assert scene.transfer("other") < LARGE / 16
    assert len(bases(scene.target)) == 2


def test_threat_a_difference_that_is_cut_leaves_the_old_copy(scene: Scene) -> None:
    """At every frame; each time what is kept is as it was, and in the end the difference goes through."""
    scene.change("one")
    before, kept = describe(scene.copied()), bases(scene.target)
    at = 1
    while scene.harmed(at)[0]:
        assert describe(scene.copied()) == before, f"frame {at}"
        assert (violations(scene.source), violations(scene.target)) == ([], []), f"frame {at}"
        assert bases(scene.target) == kept, f"frame {at}"
        at += 1
    assert at >= 8
    assert scene.differing() == []
    scene.change("two")
    assert scene.transfer() < LARGE / 16


def test_threat_a_difference_that_fails_at_its_end(scene: Scene) -> None:
    """What is kept is as it was, nothing else is left, and the next difference is no larger."""
    scene.change("one")
    kept = bases(scene.target)
    scene.target.fail_at(f"{scene.kind.noun}-refresh:staged", "ENOSPC")
    assert scene.harmed()[0]
    assert scene.target.has_failed()
    assert (violations(scene.source), violations(scene.target)) == ([], [])
    assert bases(scene.target) == kept
    assert scene.transfer() < LARGE / 16
