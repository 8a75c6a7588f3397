"""What a running container uses: counters of its control group, interfaces of its network namespace."""

from __future__ import annotations

import threading

from holdfast.host.cgroups import ControlGroup
from holdfast.host.network import Interface, NamespaceSocket, name_of_index
from holdfast.model.kinds import StatusCode
from holdfast.runtime.base import Address, NetworkState, RuntimeState

_COUNTERS = (
    "packets_received",
    "packets_sent",
    "bytes_received",
    "bytes_sent",
    "errors_received",
    "errors_sent",
    "packets_dropped_inbound",
    "packets_dropped_outbound",
)


class Observer:
    """Reads states; keeps a netlink socket per container, as opening one costs more than asking it. Thread-safe."""

    def __init__(self) -> None:
        self._sockets: dict[str, tuple[int, NamespaceSocket]] = {}
        self._lock = threading.Lock()

    def state(self, key: str, pid: int, group: ControlGroup) -> RuntimeState:
        """Return the state of a container whose first process is `pid`."""
        usage = group.usage()
        return RuntimeState(
            status=StatusCode.FROZEN if group.is_frozen() else StatusCode.RUNNING,
            pid=pid,
            processes=usage.processes,
            cpu_ns=usage.cpu_ns,
            memory_usage=usage.memory,
            memory_usage_peak=usage.memory_peak,
            swap_usage=usage.swap,
            swap_usage_peak=usage.swap_peak,
            network=self._network(key, pid),
        )

    def forget(self, key: str) -> None:
        """Close what is kept for a container that has ended: an open socket keeps its network namespace alive."""
        with self._lock:
            kept = self._sockets.pop(key, None)
            if kept is not None:
                kept[1].close()

    def close(self) -> None:
        for key in list(self._sockets):
            self.forget(key)

    def _network(self, key: str, pid: int) -> dict[str, NetworkState]:
        with self._lock:
            try:
                kept = self._sockets.get(key)
                if kept is None or kept[0] != pid:
                    if kept is not None:
                        kept[1].close()
                    kept = self._sockets[key] = (pid, NamespaceSocket(pid))
                interfaces = kept[1].interfaces()
            except OSError:  # it ends right now
                return {}
        return {interface.name: _network_state(interface) for interface in interfaces}


def _network_state(interface: Interface) -> NetworkState:
    return NetworkState(
        addresses=tuple(
            Address(
                family=address.family,
                address=address.address,
                netmask=str(address.prefix_length),
                scope=address.scope,
            )
            for address in interface.addresses
        ),
        counters=dict(zip(_COUNTERS, interface.counters, strict=True)),
        hwaddr=interface.hwaddr,
        host_name=name_of_index(interface.peer_index),
        mtu=interface.mtu,
        state="up" if interface.is_up else "down",
        type=interface.kind,
    )
