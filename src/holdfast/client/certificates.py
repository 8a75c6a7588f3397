"""The trust store of a server: which certificates of clients it knows, and tokens for new clients."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from holdfast.client.connection import Connection, path_of
from holdfast.client.operations import Operations, change
from holdfast.client.shapes import Operation, TrustedCertificate

NEVER = "0001-01-01T00:00:00Z"


class Certificates:
    """Who a server trusts."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[TrustedCertificate]:
        """Return all that we may see."""
        return self._connection.get(list[TrustedCertificate], path_of("certificates"), {"recursion": "1"})

    def get_with_etag(self, fingerprint: str) -> tuple[TrustedCertificate, str]:
        """Return one by the beginning of its fingerprint, and the tag that `update` takes."""
        answer = self._connection.request("GET", path_of("certificates", fingerprint))
        return cast(TrustedCertificate, answer.metadata), answer.etag

    def add(
        self, pem: str, name: str, *, kind: str = "client", restricted: bool = False, projects: Sequence[str] = ()
    ) -> None:
        """Trust a certificate, given as PEM."""
        data = base64.b64encode(ssl.PEM_cert_to_DER_cert(pem)).decode()
        body = _request(name, kind, restricted, projects) | {"certificate": data}
        change(self._connection, "POST", path_of("certificates"), body)

    def introduce(self, secret: str, kind: str) -> None:
        """Ask to trust the certificate of this connection, for a password or token."""
        body = _request("", kind, False, ()) | {"password": secret}
        change(self._connection, "POST", path_of("certificates"), body)

    def issue_token(
        self, name: str, *, kind: str = "client", restricted: bool = False, projects: Sequence[str] = ()
    ) -> str:
        """Return a token by which one client becomes trusted."""
        body = _request(name, kind, restricted, projects) | {"token": True}
        answer = self._connection.request("POST", path_of("certificates"), body=body)
        return token_text(cast(Operation, answer.metadata))

    def tokens(self) -> Iterator[Operation]:
        """Yield the tokens that can be used, as operations."""
        for operation in Operations(self._connection).list():
            is_token = {**operation}.get("class") == "token"
            if is_token and operation["status_code"] < 200 and (operation["metadata"] or {}).get("request"):
                yield operation

    def update(self, fingerprint: str, document: Mapping[str, object], etag: str = "") -> None:
        """Replace what can be set on a certificate."""
        change(self._connection, "PUT", path_of("certificates", fingerprint), dict(document), etag)

    def delete(self, fingerprint: str) -> None:
        """Trust a certificate no more."""
        change(self._connection, "DELETE", path_of("certificates", fingerprint))


def token_name(operation: Operation) -> str:
    """Return the name that a token's client will have."""
    request = (operation["metadata"] or {}).get("request")
    return str(request.get("name", "")) if isinstance(request, dict) else ""


def token_text(operation: Operation) -> str:
    """Return the text of a token, made of its operation's metadata as LXD's clients make it."""
    metadata = operation["metadata"] or {}
    document = {
        "client_name": token_name(operation),
        "fingerprint": metadata.get("fingerprint"),
        "addresses": metadata.get("addresses"),
        "secret": metadata.get("secret"),
        "expires_at": metadata.get("expiresAt") or NEVER,
    }
    return base64.b64encode(json.dumps(document, separators=(",", ":")).encode()).decode()


def _request(name: str, kind: str, restricted: bool, projects: Sequence[str]) -> dict[str, object]:
    return {
        "name": name,
        "type": kind,
        "restricted": restricted,
        "projects": list(projects),
        "certificate": "",
        "password": "",
        "token": False,
    }
