"""Projects and profiles."""

from __future__ import annotations

from typing import TypedDict

from holdfast.client.shapes.maps import DeviceMap, StringMap


class Profile(TypedDict):
    name: str
    description: str
    config: StringMap
    devices: DeviceMap
    used_by: list[str]


class Project(TypedDict):
    name: str
    description: str
    config: StringMap
    used_by: list[str]
