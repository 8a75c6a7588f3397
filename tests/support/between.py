"""Two servers of ours, a real LXD, and the real client that knows all of them: what transfers are tried between."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.lxd import LxcClient, LxdServer, require_lxd
from support.missed_end import MissedEndError
from support.relay import add_https, relaying
from support.rich import Server
from support.trees import Entry
from support.waiting import await_true

WAYS = [("h", "i"), ("h", "l"), ("l", "h")]
"""From whom to whom: `h` and `i` are ours, `l` is LXD. With an `s` before it is the same by HTTPS."""
MODES = ["relay", "pull", "push"]
POOLS = [("default", "default"), ("bt", "bt"), ("default", "bt"), ("bt", "default")]


@dataclass(frozen=True)
class World:
    """The servers, and the client."""

    ours: HoldfastServer
    other: HoldfastServer
    theirs: LxdServer
    lxc: LxcClient

    def server(self, remote: str) -> Server:
        return {"h": self.ours, "i": self.other, "l": self.theirs}[remote[-1]]


@contextmanager
def servers() -> Iterator[World]:
    """Start everything, with the image `tiny` where instances are made."""
    require_lxd()
    directory = short_directory()
    image = make_tiny_image(directory / "tiny.tar.gz")
    with (
        HoldfastServer(directory / "h") as ours,
        HoldfastServer(directory / "i") as other,
        LxdServer(directory / "l") as theirs,
    ):
        for server in (ours, theirs):
            server.lxc.run("image", "import", image, "--alias", "tiny")
        lxc = relaying(directory / "relay", lxd=("l", "sl"), h=ours.socket, i=other.socket, l=theirs.socket)
        add_https(lxc, sh=ours, si=other, sl=theirs)
        yield World(ours, other, theirs, lxc)
    shutil.rmtree(directory)


@contextmanager
def two_of_ours() -> Iterator[dict[str, HoldfastServer]]:
    """Start two servers, `h` and `i`, which listen at HTTPS and have the image `tiny`."""
    directory = short_directory()
    image = make_tiny_image(directory / "tiny.tar.gz")
    with HoldfastServer(directory / "h") as one, HoldfastServer(directory / "i") as other:
        for server in (one, other):
            server.lxc.run("image", "import", image, "--alias", "tiny")
        add_https(relaying(directory / "relay", h=one.socket, i=other.socket), sh=one, si=other)
        yield {"h": one, "i": other}
    shutil.rmtree(directory)


def remotes_of(source: str, target: str, mode: str) -> tuple[str, str]:
    """Return the names of the remotes with which the client can do it in this mode."""
    return (source, target) if mode == "relay" else (f"s{source}", f"s{target}")


def as_lxd_carries(entries: dict[str, Entry]) -> dict[str, Entry]:
    """Leave out what real LXD loses on the way: hard links become files of their own, and ACLs are lost."""
    return {
        name: replace(entry, links="", xattrs=tuple(each for each in entry.xattrs if "posix_acl" not in each[0]))
        for name, entry in entries.items()
        if name != "data/acl"
    }


def remove(server: Server, name: str) -> None:
    """Delete an instance that may be there; a transfer of it may just be ending."""
    await_true(lambda: is_done(server, "delete", "--force", name) or is_gone(server, name), "deletion", 120)


def is_gone(server: Server, name: str) -> bool:
    return not is_done(server, "info", name)


def is_done(server: Server, *words: str) -> bool:
    """Run a command; tell whether it says that it was done. A client of LXD that missed the end can't say so."""
    try:
        return server.lxc.result(*words).returncode == 0
    except MissedEndError:
        return False


def remove_volume(server: Server, pool: str, name: str) -> None:
    """Delete a custom volume that may be there."""
    volume = ("storage", "volume")
    await_true(
        lambda: is_done(server, *volume, "delete", pool, name) or not is_done(server, *volume, "show", pool, name),
        "deletion",
        120,
    )


def matrix() -> list[object]:
    """Return (source, target, pools of both, mode) of all copies; what a short form needn't have is marked as long."""
    found: list[object] = []
    for row, pools in enumerate(POOLS):
        for column, way in enumerate(WAYS):
            for mode in MODES:
                is_short = mode == MODES[(row + column) % len(MODES)]
                marks = () if is_short else (pytest.mark.long,)
                found.append(pytest.param(*way, *pools, mode, marks=marks, id="-".join((*way, *pools, mode))))
    return found


def ways() -> list[object]:
    """Return (source, target); between servers of ours, which the others include, only in the long run."""
    return [pytest.param(*way, marks=(pytest.mark.long,) if way == ("h", "i") else ()) for way in WAYS]
