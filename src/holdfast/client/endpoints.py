"""Where a server answers: its unix socket, or an address that it serves HTTPS on."""

from __future__ import annotations

import grp
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from holdfast.client.errors import BadAddressError, SocketPermissionError, UnreachableServerError

if TYPE_CHECKING:
    from holdfast.client.tls import Identity

DEFAULT_DIRECTORY = "/var/lib/holdfast"
DEFAULT_PORT = 8443
CONNECT_S = 30.0
"""How long a server elsewhere may take to accept a connection when the request itself has no limit."""


class Endpoint(Protocol):
    """What connections are opened to. Two that are equal are the same server, seen by the same client."""

    @property
    def host(self) -> str:
        """What stands in the header Host."""

    @property
    def url(self) -> str:
        """The address as people write it."""

    def open(self, timeout_s: float | None = None) -> socket.socket:
        """Connect, for use by one thread at a time; the time limit stays on the socket."""

    def open_duplex(self, timeout_s: float | None = None) -> socket.socket:
        """Connect, for one thread that reads and another that writes; afterwards there is no time limit."""


@dataclass(frozen=True)
class UnixEndpoint:
    """A unix socket on this machine."""

    path: str

    @property
    def host(self) -> str:
        return "unix.socket"

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    def open(self, timeout_s: float | None = None) -> socket.socket:
        """Connect; failures say what to do about them."""
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        opened.settimeout(timeout_s)
        try:
            opened.connect(self.path)
        except PermissionError as error:
            opened.close()
            raise SocketPermissionError(self.path, _group_of(self.path)) from error
        except OSError as error:
            opened.close()
            raise UnreachableServerError(self.path, error.strerror or str(error)) from error
        return opened

    def open_duplex(self, timeout_s: float | None = None) -> socket.socket:
        opened = self.open(timeout_s)
        opened.settimeout(None)
        return opened


@dataclass(frozen=True)
class TlsEndpoint:
    """A server that speaks HTTPS.

    `certificate` is the PEM that the server must show, exactly; without one it must have a certificate for its name
    from an authority that this machine trusts. `identity` is what the client shows, if anything.
    """

    address: str
    port: int = DEFAULT_PORT
    certificate: str = ""
    identity: Identity | None = None

    @property
    def host(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"

    @property
    def url(self) -> str:
        return f"https://{self.host}"

    def open(self, timeout_s: float | None = None) -> socket.socket:
        from holdfast.client.tls import connect

        return connect(self, timeout_s)

    def open_duplex(self, timeout_s: float | None = None) -> socket.socket:
        from holdfast.client.tls import connect_duplex

        return connect_duplex(self, timeout_s)


def socket_path_of(environment: Mapping[str, str]) -> str:
    """Return where the server's socket is: HOLDFAST_SOCKET, or unix.socket below HOLDFAST_DIR."""
    return environment.get("HOLDFAST_SOCKET") or os.path.join(
        environment.get("HOLDFAST_DIR") or DEFAULT_DIRECTORY, "unix.socket"
    )


def endpoint_of(url: str, *, certificate: str = "", identity: Identity | None = None) -> Endpoint:
    """Read `https://HOST[:PORT]`, `HOST[:PORT]`, `unix:PATH` or `unix://PATH`; a path of the URL is passed over."""
    if url.startswith("unix:"):
        path = url.removeprefix("unix:")
        path = path.removeprefix("//") if path.startswith("//") else path
        return UnixEndpoint(path or socket_path_of(os.environ))
    address, port = split_address(url)
    return TlsEndpoint(address, port, certificate, identity)


def split_address(url: str) -> tuple[str, int]:
    """Return host and port of `https://HOST[:PORT]/…` or `HOST[:PORT]`; an IPv6 address may stand without brackets."""
    scheme, mark, rest = url.partition("://")
    if mark and scheme not in ("https", "wss"):
        raise BadAddressError(url, f"{scheme}:// is not spoken, https:// and unix:// are")
    whole = (rest if mark else url).partition("/")[0]
    if whole.count(":") > 1 and not whole.startswith("["):
        whole = f"[{whole}]"
    try:
        parts = urlsplit(f"//{whole}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadAddressError(url, str(error)) from error
    if not host or parts.username is not None or any(mark.isspace() for mark in host):
        raise BadAddressError(url, "it names no host")
    try:
        host.encode("idna")  # as whoever looks it up does
    except UnicodeError as error:
        raise BadAddressError(url, "no host has such a name") from error
    return host, DEFAULT_PORT if port is None else port


def _group_of(path: str) -> str:
    try:
        return grp.getgrgid(os.stat(path).st_gid).gr_name
    except (OSError, KeyError):
        return "that may enter its directory"
