"""Certificates that the server trusts, and the rules for their names and restrictions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from holdfast.model.errors import BadRequestError

LONGEST_NAME: Final = 255


class CertificateType(StrEnum):
    CLIENT = "client"
    METRICS = "metrics"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustedCertificate:
    """One row of the trust store. Outside of its dates it isn't trusted."""

    fingerprint: str
    name: str
    type: CertificateType
    restricted: bool
    projects: tuple[str, ...]
    pem: str
    valid_from: datetime
    valid_until: datetime

    def is_valid(self, now: datetime) -> bool:
        return self.valid_from <= now <= self.valid_until


def certificate_type(text: str) -> CertificateType:
    """Read the type of a request."""
    try:
        return CertificateType(text)
    except ValueError:
        raise BadRequestError("Invalid certificate type") from None


def check_certificate_name(name: str) -> None:
    """Raise `BadRequestError` for a name that couldn't be shown."""
    if len(name) > LONGEST_NAME or not all(mark.isprintable() for mark in name):
        raise BadRequestError(f"Invalid certificate name: at most {LONGEST_NAME} printable characters")
