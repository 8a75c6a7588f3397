"""Certificates that vouch for themselves, as servers of this kind and their clients make them at their first use."""

from __future__ import annotations

import getpass
import ipaddress
import os
import re
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID: Final = timedelta(days=3650)
"""As long as LXD's: who relies on one knows it by its fingerprint, and would have to be told of a new one."""
_CLOCKS_DIFFER: Final = timedelta(hours=1)
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)


@dataclass(frozen=True)
class Made:
    """A new certificate and its key, as PEM."""

    certificate: bytes
    key: bytes


def make_server_certificate(host_name: str, now: datetime | None = None) -> Made:
    """Return a certificate for this host: its name, 127.0.0.1 and ::1.

    Go's clients take the first DNS name out of a pinned certificate, so there is always one.
    """
    name = host_name if _HOST_NAME.fullmatch(host_name) else "unspecified"
    addresses = [x509.IPAddress(ipaddress.ip_address(text)) for text in ("127.0.0.1", "::1")]
    return _make(name, ExtendedKeyUsageOID.SERVER_AUTH, [x509.DNSName(name), *addresses], now)


def make_client_certificate(now: datetime | None = None) -> Made:
    """Return a certificate for this user on this host."""
    return _make(_user(), ExtendedKeyUsageOID.CLIENT_AUTH, [], now)


def write_certificate(certificate_path: Path, key_path: Path, made: Made) -> None:
    """Write a new certificate and its key, the key first and for its owner alone; each is whole or absent."""
    certificate_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_file(key_path, made.key, 0o600)
    write_file(certificate_path, made.certificate, 0o644)


def _make(name: str, usage: x509.ObjectIdentifier, names: Sequence[x509.GeneralName], now: datetime | None) -> Made:
    key = ec.generate_private_key(ec.SECP384R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Holdfast"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"root@{name}" if names else name),
        ]
    )
    begin = now or datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - _CLOCKS_DIFFER)
        .not_valid_after(begin + VALID)
        .add_extension(_key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.sign(key, hashes.SHA384())
    return Made(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ),
    )


def _key_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=True,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _user() -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"[:64]


def write_file(path: Path, data: bytes, mode: int) -> None:
    """Write a small file beside its name, sync, and rename."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        part.unlink()
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.rename(part, path)


@dataclass(frozen=True)
class Facts:
    """What a certificate says about itself, for people."""

    common_name: str
    valid_from: datetime
    valid_until: datetime


def facts_of(pem: str) -> Facts:
    """Read a certificate."""
    found = x509.load_pem_x509_certificate(pem.encode())
    names = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Facts(str(names[0].value) if names else "", found.not_valid_before_utc, found.not_valid_after_utc)
