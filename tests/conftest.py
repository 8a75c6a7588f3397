"""What every test can use: fixtures for a real server, and skips that say by name what this machine lacks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support import closing, incus
from support.closing import pytest_sessionfinish, pytest_terminal_summary, pytest_testnodedown
from support.holdfast import HoldfastServer, build_busybox_image, short_directory
from support.order import longest_first

__all__ = ["pytest_sessionfinish", "pytest_terminal_summary", "pytest_testnodedown"]
_LACKING = "not run: this machine lacks what they need"
PACKAGE_OF = {
    "incus": "incus-client",
    "incusd": "incus-base, in the backports of Debian 12",
    "lxc": "lxd-client",
    "mkfs.btrfs": "btrfs-progs",
    "ip": "iproute2",
    "mksquashfs": "squashfs-tools",
    "nft": "nftables",
    "setfacl": "acl",
    "tc": "iproute2",
}


def pytest_configure() -> None:
    # A busy machine is no fault of what is tested. What is tried is the same each time: new things are tried by hand.
    settings.register_profile(
        "busy",
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        derandomize="HOLDFAST_FUZZ_S" not in os.environ,
        database=None,
    )
    settings.load_profile("busy")
    os.environ["HOLDFAST_CONF"] = "/nonexistent/holdfast"  # whoever runs the tests may know servers of their own


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one process of several
        longest_first(items)


def lacking(things: tuple[str, ...]) -> list[str]:
    """Return what of the needed things is not here: "root", or a program with the package that brings it."""
    found = []
    for thing in things:
        if thing == "root":
            if os.geteuid() != 0:
                found.append("root")
        elif shutil.which(thing) is None and shutil.which(thing, path=incus.SEARCHED) is None:
            found.append(f"{thing} (package {PACKAGE_OF.get(thing, thing)})")
    return found


def pytest_runtest_setup(item: pytest.Item) -> None:
    needs = ("root",) if item.get_closest_marker("root") else ()
    for marker in item.iter_markers("needs"):
        needs += marker.args
    if missing := lacking(needs):
        closing.lines(item.config, _LACKING).extend(f"{thing}: {item.nodeid}" for thing in missing)
        pytest.skip(f"needs {', '.join(missing)}")


@pytest.fixture
def short_tmp_path() -> Iterator[Path]:
    """A directory whose path is short enough for unix sockets; removed afterwards."""
    directory = short_directory()
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def server() -> Iterator[HoldfastServer]:
    """A running server with the pools `default` (dir) and `bt` (btrfs), of which nothing is left afterwards."""
    directory = short_directory()
    with HoldfastServer(directory / "server") as running:
        yield running
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def busybox_image(server: HoldfastServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The busybox image: in the server under the alias `busybox`, and as the file that is returned."""
    return build_busybox_image(server, tmp_path_factory.mktemp("image") / "busybox")
