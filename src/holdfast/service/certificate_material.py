"""Certificates as bytes: reading what clients send, finding what they say about themselves."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ssl
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID

from holdfast.model.errors import BadRequestError


@dataclass(frozen=True, slots=True)
class Material:
    """A certificate that could be read."""

    der: bytes
    common_name: str
    valid_from: datetime
    valid_until: datetime

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the certificate."""
        return hashlib.sha256(self.der).hexdigest()

    @property
    def pem(self) -> str:
        return ssl.DER_cert_to_PEM_cert(self.der)


def read_der(data: bytes) -> Material:
    """Read a certificate; raise `BadRequestError` for anything else."""
    try:
        found = x509.load_der_x509_certificate(data)
        names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return Material(
            der=data,
            common_name=str(names[0].value) if names else "",
            valid_from=found.not_valid_before_utc,
            valid_until=found.not_valid_after_utc,
        )
    except (ValueError, TypeError, OverflowError, x509.InvalidVersion) as error:
        raise BadRequestError("Invalid certificate material: malformed certificate") from error


def read_base64(text: str) -> Material:
    """Read base64 of a certificate without its armour, as LXD's clients send a new one."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequestError("Invalid certificate material: illegal base64 data") from error
    return read_der(data)


def read_pem(text: str) -> Material:
    """Read a certificate with its armour, as LXD's clients send a changed one."""
    try:
        data = ssl.PEM_cert_to_DER_cert(text.strip())
    except (ValueError, binascii.Error) as error:
        raise BadRequestError("Invalid certificate material: no PEM") from error
    return read_der(data)
