"""The metadata that an instance got from its image."""

from __future__ import annotations

import msgspec


class Template(msgspec.Struct, kw_only=True):
    when: list[str] = []
    create_only: bool = False
    template: str = ""
    properties: dict[str, str] = {}


class InstanceMetadata(msgspec.Struct, kw_only=True):
    """Dates in seconds since 1970."""

    architecture: str = ""
    creation_date: int = 0
    expiry_date: int = 0
    properties: dict[str, str] = {}
    templates: dict[str, Template] | None = None


class InstanceMetadataPatch(msgspec.Struct, kw_only=True):
    """What is there is changed; properties and templates by name."""

    architecture: str = ""
    creation_date: int | None = None
    expiry_date: int | None = None
    properties: dict[str, str] = {}
    templates: dict[str, Template] = {}
