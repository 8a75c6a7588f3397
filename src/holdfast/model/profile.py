"""Profiles and projects."""

from __future__ import annotations

from dataclasses import dataclass, field

from holdfast.model.instance import Config, Devices


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    project: str
    name: str
    description: str = ""
    config: Config = field(default_factory=dict)
    devices: Devices = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    name: str
    description: str = ""
    config: Config = field(default_factory=dict)
