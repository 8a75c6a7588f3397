"""Instances and what they use."""

from __future__ import annotations

from typing import TypedDict

from holdfast.client.shapes.backups import Backup
from holdfast.client.shapes.maps import DeviceMap, StringMap
from holdfast.client.shapes.snapshots import Snapshot


class Address(TypedDict):
    family: str
    address: str
    netmask: str
    scope: str


class Counters(TypedDict):
    bytes_received: int
    bytes_sent: int
    packets_received: int
    packets_sent: int


class NetworkState(TypedDict):
    addresses: list[Address]
    counters: Counters
    hwaddr: str
    host_name: str
    mtu: int
    state: str
    type: str


class MemoryState(TypedDict):
    usage: int
    usage_peak: int
    swap_usage: int
    swap_usage_peak: int


class InstanceState(TypedDict):
    """What an instance uses right now. `network` is None and `pid` 0 when it is stopped."""

    status: str
    status_code: int
    disk: dict[str, dict[str, int]] | None
    memory: MemoryState
    network: dict[str, NetworkState] | None
    pid: int
    processes: int
    cpu: dict[str, int]


class Instance(TypedDict):
    """A container or a virtual machine: what was set on it, and what its profiles make of it."""

    name: str
    description: str
    status: str
    status_code: int
    created_at: str
    last_used_at: str
    location: str
    type: str
    project: str
    architecture: str
    ephemeral: bool
    stateful: bool
    profiles: list[str]
    config: StringMap
    devices: DeviceMap
    expanded_config: StringMap
    expanded_devices: DeviceMap


class InstanceFull(Instance):
    """An instance with its state, snapshots and backups in one answer."""

    state: InstanceState | None
    snapshots: list[Snapshot] | None
    backups: list[Backup] | None
