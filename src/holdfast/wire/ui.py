"""Browsers and their sign-in. Of Holdfast alone: LXD has nothing like it."""

from __future__ import annotations

import msgspec


class LinksPost(msgspec.Struct, kw_only=True):
    """Who comes in by the link: restricted to projects, or an administrator."""

    restricted: bool = False
    projects: list[str] = []


class SignInLink(msgspec.Struct, kw_only=True):
    """`other_urls` have the same secret, at the server's other addresses."""

    url: str
    other_urls: list[str]
    expires_at: str


class UiSession(msgspec.Struct, kw_only=True):
    """Who is asking. `by` is browser, certificate or socket; `browser` is an id; `expires_at` is "" for never."""

    by: str
    access: str
    projects: list[str]
    name: str
    browser: str
    expires_at: str


class Browser(msgspec.Struct, kw_only=True):
    """`expires_at` is when it is signed out if nothing more comes from it; `current`: it is the one that asks."""

    id: str
    name: str
    address: str
    created_at: str
    last_seen_at: str
    expires_at: str
    restricted: bool
    projects: list[str]
    current: bool
