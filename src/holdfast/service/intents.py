"""Intents: before the first side effect a row says what is under way, so that a start after a crash can end it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from holdfast.db import intents as table
from holdfast.db.database import Connection, Database
from holdfast.model.clock import Clock, SystemClock
from holdfast.model.intent import IntentRecord
from holdfast.model.operation import JsonValue


class Intent:
    """One open intent: `payload` holds all that recovery needs, `token(n)` names its n-th staged tree."""

    def __init__(self, record: IntentRecord, database: Database) -> None:
        self.id, self.kind = record.id, record.kind
        self.payload: dict[str, JsonValue] = dict(record.payload)
        self._database = database

    def token(self, number: int = 0) -> str:
        return f"{self.id}-{number}"

    def note(self, **more: JsonValue) -> None:
        """Add to the payload; it is on the disk when this returns."""
        self.payload.update(more)
        with self._database.write() as connection:
            table.update(connection, self.id, self.payload)

    def text(self, key: str) -> str:
        """Return a value of the payload that is a string; one that isn't raises `KeyError` or `TypeError`."""
        value = self.payload[key]
        if not isinstance(value, str):
            raise TypeError(f"Intent {self.id} ({self.kind}): {key} is no string")
        return value

    def texts(self, key: str) -> list[str]:
        """Return a value of the payload that is a list of strings; one that isn't raises `KeyError` or `TypeError`."""
        value = self.payload[key]
        if not isinstance(value, list):
            raise TypeError(f"Intent {self.id} ({self.kind}): {key} is no list")
        return [str(each) for each in value]

    def number(self, key: str) -> int:
        """Return a value of the payload that is a number; one that isn't raises `KeyError` or `TypeError`."""
        value = self.payload[key]
        if not isinstance(value, int):
            raise TypeError(f"Intent {self.id} ({self.kind}): {key} is no number")
        return value


class Tokens(Protocol):
    """Names of staged trees, by number."""

    def token(self, number: int = 0) -> str: ...


@dataclass(frozen=True, slots=True)
class TokenRange:
    """The staged trees of an intent from `first` on, counted from 0: those of one of several things that it makes."""

    intent: Intent
    first: int

    def token(self, number: int = 0) -> str:
        return self.intent.token(self.first + number)


class IntentLog:
    """The open intents."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    def open(self, kind: str, payload: Mapping[str, JsonValue]) -> Intent:
        """Record what begins now; it is on the disk when this returns."""
        record = IntentRecord(id=secrets.token_hex(6), kind=kind, payload=dict(payload), created_at=self._clock.now())
        with self._database.write() as connection:
            table.insert(connection, record)
        return Intent(record, self._database)

    def close(self, intent: Intent, connection: Connection | None = None) -> None:
        """Delete the row: inside the transaction that writes the record of the thing itself, when that is given."""
        if connection is not None:
            table.delete(connection, intent.id)
            return
        with self._database.write() as own:
            table.delete(own, intent.id)

    def is_open(self, intent: Intent) -> bool:
        """Tell whether its row is still there: not, if the transaction that was to close it has done so."""
        with self._database.read() as connection:
            return any(record.id == intent.id for record in table.list_all(connection))

    def list_open(self) -> list[Intent]:
        """Return the open intents, oldest first."""
        with self._database.read() as connection:
            return [Intent(record, self._database) for record in table.list_all(connection)]
