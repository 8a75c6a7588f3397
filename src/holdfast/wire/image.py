"""Images and their aliases."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


class AliasEntry(msgspec.Struct, kw_only=True):
    """An alias as named within an image."""

    name: str = ""
    description: str = ""


class Image(msgspec.Struct, kw_only=True):
    auto_update: bool
    properties: dict[str, str]
    public: bool
    expires_at: str
    profiles: list[str]
    aliases: list[AliasEntry]
    architecture: str
    cached: bool
    filename: str
    fingerprint: str
    size: int
    type: str
    created_at: str
    last_used_at: str
    uploaded_at: str


class ImageSource(msgspec.Struct, kw_only=True):
    """What to make an image of; `type` "build" with a `recipe` is Holdfast's own."""

    type: str = ""
    name: str = ""
    recipe: str = ""
    mode: str = ""
    url: str = ""
    server: str = ""
    protocol: str = ""
    alias: str = ""
    fingerprint: str = ""
    project: str = ""
    certificate: str = ""
    secret: str = ""


class ImageExportPost(msgspec.Struct, kw_only=True):
    """Where an image shall be sent; `secret` is what that server gave for it. It knows the aliases itself."""

    target: str = ""
    secret: str = ""
    certificate: str = ""
    project: str = ""


class DescribedImage(msgspec.Struct, kw_only=True):
    """What is looked at of an image that another server describes."""

    fingerprint: str = ""
    filename: str = ""
    size: int = 0
    type: str = ""
    properties: dict[str, str] = {}
    expires_at: str = ""


class DescribedImageAnswer(msgspec.Struct, kw_only=True):
    metadata: DescribedImage


class AliasTarget(msgspec.Struct, kw_only=True):
    target: str


class AliasAnswer(msgspec.Struct, kw_only=True):
    metadata: AliasTarget


class ImagesPost(msgspec.Struct, kw_only=True):
    filename: str = ""
    public: bool = False
    auto_update: bool = False
    properties: dict[str, str] = {}
    expires_at: str | None = None
    profiles: list[str] | None = None
    source: ImageSource | None = None
    compression_algorithm: str = ""
    aliases: list[AliasEntry] = []


class ImagePut(msgspec.Struct, kw_only=True):
    auto_update: bool = False
    properties: dict[str, str] = {}
    public: bool = False
    expires_at: str | None = None
    profiles: list[str] = []


class ImagePatch(msgspec.Struct, kw_only=True):
    """What is there is changed; properties are merged per key."""

    auto_update: bool | UnsetType = UNSET
    properties: dict[str, str] | UnsetType = UNSET
    public: bool | UnsetType = UNSET
    expires_at: str | None = None
    profiles: list[str] | UnsetType = UNSET


class ImageAlias(msgspec.Struct, kw_only=True):
    description: str
    target: str
    name: str
    type: str


class ImageAliasesPost(msgspec.Struct, kw_only=True):
    name: str = ""
    description: str = ""
    target: str = ""
    type: str = ""


class ImageAliasPut(msgspec.Struct, kw_only=True):
    description: str = ""
    target: str = ""


class ImageAliasPatch(msgspec.Struct, kw_only=True):
    description: str | None = None
    target: str | None = None


class ImageAliasPost(msgspec.Struct, kw_only=True):
    name: str = ""
