"""The server's own certificate: made at the first start, kept as `server.crt` and `server.key` as LXD keeps it."""

from __future__ import annotations

import hashlib
import logging
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from holdfast.client.own_certificate import make_server_certificate, write_certificate
from holdfast.model.errors import InternalError
from holdfast.service.paths import Paths

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """What clients know this server by."""

    path: Path
    key_path: Path
    pem: str

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate."""
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.pem)).hexdigest()


def load_or_make(paths: Paths) -> ServerCertificate:
    """Return the certificate; without one and its key both are made. One alone is an error: a key was lost."""
    present = [path for path in (paths.server_certificate, paths.server_key) if path.exists()]
    if present == [paths.server_key]:
        present = []  # a first start that was cut between the two: nobody has seen that key's certificate
    if not present:
        write_certificate(paths.server_certificate, paths.server_key, make_server_certificate(socket.gethostname()))
        _log.info("Made the server's certificate %s", paths.server_certificate)
    elif len(present) == 1:
        raise InternalError(
            f"{paths.server_certificate} is there and its key {paths.server_key} is not: bring the key back, "
            "or remove the certificate to have a new one made; clients will then have to trust the server anew"
        )
    paths.server_key.chmod(0o600)
    try:
        pem = _first_certificate(paths.server_certificate.read_text())
        ssl.PEM_cert_to_DER_cert(pem)
    except (OSError, ValueError) as error:
        raise InternalError(f"{paths.server_certificate} is no certificate: {error}") from error
    return ServerCertificate(paths.server_certificate, paths.server_key, pem)


def _first_certificate(text: str) -> str:
    """Return the certificate itself: what follows are those of authorities."""
    end = "-----END CERTIFICATE-----"
    begin, mark, _ = text.partition(end)
    if not mark:
        raise ValueError("it has no end mark")
    return begin[begin.index("-----BEGIN CERTIFICATE-----") :] + end + "\n"
