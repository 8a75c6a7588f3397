"""What tests may say of an export or an import by keywords, as the services take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypedDict

from holdfast.model.instance import Config, Device


class ExportWishes(TypedDict, total=False):
    """Fields of a `BackupRequest` but its name."""

    expires_at: datetime | None
    is_alone: bool
    optimized_storage: bool
    compression: str
    snapshot: str
    exclude: tuple[str, ...]
    version: int
    with_volumes: bool
    since: str


class ImportWishes(TypedDict, total=False):
    """Arguments of `restore_file`."""

    pool: str | None
    devices: Mapping[str, Device] | None
    config: Config | None
    profiles: Sequence[str] | None
    is_replacing: bool
    without_volumes: bool
    onto: str | None
