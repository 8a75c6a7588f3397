"""Who may use the server: certificates and browsers."""

from __future__ import annotations

from typing import TypedDict


class TrustedCertificate(TypedDict):
    name: str
    type: str
    restricted: bool
    projects: list[str]
    certificate: str
    fingerprint: str


class SignInLink(TypedDict):
    """A link that signs one browser in; `other_urls` lead to the same server by its other addresses."""

    url: str
    other_urls: list[str]
    expires_at: str


class UiSession(TypedDict):
    """Who we are to the server: `by` is browser, certificate or socket, `access` is full or restricted."""

    by: str
    access: str
    projects: list[str]
    name: str
    browser: str
    expires_at: str


class SignedInBrowser(TypedDict):
    """`current` is the one that asks."""

    id: str
    name: str
    address: str
    created_at: str
    last_seen_at: str
    expires_at: str
    restricted: bool
    projects: list[str]
    current: bool
