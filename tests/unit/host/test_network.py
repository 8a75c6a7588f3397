"""Facts of interfaces, read from the kernel that the test runs on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.host import network
from holdfast.host.network import NamespaceSocket


def test_loopback_of_our_namespace() -> None:
    with NamespaceSocket(None) as connection:
        loopback = next(found for found in connection.interfaces() if found.name == "lo")
    assert (loopback.kind, loopback.hwaddr, loopback.peer_index) == ("loopback", "", 0)
    assert loopback.mtu == int(Path("/sys/class/net/lo/mtu").read_text())
    assert network.name_of_index(loopback.index) == "lo"


def test_names_that_are_not_there() -> None:
    assert not network.exists("hf-absent")
    assert not network.is_bridge("hf-absent")
    assert not network.is_bridge("lo")
    assert network.name_of_index(0) == ""
    network.delete_interface("hf-absent")


@pytest.fixture
def namespace() -> Iterator[int]:
    """The pid of a process in a network namespace of its own."""
    process = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "echo ready; exec sleep 1000"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process.pid
    process.kill()
    process.wait()


@pytest.mark.root
def test_another_namespace_and_a_veth_into_it(namespace: int) -> None:
    ours, theirs = f"hfa{os.getpid()}", f"hfb{os.getpid()}"
    subprocess.run(["ip", "link", "add", ours, "type", "veth", "peer", "name", theirs], check=True)
    try:
        subprocess.run(["ip", "link", "set", theirs, "netns", str(namespace)], check=True)
        for words in (f"address add 10.55.1.2/30 dev {theirs}", f"link set {theirs} mtu 1300 up"):
            subprocess.run(["nsenter", "-t", str(namespace), "-n", "ip", *words.split()], check=True)
        with NamespaceSocket(namespace) as connection:
            found = {interface.name: interface for interface in connection.interfaces()}
        assert set(found) == {"lo", theirs}
        inner = found[theirs]
        assert network.name_of_index(inner.peer_index) == ours
        assert (inner.mtu, inner.is_up, inner.kind) == (1300, True, "broadcast")
        address = next(address for address in inner.addresses if address.family == "inet")
        assert (address.address, address.prefix_length, address.scope) == ("10.55.1.2", 30, "global")
        assert network.exists(ours)
    finally:
        network.delete_interface(ours)
    assert not network.exists(ours)


@pytest.mark.root
def test_namespace_of_a_process_that_is_gone() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    with pytest.raises(OSError):
        NamespaceSocket(process.pid)


@pytest.mark.root
def test_bridge_is_seen() -> None:
    name = f"hfbr{os.getpid()}"
    subprocess.run(["ip", "link", "add", name, "type", "bridge"], check=True)
    try:
        assert network.is_bridge(name)
    finally:
        network.delete_interface(name)
