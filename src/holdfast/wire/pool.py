"""Storage pools."""

from __future__ import annotations

import msgspec


class Pool(msgspec.Struct, kw_only=True):
    config: dict[str, str] | None
    description: str
    name: str
    driver: str
    used_by: list[str]
    status: str
    locations: list[str]


class PoolsPost(msgspec.Struct, kw_only=True):
    name: str = ""
    driver: str = ""
    config: dict[str, str] = {}
    description: str = ""


class PoolPut(msgspec.Struct, kw_only=True):
    config: dict[str, str] = {}
    description: str = ""


class PoolPatch(msgspec.Struct, kw_only=True):
    config: dict[str, str] | None = None
    description: str | None = None


class Amount(msgspec.Struct, kw_only=True):
    used: int
    total: int


class PoolResources(msgspec.Struct, kw_only=True):
    """Bytes and inodes."""

    space: Amount
    inodes: Amount
