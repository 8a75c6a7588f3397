"""Two hosts on this machine: network namespaces with a line between them that can be slowed, made lossy, and cut."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

NETWORK = "10.213.77."


@dataclass(frozen=True)
class Host:
    """One of them: `enter` is put before a command that is to run there."""

    namespace: str
    device: str
    address: str

    @property
    def enter(self) -> tuple[str, ...]:
        return ("nsenter", f"--net=/run/netns/{self.namespace}", "--")

    def run(self, *words: str, check: bool = True) -> None:
        subprocess.run([*self.enter, *words], check=check, capture_output=True)


@dataclass(frozen=True)
class Line:
    """The line between the two."""

    one: Host
    other: Host

    def slow(self, rate: str) -> None:
        """Let so much through in each direction: "8mbit"."""
        for host in (self.one, self.other):
            words = ("tc", "qdisc", "replace", "dev", host.device, "root", "tbf", "rate", rate, "burst", "32kb")
            host.run(*words, "latency", "200ms")

    def lose(self, percent: int) -> None:
        """Drop so many of a hundred packets that come in, at random."""
        for host in (self.one, self.other):
            host.run("nft", "add table inet lossy")
            host.run("nft", "add chain inet lossy in { type filter hook input priority 0; }")
            host.run("nft", f"add rule inet lossy in iifname {host.device} numgen random mod 100 < {percent} drop")

    def cut(self) -> None:
        """Pull the plug: nobody is told."""
        self.one.run("ip", "link", "set", self.one.device, "down")

    def mend(self) -> None:
        """Take everything back."""
        for host in (self.one, self.other):
            host.run("ip", "link", "set", host.device, "up")
            host.run("tc", "qdisc", "del", "dev", host.device, "root", check=False)
            host.run("nft", "delete table inet lossy", check=False)


@contextmanager
def two_hosts() -> Iterator[Line]:
    names = [f"hf{os.getpid()}{letter}" for letter in "ab"]
    hosts = [Host(name, name, f"{NETWORK}{number}") for number, name in enumerate(names, 1)]
    try:
        for name in names:
            _run("ip", "netns", "add", name)
        _run("ip", "link", "add", names[0], "netns", names[0], "type", "veth", "peer", names[1], "netns", names[1])
        for host in hosts:
            host.run("ip", "address", "add", f"{host.address}/24", "dev", host.device)
            for device in ("lo", host.device):
                host.run("ip", "link", "set", device, "up")
        yield Line(*hosts)
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
