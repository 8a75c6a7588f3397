"""Becoming known to a server: its certificate, ours, and the password or token that makes it trust us."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Final

from holdfast.client.client import Client
from holdfast.client.connection import Connection
from holdfast.client.endpoints import CONNECT_S, TlsEndpoint, split_address
from holdfast.client.errors import ClientError
from holdfast.client.remotes import PROTOCOL, Remote, RemoteError, Remotes
from holdfast.client.tls import Identity, fingerprint_of, is_vouched_for, shown_certificate

_LIKE_A_TOKEN: Final = re.compile(r"eyJ[A-Za-z0-9+/=\s]*", re.ASCII)
"""How `{"` begins in base64, and no dot or colon after it."""


@dataclass(frozen=True)
class Token:
    """What a one-time token tells: where the server is, how to know it, and the word that makes it trust us."""

    text: str
    client_name: str
    fingerprint: str
    addresses: tuple[str, ...]
    expires_at: str


def parse_token(text: str) -> Token | None:
    """Read a token; None for anything else, such as an address or a password."""
    try:
        document = json.loads(base64.b64decode(text.strip(), validate=True))
        return Token(
            text.strip(),
            str(document["client_name"]),
            str(document["fingerprint"]),
            tuple(str(address) for address in document["addresses"]),
            str(document.get("expires_at") or ""),
        )
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError):
        return None


def is_damaged_token(text: str) -> bool:
    """Tell whether a text begins as tokens do, and is none: cut off, or with letters too many. No address looks so."""
    return _LIKE_A_TOKEN.fullmatch(text.strip()) is not None and parse_token(text) is None


@dataclass(frozen=True)
class Candidate:
    """A server that answers at an address. `certificate` is what to pin, "" where an authority vouches for it."""

    address: str
    port: int
    certificate: str

    @property
    def fingerprint(self) -> str:
        return fingerprint_of(self.certificate)

    @property
    def url(self) -> str:
        return TlsEndpoint(self.address, self.port).url


def look_at(url: str) -> Candidate:
    """Return who answers at an address; nobody has said yet that it is the right one."""
    address, port = split_address(url)
    pinned = "" if is_vouched_for(address, port) else shown_certificate(address, port)
    return Candidate(address, port, pinned)


def find_by_token(token: Token) -> Candidate:
    """Return the server that a token is of: the first of its addresses with that certificate."""
    reasons = []
    for url in token.addresses:
        try:
            address, port = split_address(url)
            certificate = shown_certificate(address, port, min(5.0, CONNECT_S))
        except ClientError as error:
            reasons.append(str(error))
            continue
        if fingerprint_of(certificate) == token.fingerprint:
            return Candidate(address, port, certificate)
        reasons.append(f"{url} is another server")
    raise RemoteError(f"None of the token's addresses leads to its server: {'; '.join(reasons) or 'it has none'}")


class Introduction:
    """One client and one server getting to know each other."""

    def __init__(self, remotes: Remotes, candidate: Candidate) -> None:
        self._candidate = candidate
        remotes.ensure_identity()
        identity = Identity(*remotes.identity_paths)
        self._endpoint = TlsEndpoint(candidate.address, candidate.port, candidate.certificate, identity)
        self._own_fingerprint = fingerprint_of(identity.certificate_path.read_text())
        self.client = Client(Connection(self._endpoint))

    def is_trusted(self) -> bool:
        """Tell whether the server trusts us."""
        return {**self.client.server_info()}.get("auth") == "trusted"

    def present(self, secret: str) -> None:
        """Give a password or token; raise `ApiError` if it isn't the right one."""
        is_token = parse_token(secret) is not None
        self.client.certificates.introduce(secret, "" if is_token else "client")
        if not self.is_trusted():
            raise RemoteError(
                f"{self._candidate.url} took the certificate, and still doesn't trust it: a token of `config trust add "
                "--type metrics` is for scraping /1.0/metrics alone. For a remote, have the certificate "
                f"{self._own_fingerprint[:12]} removed there (`holdfast config trust remove`) and a token made without "
                "--type"
            )

    def projects(self) -> list[str]:
        """Return the names of the projects that we may enter."""
        return [project["name"] for project in self.client.projects.list()]

    def remote(self, name: str, project: str) -> Remote:
        """Return what to remember."""
        others = {"auth_type": "tls"}
        return Remote(name, self._candidate.url, project, PROTOCOL, False, others)
