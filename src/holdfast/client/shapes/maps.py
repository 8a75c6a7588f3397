"""What many documents have: configuration and devices."""

from __future__ import annotations

StringMap = dict[str, str]
DeviceMap = dict[str, StringMap]
