"""The addresses at which clients elsewhere reach this server, as `GET /1.0` and tokens tell them."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

from holdfast.client.tls import notice_death
from holdfast.host.network import addresses_of_host
from holdfast.model.https_address import is_wildcard, joined, parse_https_address
from holdfast.model.server_keys import HTTPS_ADDRESS_KEY
from holdfast.service.server_config import ServerConfigService


class ListeningAddresses:
    """What `core.https_address` means on this machine at the moment."""

    def __init__(
        self, server_config: ServerConfigService, of_host: Callable[[], list[str]] = addresses_of_host
    ) -> None:
        self._server_config, self._of_host = server_config, of_host

    def with_loopback(self) -> list[str]:
        """Return what `list` does, and how clients on this machine reach it where every address is served."""
        text = self._server_config.get(HTTPS_ADDRESS_KEY)
        if not text:
            return []
        host, port = parse_https_address(text)
        return [*self.list(), joined("127.0.0.1", port)] if is_wildcard(host) else self.list()

    def list(self) -> list[str]:
        """Return `HOST:PORT` of each, those of interfaces where it is every address; none: nothing is served."""
        text = self._server_config.get(HTTPS_ADDRESS_KEY)
        if not text:
            return []
        host, port = parse_https_address(text)
        if not is_wildcard(host):
            return [joined(host, port)]
        only_v4 = host == "0.0.0.0"
        found = [ipaddress.ip_address(each) for each in self._of_host()]
        return [
            joined(str(each), port) for each in found if _is_reachable(each) and not (only_v4 and each.version == 6)
        ]


def _is_reachable(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return not (address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified)


def prepare(listening: socket.socket) -> None:
    """Have connections that are accepted end when their other side is silent for long."""
    notice_death(listening)
