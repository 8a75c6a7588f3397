"""Projects."""

from __future__ import annotations

import msgspec


class Project(msgspec.Struct, kw_only=True):
    config: dict[str, str]
    description: str
    name: str
    used_by: list[str]


class ProjectsPost(msgspec.Struct, kw_only=True):
    name: str = ""
    description: str = ""
    config: dict[str, str] = {}


class ProjectPut(msgspec.Struct, kw_only=True):
    description: str = ""
    config: dict[str, str] = {}


class ProjectPatch(msgspec.Struct, kw_only=True):
    description: str | None = None
    config: dict[str, str] | None = None


class ProjectPost(msgspec.Struct, kw_only=True):
    name: str = ""
