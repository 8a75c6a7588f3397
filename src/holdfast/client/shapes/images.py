"""Images and their aliases."""

from __future__ import annotations

from typing import TypedDict

from holdfast.client.shapes.maps import StringMap


class ImageAliasEntry(TypedDict):
    name: str
    description: str


class Image(TypedDict):
    fingerprint: str
    filename: str
    size: int
    public: bool
    auto_update: bool
    cached: bool
    architecture: str
    type: str
    aliases: list[ImageAliasEntry] | None
    properties: StringMap | None
    profiles: list[str] | None
    created_at: str
    uploaded_at: str
    expires_at: str
    last_used_at: str


class ImageAlias(TypedDict):
    name: str
    description: str
    target: str
    type: str
