"""Profiles."""

from __future__ import annotations

import msgspec


class Profile(msgspec.Struct, kw_only=True):
    config: dict[str, str]
    description: str
    devices: dict[str, dict[str, str]]
    name: str
    used_by: list[str]


class ProfilesPost(msgspec.Struct, kw_only=True):
    name: str = ""
    description: str = ""
    config: dict[str, str] = {}
    devices: dict[str, dict[str, str]] = {}


class ProfilePut(msgspec.Struct, kw_only=True):
    description: str = ""
    config: dict[str, str] = {}
    devices: dict[str, dict[str, str]] = {}


class ProfilePatch(msgspec.Struct, kw_only=True):
    description: str | None = None
    config: dict[str, str] | None = None
    devices: dict[str, dict[str, str]] | None = None


class ProfilePost(msgspec.Struct, kw_only=True):
    name: str = ""
