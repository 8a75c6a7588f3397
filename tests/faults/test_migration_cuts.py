"""Transfers that are cut, or whose servers die: nothing half-made stays, and an old copy is whole until the swap.

A client of our own relays the frames, so that the harm is done at a known one of them. When it dies all connections
are cut at once: that is its harm, and the line's.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from holdfast.service.crashpoints import ALL_POINTS
from support.crossing import KINDS, Kind, fill
from support.frame_relay import Relay
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.invariants import violations
from support.lxd import require_lxd
from support.trees import Entry, describe, differences

pytestmark = [pytest.mark.root, pytest.mark.needs("rsync", "mkfs.btrfs")]
POINTS = 20
PIECE = 700_000
PLACES = [(kind, pool) for kind in KINDS for pool in ("default", "bt")]
SHORT = (("instance", "default"), ("volume", "bt"))
"""Where something is tried without `--all`, too."""


def _at(place: tuple[str, str], *values: str, is_long: bool = False) -> object:
    marks = (pytest.mark.long,) if is_long or place not in SHORT else ()
    return pytest.param(place, *values, id="-".join((*place, *values)), marks=marks)


everywhere = pytest.mark.parametrize("scene", [_at(place) for place in PLACES], indirect=True)
whoever_dies = pytest.mark.parametrize(
    ("scene", "which"),
    [
        _at(place, which, is_long=which != "client")
        for place in PLACES
        for which in ("client", "source", "target")
        if which == "client" or place[0] != "block"  # for servers volumes of both kinds are the same
    ],
    indirect=["scene"],
    scope="module",
)


@dataclass(frozen=True)
class Scene:
    """A source with `victim`, something of one kind (snapshots `one` and `two`), and a target, in one kind of pool."""

    source: HoldfastServer
    target: HoldfastServer
    kind: Kind
    pool: str

    def server(self, which: str) -> HoldfastServer:
        return self.source if which == "source" else self.target

    def copy(
        self, name: str = "victim", taken: str = "taken", at: int | None = None, *, refresh: bool = False
    ) -> tuple[str, int]:
        """Copy or refresh, cut at a frame; return how that ended for the target, and how many frames there were."""
        relay = Relay(self.source, self.target, at)
        return self.kind.copy(relay, self.pool, name, taken, refresh=refresh), relay.frames

    def harm(self, which: str, at: int, name: str, faults: Counter[str], *, refresh: bool) -> str:
        """Let the client or a server die at a frame, or when all is over, and start it; return how that ended."""
        relay = Relay(self.source, self.target, at)
        if which != "client":
            relay.harm = self.server(which).kill
        error = self.kind.copy(relay, self.pool, name, "taken", refresh=refresh)
        if which != "client":
            if self.server(which).is_alive():  # this time it took fewer frames
                self.server(which).kill()
            self.server(which).start()
        elif relay.frames < at:
            return error
        faults[f"{which} dies in a {'refresh' if refresh else 'copy'} to another server ({self.kind.title})"] += 1
        return error

    def differing(self, *snapshots: str, source: str = "victim") -> list[str]:
        """Return what is not equal in the copy and the named snapshots of it."""
        return [
            f"{snapshot}: {line}"
            for snapshot in (*snapshots, "")
            for line in differences(
                self.content(self.source, source, snapshot), self.content(self.target, "taken", snapshot)
            )
        ]

    def described(self, *snapshots: str) -> list[dict[str, Entry]]:
        """Return what the copy and the named snapshots of it are."""
        return [self.content(self.target, "taken", name) for name in (*snapshots, "")]

    def content(self, server: HoldfastServer, name: str, snapshot: str) -> dict[str, Entry]:
        found = describe(self.kind.tree(server, self.pool, name, snapshot))
        if self.kind is KINDS["block"]:  # of a disk only the bytes cross, unless it comes by streams
            found = {each: replace(entry, mtime_ns=0) for each, entry in found.items()}
        return found

    def check_absent_or_whole(self, error: str) -> None:
        """A target that was through before the harm, or died when all was recorded, has all of it; others nothing."""
        if "taken" in self.names():
            assert error in ("", "gone")
            assert self.differing("one", "two") == []
            self.kind.delete(self.target, self.pool, "taken")
        else:
            assert error

    def check_promises(self, told: str) -> None:
        assert (violations(self.source), violations(self.target)) == ([], []), told

    def names(self) -> set[str]:
        return self.kind.names(self.target, self.pool)

    def grow(self, name: str) -> None:
        """Do what a refresh has to bring: a snapshot that went, a new one, changes before and after it."""
        large = self.kind.large(self.source, self.pool, name)
        self.kind.delete(self.source, self.pool, f"{name}/one")
        fill(large, PIECE, at_bytes=2 * PIECE)
        self.kind.snapshot(self.source, self.pool, name, "three")
        fill(large, PIECE, at_bytes=3 * PIECE)


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[HoldfastServer, HoldfastServer]]:
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "s") as source, HoldfastServer(directory / "t") as target:
        source.lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        yield source, target
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def scene(servers: tuple[HoldfastServer, HoldfastServer], request: pytest.FixtureRequest) -> Iterator[Scene]:
    name, pool = request.param
    found = Scene(*servers, KINDS[name], pool)
    for server in servers:
        server.lxc.run("profile", "device", "set", "default", "root", f"pool={pool}")
    found.kind.make(found.source, pool, "victim")
    for number, snapshot in enumerate(("one", "two")):
        fill(found.kind.large(found.source, pool, "victim"), PIECE, at_bytes=number * PIECE)
        found.kind.snapshot(found.source, pool, "victim", snapshot)
    yield found
    found.kind.delete(found.source, pool, "victim")


@pytest.fixture
def clean(scene: Scene) -> Iterator[None]:
    yield
    for name in ("taken", "counted"):
        scene.kind.delete(scene.target, scene.pool, name)


def points(frames: int) -> list[int]:
    """Return the frames at which to harm, from the first to the last; how many there are varies with their sizes."""
    count = min(POINTS, frames)
    return sorted({1 + (frames - 1) * number // (count - 1) for number in range(count)})


@pytest.mark.usefixtures("clean")
@whoever_dies
def test_harm_in_a_copy(scene: Scene, faults: Counter[str], which: str) -> None:
    """At twenty frames: neither side has anything left of it, or the target all; then the copy goes through."""
    error, frames = scene.copy()
    assert error == ""
    assert scene.differing("one", "two") == []
    scene.kind.delete(scene.target, scene.pool, "taken")
    failed = 0
    for at in points(frames):
        error = scene.harm(which, at, "victim", faults, refresh=False)
        failed += bool(error)
        scene.check_absent_or_whole(error)
        scene.check_promises(f"frame {at}: {error}")
    assert failed >= POINTS // 2
    assert scene.copy()[0] == ""
    assert scene.differing("one", "two") == []


@pytest.mark.usefixtures("clean")
@whoever_dies
def test_threat_a_cut_refresh_between_servers_leaves_the_old_copy(
    scene: Scene, faults: Counter[str], which: str
) -> None:
    """At twenty frames the old copy with its snapshots is what it was, until one is through, or the refresh then is."""
    scene.kind.duplicate(scene.source, scene.pool, "victim", "grown")
    try:
        for taken in ("counted", "taken"):
            assert scene.copy("grown", taken)[0] == ""
        scene.grow("grown")
        error, frames = scene.copy("grown", "counted", refresh=True)
        assert error == ""
        before, failed = scene.described("one", "two"), 0
        for at in points(frames):
            error = scene.harm(which, at, "grown", faults, refresh=True)
            scene.check_promises(f"frame {at}: {error}")
            if error in ("", "gone") and not scene.kind.tree(scene.target, scene.pool, "taken", "one").exists():
                break  # all was recorded before
            assert error
            assert scene.described("one", "two") == before, f"frame {at}: {error}"
            failed += 1
        assert failed >= POINTS // 2
        assert scene.copy("grown", refresh=True)[0] == ""
        assert scene.differing("two", "three", source="grown") == []
        scene.check_promises("at the end")
    finally:
        scene.kind.delete(scene.source, scene.pool, "grown")


@everywhere
@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("which", ["source", "target"])
def test_a_cancel(scene: Scene, which: str) -> None:
    """Either side can be told to stop; both are clean then. A source may have sent all when it hears of it."""
    server, whole = scene.server(which), Relay(scene.source, scene.target)
    assert scene.kind.copy(whole, scene.pool, "victim", "taken") == ""
    scene.kind.delete(scene.target, scene.pool, "taken")

    cancelled: list[str] = []

    def cancel() -> None:
        for url in json.loads(server.lxc.run("query", "/1.0/operations") or "{}").get("running", []):
            server.lxc.run("query", "-X", "DELETE", url)
            cancelled.append(url)

    relay = Relay(scene.source, scene.target, harm=cancel, at_bytes=whole.moved_bytes // 2)
    error = scene.kind.copy(relay, scene.pool, "victim", "taken")
    assert len(cancelled) == 1
    if which == "target":
        assert error == "The operation was cancelled"
    elif not error:
        assert relay.source_error == "The operation was cancelled"
    scene.check_absent_or_whole(error)
    scene.check_promises(error)


STEPS = [
    point.removeprefix("instance-")
    for point in ALL_POINTS
    if point.startswith(("instance-create:", "instance-refresh:"))
]


@everywhere
@pytest.mark.long
@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("step", STEPS)
def test_the_target_dies_at_each_step(scene: Scene, faults: Counter[str], step: str) -> None:
    is_refresh, point = step.startswith("refresh"), f"{scene.kind.noun}-{step}"
    if is_refresh:
        assert scene.copy()[0] == ""
        fill(scene.kind.large(scene.source, scene.pool, "victim"), 1000)
    scene.target.crash_at(point)
    assert scene.copy(refresh=is_refresh)[0] == "gone"
    assert scene.target.wait_for_death() == -9
    scene.target.start()
    faults[f"target dies at a step ({scene.kind.title})"] += 1
    scene.check_promises(point)
    if not is_refresh and not point.endswith("committed"):
        assert "taken" not in scene.names()
    assert scene.copy(refresh=True)[0] == ""
    assert scene.differing("one", "two") == []


def test_volumes_have_the_same_steps() -> None:
    """A step that only they have would be a hole in this test."""
    prefixes = ("volume-create:", "volume-refresh:")
    assert [point.removeprefix("volume-") for point in ALL_POINTS if point.startswith(prefixes)] == STEPS
