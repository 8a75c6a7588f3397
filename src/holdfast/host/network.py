"""Facts of network interfaces, in this and in other network namespaces, by rtnetlink: no process is started for them.

A netlink socket stays bound to the namespace that it was opened in. A short-lived thread enters the namespace (which is
a property of a thread), opens the socket and ends, so no other thread ever leaves ours.
"""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import os
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_CLONE_NEWNET: Final = 0x40000000
_RTM_NEWLINK, _RTM_DELLINK, _RTM_GETLINK, _RTM_NEWADDR, _RTM_GETADDR = 16, 17, 18, 20, 22
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_NLM_F_REQUEST, _NLM_F_ACK, _NLM_F_DUMP = 0x1, 0x4, 0x300
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK, _IFLA_STATS64 = 1, 3, 4, 5, 23
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_IFF_UP, _IFF_LOOPBACK, _IFF_POINTOPOINT, _IFF_BROADCAST = 0x1, 0x8, 0x10, 0x2
_ATTRIBUTE_TYPE_MASK: Final = 0x3FFF
_HEADER: Final = struct.Struct("=IHHII")
_LINK: Final = struct.Struct("=BxHiII")
_ADDRESS: Final = struct.Struct("=BBBBI")
_ATTRIBUTE: Final = struct.Struct("=HH")
_STATISTICS: Final = struct.Struct("=8Q")
_RECEIVE_BYTES: Final = 64 * 1024
_TIMEOUT_S: Final = 5.0
_SCOPES: Final = {0: "global", 253: "link", 254: "local"}
_CLASS: Final = Path("/sys/class/net")


@dataclass(frozen=True, kw_only=True, slots=True)
class InterfaceAddress:
    """An address; `family` is inet or inet6, `scope` is global, link or local."""

    family: str
    address: str
    prefix_length: int
    scope: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Interface:
    """An interface as its namespace sees it; `peer_index` is the other end of a veth pair (0: none)."""

    index: int
    name: str
    hwaddr: str
    mtu: int
    is_up: bool
    kind: str
    """loopback, broadcast, point-to-point or unknown."""
    peer_index: int
    counters: tuple[int, ...]
    """Packets in, out; bytes in, out; errors in, out; dropped in, out."""
    addresses: tuple[InterfaceAddress, ...] = field(default=())


def exists(name: str) -> bool:
    return (_CLASS / name).exists()


def is_bridge(name: str) -> bool:
    """Tell whether interfaces can be plugged in there (a Linux bridge or Open vSwitch's)."""
    return (_CLASS / name / "bridge").is_dir() or (_CLASS / name / "upper_ovs-system").exists()


def name_of_index(index: int) -> str:
    """Return the name of an interface of this namespace, "" when there is none."""
    try:
        return socket.if_indextoname(index) if index > 0 else ""
    except OSError:
        return ""


def delete_interface(name: str) -> None:
    """Remove an interface of this namespace (and a veth's other end). Idempotent."""
    try:
        index = socket.if_nametoindex(name)
    except OSError:
        return
    with contextlib.suppress(OSError), NamespaceSocket(None) as connection:
        connection.request(_RTM_DELLINK, _NLM_F_ACK, _LINK.pack(0, 0, index, 0, 0))


class NamespaceSocket:
    """A netlink socket in the network namespace of a process (None: ours). Not thread-safe."""

    def __init__(self, pid: int | None) -> None:
        self._socket = _open() if pid is None else _open_in(pid)
        self._socket.settimeout(_TIMEOUT_S)
        self._sequence = 0

    def __enter__(self) -> NamespaceSocket:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def interfaces(self) -> list[Interface]:
        """Return all interfaces with addresses and counters. Raises OSError."""
        addresses: dict[int, list[InterfaceAddress]] = {}
        for kind, body in self.request(_RTM_GETADDR, _NLM_F_DUMP, _ADDRESS.pack(0, 0, 0, 0, 0)):
            if kind == _RTM_NEWADDR:
                index, address = _parse_address(body)
                addresses.setdefault(index, []).append(address)
        links = self.request(_RTM_GETLINK, _NLM_F_DUMP, _LINK.pack(0, 0, 0, 0, 0))
        return [_parse_link(body, addresses) for kind, body in links if kind == _RTM_NEWLINK]

    def request(self, kind: int, flags: int, body: bytes) -> list[tuple[int, bytes]]:
        """Send one request; return the type and body of each message of the answer. Raises OSError."""
        self._sequence += 1
        length = _HEADER.size + len(body)
        self._socket.send(_HEADER.pack(length, kind, _NLM_F_REQUEST | flags, self._sequence, 0) + body)
        answer: list[tuple[int, bytes]] = []
        while True:
            for message, sequence, content in _messages(self._socket.recv(_RECEIVE_BYTES)):
                if sequence != self._sequence:
                    continue
                if message == _NLMSG_DONE:
                    return answer
                if message == _NLMSG_ERROR:
                    code = struct.unpack_from("=i", content)[0]
                    if code:
                        raise OSError(-code, os.strerror(-code))
                    return answer
                answer.append((message, content))


def _open() -> socket.socket:
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)


def _open_in(pid: int) -> socket.socket:
    opened: list[socket.socket] = []
    failures: list[OSError] = []

    def enter(namespace: int) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        try:
            if libc.setns(namespace, _CLONE_NEWNET) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
            opened.append(_open())
        except OSError as error:
            failures.append(error)

    namespace = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        thread = threading.Thread(target=enter, args=(namespace,), name=f"network of {pid}")
        thread.start()
        thread.join()
    finally:
        os.close(namespace)
    if failures:
        raise failures[0]
    return opened[0]


def _messages(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, _, sequence, _ = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size:
            return
        yield kind, sequence, data[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3


def _attributes(data: bytes, offset: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _ATTRIBUTE_TYPE_MASK] = data[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    return found


def _parse_link(body: bytes, addresses: dict[int, list[InterfaceAddress]]) -> Interface:
    _, _, index, flags, _ = _LINK.unpack_from(body)
    attributes = _attributes(body, _LINK.size)
    statistics = attributes.get(_IFLA_STATS64, b"")
    return Interface(
        index=index,
        name=attributes[_IFLA_IFNAME].rstrip(b"\0").decode(errors="replace"),
        hwaddr=_hwaddr(attributes.get(_IFLA_ADDRESS, b""), flags),
        mtu=_number(attributes.get(_IFLA_MTU)),
        is_up=bool(flags & _IFF_UP),
        kind=_kind(flags),
        peer_index=_number(attributes.get(_IFLA_LINK)),
        counters=_STATISTICS.unpack_from(statistics) if len(statistics) >= _STATISTICS.size else (0,) * 8,
        addresses=tuple(addresses.get(index, ())),
    )


def _parse_address(body: bytes) -> tuple[int, InterfaceAddress]:
    family, prefix_length, _, scope, index = _ADDRESS.unpack_from(body)
    attributes = _attributes(body, _ADDRESS.size)
    raw = attributes.get(_IFA_LOCAL) or attributes[_IFA_ADDRESS]
    return index, InterfaceAddress(
        family="inet" if family == socket.AF_INET else "inet6",
        address=str(ipaddress.ip_address(raw)),
        prefix_length=prefix_length,
        scope=_SCOPES.get(scope, "global"),
    )


def _number(raw: bytes | None) -> int:
    return int.from_bytes(raw, "little") if raw else 0


def _hwaddr(raw: bytes, flags: int) -> str:
    return "" if flags & _IFF_LOOPBACK else raw.hex(":")


def _kind(flags: int) -> str:
    if flags & _IFF_LOOPBACK:
        return "loopback"
    if flags & _IFF_POINTOPOINT:
        return "point-to-point"
    return "broadcast" if flags & _IFF_BROADCAST else "unknown"


def addresses_of_host() -> list[str]:
    """Return the addresses of all interfaces that are up in this namespace."""
    with NamespaceSocket(None) as connection:
        return [each.address for found in connection.interfaces() if found.is_up for each in found.addresses]
