"""Facts about this server and its host, for `GET /1.0`: looked up once, given out cheaply."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from holdfast.service.server_certificate import ServerCertificate
from holdfast.storage.registry import SupportedDriver, supported

_PERSONALITIES: Final = {"x86_64": ("x86_64", "i686"), "aarch64": ("aarch64", "armv7l")}
_OLDEST_IDMAPPED_MOUNTS: Final = (5, 12)
_LXC_FEATURES: Final = (
    *("cgroup2", "core_scheduling", "devpts_fd", "idmapped_mounts_v2", "mount_injection_file"),
    *("network_gateway_device_route", "network_ipvlan", "network_l2proxy", "network_phys_macvlan_mtu"),
    *("network_veth_router", "pidfd", "seccomp_allow_deny_syntax", "seccomp_notify", "seccomp_proxy_send_notify_fd"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerInfo:
    """What doesn't change while the server runs; names as in LXD's `environment`."""

    server_name: str
    server_pid: int
    kernel: str
    kernel_version: str
    kernel_architecture: str
    architectures: tuple[str, ...]
    os_name: str
    os_version: str
    driver: str
    driver_version: str
    storage_drivers: tuple[SupportedDriver, ...]
    firewall: str = "none"
    certificate: str = ""
    certificate_fingerprint: str = ""
    kernel_features: Mapping[str, str] = field(default_factory=dict)
    lxc_features: Mapping[str, str] = field(default_factory=dict)

    def storage_in_use(self, drivers: Iterable[str]) -> tuple[str, str]:
        """Return LXD's `storage` and `storage_version`, "dir | btrfs" and "1 | 6.2", of the pools' drivers."""
        versions = {driver.name: driver.version for driver in self.storage_drivers}
        names = sorted(set(drivers))
        return " | ".join(names), " | ".join(versions.get(name, "") for name in names)


def collect(certificate: ServerCertificate | None = None, os_release: Path = Path("/etc/os-release")) -> ServerInfo:
    """Look the facts up; only storage drivers that this host can serve are named."""
    host = platform.uname()
    names = _os_release(os_release)
    version, features = _liblxc()
    return ServerInfo(
        server_name=socket.gethostname(),
        server_pid=os.getpid(),
        kernel=host.system,
        kernel_version=host.release,
        kernel_architecture=host.machine,
        architectures=_PERSONALITIES.get(host.machine, (host.machine,)),
        os_name=names.get("NAME", ""),
        os_version=names.get("VERSION_ID", ""),
        driver="lxc",
        driver_version=version,
        storage_drivers=tuple(supported()),
        kernel_features={"idmapped_mounts": _yes(_kernel_number(host.release) >= _OLDEST_IDMAPPED_MOUNTS)},
        lxc_features=features,
        certificate=certificate.pem if certificate else "",
        certificate_fingerprint=certificate.fingerprint if certificate else "",
    )


def _os_release(path: Path) -> dict[str, str]:
    try:
        text = path.read_text()
    except OSError:
        return {}
    return {key: value.strip("\"'") for key, value in re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE)}


def _liblxc() -> tuple[str, dict[str, str]]:
    """Return the library's version and which of the features that clients look at it has."""
    try:
        library = ctypes.CDLL("liblxc.so.1")
    except OSError:
        return "", {}
    library.lxc_get_version.restype = ctypes.c_char_p
    library.lxc_has_api_extension.restype = ctypes.c_bool
    version: bytes = library.lxc_get_version()
    return version.decode(), {name: _yes(library.lxc_has_api_extension(name.encode())) for name in _LXC_FEATURES}


def _kernel_number(release: str) -> tuple[int, int]:
    found = re.match(r"([0-9]+)\.([0-9]+)", release)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _yes(truth: object) -> str:
    return "true" if truth else "false"
