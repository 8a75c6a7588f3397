"""The server itself: `GET /1.0`."""

from __future__ import annotations

import msgspec


class StorageDriver(msgspec.Struct, kw_only=True):
    """These keys are capitalised on the wire."""

    name: str = msgspec.field(name="Name")
    version: str = msgspec.field(name="Version")
    remote: bool = msgspec.field(name="Remote", default=False)


class Stateful(msgspec.Struct, kw_only=True):
    """Ours: whether the memory of processes can be kept, and why not."""

    available: bool
    reason: str


class Environment(msgspec.Struct, kw_only=True):
    addresses: list[str]
    architectures: list[str]
    certificate: str
    certificate_fingerprint: str
    driver: str
    driver_version: str
    firewall: str
    kernel: str
    kernel_architecture: str
    kernel_features: dict[str, str]
    kernel_version: str
    lxc_features: dict[str, str]
    os_name: str
    os_version: str
    project: str
    server: str
    server_clustered: bool
    server_event_mode: str
    server_name: str
    server_pid: int
    server_version: str
    holdfast_version: str
    holdfast_stateful: Stateful
    backup_metadata_version_range: list[int]
    storage: str
    storage_version: str
    storage_supported_drivers: list[StorageDriver]


class ServerOfStrangers(msgspec.Struct, kw_only=True):
    """What those see who aren't trusted."""

    api_extensions: list[str]
    api_status: str = "stable"
    api_version: str = "1.0"
    auth: str = "untrusted"
    public: bool = False
    auth_methods: list[str]


class Server(msgspec.Struct, kw_only=True):
    config: dict[str, str | bool] | None
    api_extensions: list[str]
    api_status: str = "stable"
    api_version: str = "1.0"
    auth: str = "trusted"
    public: bool = False
    auth_methods: list[str]
    environment: Environment


class ServerPut(msgspec.Struct, kw_only=True):
    config: dict[str, str | bool | int] = {}
