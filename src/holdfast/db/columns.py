"""Column types: what SQLite and PostgreSQL both keep as text and integers, and what the queries see."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class UtcTime(TypeDecorator[datetime]):
    """An aware time, kept as microseconds since 1970: exact, sortable and the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MICROSECOND


class StringMap(TypeDecorator[dict[str, str]]):
    """A map of strings (config, properties), kept as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, str] | None, dialect: Dialect) -> str:
        return json.dumps(dict(value or {}), ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, str]:
        loaded: dict[str, str] = json.loads(value or "{}")
        return loaded


class DeviceMap(TypeDecorator[dict[str, dict[str, str]]]):
    """Devices by name, kept as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, dict[str, str]] | None, dialect: Dialect) -> str:
        return json.dumps({name: dict(device) for name, device in (value or {}).items()}, ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, dict[str, str]]:
        loaded: dict[str, dict[str, str]] = json.loads(value or "{}")
        return loaded


class StringList(TypeDecorator[tuple[str, ...]]):
    """An ordered list of strings (profiles), kept as JSON text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str:
        return json.dumps(list(value or ()), ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        loaded: list[str] = json.loads(value or "[]")
        return tuple(loaded)
