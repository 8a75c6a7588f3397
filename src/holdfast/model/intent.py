"""An intent as recorded: what is under way, and what recovery needs to finish or undo it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from holdfast.model.operation import JsonValue


@dataclass(frozen=True, kw_only=True, slots=True)
class IntentRecord:
    id: str
    kind: str
    payload: Mapping[str, JsonValue]
    created_at: datetime
