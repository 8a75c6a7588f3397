"""Transfers that are cut, or whose servers die: nothing half-made stays, and an old copy is whole until the swap.

A client of our own relays the frames, so that the harm is done at a known one of them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from holdfast.service.crashpoints import ALL_POINTS, VARIABLE
from support.frame_relay import Relay
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.invariants import violations
from support.lxd import require_lxd
from support.pools import rootfs
from support.trees import describe, differences

pytestmark = [pytest.mark.root, pytest.mark.needs("rsync", "mkfs.btrfs")]
POINTS = 20


@dataclass(frozen=True)
class Scene:
    """A source with the stopped instance `victim` (snapshots `one` and `two`), and a target, in one kind of pool."""

    source: HoldfastServer
    target: HoldfastServer
    pool: str

    def relay(self, at: int | None = None, **more: object) -> Relay:
        return Relay(self.source, self.target, at, **more)  # type: ignore[arg-type]

    def copy(self, relay: Relay) -> str:
        return relay.copy("victim", "taken")

    def differing(self, *snapshots: str, source: str = "victim") -> list[str]:
        """Return what is not equal in the copy and the named snapshots of it."""
        return [
            f"{snapshot}: {line}"
            for snapshot in (*snapshots, "")
            for line in differences(
                describe(rootfs(self.source, self.pool, source, snapshot)),
                describe(rootfs(self.target, self.pool, "taken", snapshot)),
            )
        ]

    def check_absent_or_whole(self, error: str) -> None:
        """A target that was through before the harm, or died when all was recorded, has all of it; others nothing."""
        if "taken" in self.names():
            assert error in ("", "gone")
            assert self.differing("one", "two") == []
            self.target.lxc.run("delete", "taken")
        else:
            assert error

    def names(self) -> set[str]:
        return set(self.target.lxc.run("list", "--format", "csv", "-c", "n").split())


@pytest.fixture(scope="module", params=["default", pytest.param("bt", marks=pytest.mark.long)])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "s") as source, HoldfastServer(directory / "t") as target:
        for server in (source, target):
            server.lxc.run("profile", "device", "set", "default", "root", f"pool={request.param}")
        source.lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        source.lxc.run("init", "tiny", "victim")
        tree = rootfs(source, request.param, "victim")
        for name in ("one", "two"):
            (tree / f"root/{name}").write_bytes(os.urandom(700_000))
            source.lxc.run("snapshot", "victim", name)
        yield Scene(source, target, request.param)
    shutil.rmtree(directory)


@pytest.fixture
def clean(scene: Scene) -> Iterator[None]:
    yield
    scene.target.lxc.run("delete", "taken", expect=None)


def points(frames: int) -> list[int]:
    """Return the frames at which to harm, from the first to the last; how many there are varies with their sizes."""
    count = min(POINTS, frames)
    return sorted({1 + (frames - 1) * number // (count - 1) for number in range(count)})


@pytest.mark.usefixtures("clean")
def test_cuts_of_a_copy(scene: Scene) -> None:
    whole = scene.relay()
    assert scene.copy(whole) == ""
    assert scene.differing("one", "two") == []
    scene.target.lxc.run("delete", "taken")
    failed = 0
    for at in points(whole.frames):
        error = scene.copy(scene.relay(at))
        failed += bool(error)
        scene.check_absent_or_whole(error)
        assert (violations(scene.source), violations(scene.target)) == ([], []), f"frame {at}: {error}"
    assert failed >= POINTS // 2
    assert scene.copy(scene.relay()) == ""
    assert scene.differing("one", "two") == []


@pytest.mark.usefixtures("clean")
def test_threat_a_cut_refresh_between_servers_leaves_the_old_copy(scene: Scene) -> None:
    """The old copy with its snapshots is what it was, after each of them; then the refresh goes through."""
    try:
        scene.source.lxc.run("copy", "victim", "grown")
        assert scene.relay().copy("grown", "taken") == ""
        tree = rootfs(scene.source, scene.pool, "grown")
        scene.source.lxc.run("delete", "grown/one")
        (tree / "root/more").write_bytes(os.urandom(700_000))
        scene.source.lxc.run("snapshot", "grown", "three")
        (tree / "root/more").write_bytes(os.urandom(700_000))
        before = [describe(rootfs(scene.target, scene.pool, "taken", name)) for name in ("one", "two", "")]
        at, reached = 1, 0
        while error := scene.relay(at).copy("grown", "taken", refresh=True):
            found = [describe(rootfs(scene.target, scene.pool, "taken", name)) for name in ("one", "two", "")]
            assert found == before, f"frame {at}: {error}"
            assert (violations(scene.source), violations(scene.target)) == ([], []), f"frame {at}: {error}"
            at, reached = at + max(1, at // 6), reached + 1
        assert reached >= 10
        assert scene.differing("two", "three", source="grown") == []
        assert violations(scene.target) == []
    finally:
        scene.source.lxc.run("delete", "grown")


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("which", ["source", "target"])
def test_a_cancel(scene: Scene, which: str) -> None:
    """Either side can be told to stop; both are clean then."""
    server = scene.source if which == "source" else scene.target

    def cancel() -> None:
        for url in json.loads(server.lxc.run("query", "/1.0/operations"))["running"]:
            server.lxc.run("query", "-X", "DELETE", url)

    error = scene.copy(scene.relay(12, harm=cancel))
    assert error == "The operation was cancelled" if which == "target" else error
    assert scene.names() == set()
    assert (violations(scene.source), violations(scene.target)) == ([], [])


@pytest.mark.long
@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("which", ["source", "target"])
def test_a_server_dies(scene: Scene, which: str) -> None:
    """At twenty frames: after the next start neither side has anything left of it."""
    server = scene.source if which == "source" else scene.target
    whole = scene.relay()
    assert scene.copy(whole) == ""
    scene.target.lxc.run("delete", "taken")
    failed = 0
    for at in points(whole.frames):
        error = scene.copy(scene.relay(at, harm=server.kill))
        if server.is_alive():  # this time it took fewer frames
            server.kill()
        server.start()
        failed += bool(error)
        scene.check_absent_or_whole(error)
        assert (violations(scene.source), violations(scene.target)) == ([], []), f"frame {at}: {error}"
    assert failed >= POINTS // 2
    assert scene.copy(scene.relay()) == ""


@pytest.mark.long
@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(
    "point", [each for each in ALL_POINTS if each.startswith(("instance-create:", "instance-refresh:"))]
)
def test_the_target_dies_at_each_step(scene: Scene, point: str) -> None:
    is_refresh = point.startswith("instance-refresh")
    if is_refresh:
        assert scene.copy(scene.relay()) == ""
        (rootfs(scene.source, scene.pool, "victim") / "root/new").write_text(point)
    scene.target.stop()
    scene.target.start(**{VARIABLE: point})
    assert scene.relay().copy("victim", "taken", refresh=is_refresh) == "gone"
    assert scene.target.wait_for_death() == -9
    scene.target.start()
    assert (violations(scene.source), violations(scene.target)) == ([], [])
    if not is_refresh and not point.endswith("committed"):
        assert scene.names() == set()
    assert scene.relay().copy("victim", "taken", refresh=True) == ""
    assert scene.differing("one", "two") == []
