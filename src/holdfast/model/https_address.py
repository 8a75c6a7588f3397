"""Addresses to listen on: `HOST`, `HOST:PORT`, `:PORT`, `[::]:PORT`."""

from __future__ import annotations

import ipaddress
from typing import Final

from holdfast.model.errors import BadRequestError

DEFAULT_PORT: Final = 8443


def parse_https_address(text: str) -> tuple[str, int]:
    """Return host and port; the host "" is every address of the machine."""
    host, port = _parts(text)
    if not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65536:
        raise BadRequestError(f'Invalid address "{text}": the port is no number from 1 to 65535')
    if any(not mark.isprintable() or mark in " /@[]" for mark in host):
        raise BadRequestError(f'Invalid address "{text}": no host name or address stands before the port')
    return host, int(port)


def is_wildcard(host: str) -> bool:
    """Tell whether the host stands for every address."""
    try:
        return not host or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def joined(host: str, port: int) -> str:
    """Return `HOST:PORT`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parts(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, mark, rest = text[1:].partition("]")
        if not mark or (rest and not rest.startswith(":")):
            raise BadRequestError(f'Invalid address "{text}": of the form HOST:PORT or [ADDRESS]:PORT')
        return host, rest[1:] or str(DEFAULT_PORT)
    if text.count(":") > 1:
        return text, str(DEFAULT_PORT)  # a bare IPv6 address
    host, _, port = text.partition(":")
    return host, port or str(DEFAULT_PORT)
