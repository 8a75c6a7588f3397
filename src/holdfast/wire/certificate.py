"""Trusted certificates."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


class Certificate(msgspec.Struct, kw_only=True):
    name: str
    type: str
    restricted: bool
    projects: list[str]
    certificate: str
    fingerprint: str


class CertificatesPost(msgspec.Struct, kw_only=True):
    """`certificate` is base64 of a certificate, without armour; LXD's newer clients send tokens as `trust_token`."""

    name: str = ""
    type: str = ""
    restricted: bool = False
    projects: list[str] = []
    certificate: str = ""
    password: str = ""
    trust_token: str = ""
    token: bool = False


class CertificatePut(msgspec.Struct, kw_only=True):
    """`certificate` is PEM, "" for as it is."""

    name: str = ""
    type: str = ""
    restricted: bool = False
    projects: list[str] = []
    certificate: str = ""


class CertificatePatch(msgspec.Struct, kw_only=True):
    name: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    restricted: bool | UnsetType = UNSET
    projects: list[str] | UnsetType = UNSET
    certificate: str | UnsetType = UNSET
