"""What an instance uses right now."""

from __future__ import annotations

import msgspec


class Address(msgspec.Struct, kw_only=True):
    family: str
    address: str
    netmask: str
    scope: str


class Counters(msgspec.Struct, kw_only=True):
    bytes_received: int = 0
    bytes_sent: int = 0
    packets_received: int = 0
    packets_sent: int = 0
    errors_received: int = 0
    errors_sent: int = 0
    packets_dropped_outbound: int = 0
    packets_dropped_inbound: int = 0


class NetworkState(msgspec.Struct, kw_only=True):
    addresses: list[Address]
    counters: Counters
    hwaddr: str
    host_name: str
    mtu: int
    state: str
    type: str


class DiskState(msgspec.Struct, kw_only=True):
    usage: int


class MemoryState(msgspec.Struct, kw_only=True):
    usage: int
    usage_peak: int
    swap_usage: int
    swap_usage_peak: int


class CpuState(msgspec.Struct, kw_only=True):
    """Nanoseconds."""

    usage: int


class InstanceState(msgspec.Struct, kw_only=True):
    """`network` is null and `pid` 0 for a stopped instance."""

    status: str
    status_code: int
    disk: dict[str, DiskState]
    memory: MemoryState
    network: dict[str, NetworkState] | None
    pid: int
    processes: int
    cpu: CpuState
