"""What is in the certificates that are made, and how they are written."""

from __future__ import annotations

import ipaddress
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from holdfast.client.own_certificate import (
    facts_of,
    make_client_certificate,
    make_server_certificate,
    write_certificate,
)


@pytest.mark.parametrize(
    ("host", "name"), [("vm", "vm"), ("a.b-c", "a.b-c"), ("", "unspecified"), ("a_b", "unspecified")]
)
def test_server_certificate(host: str, name: str) -> None:
    found = x509.load_pem_x509_certificate(make_server_certificate(host).certificate)
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [name], "Go's clients need one"
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]
    key = found.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp384r1"
    found.verify_directly_issued_by(found)


def test_client_certificate() -> None:
    made = make_client_certificate()
    facts = facts_of(made.certificate.decode())
    assert "@" in facts.common_name
    assert (facts.valid_until - facts.valid_from).days >= 3650


def test_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "new"
    certificate, key = directory / "a.crt", directory / "a.key"
    key.parent.mkdir(mode=0o755)
    key.write_text("old")
    key.chmod(0o644)
    write_certificate(certificate, key, make_client_certificate())
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert sorted(path.name for path in directory.iterdir()) == ["a.crt", "a.key"]
