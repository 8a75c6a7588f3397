"""A protection, where a test needs one of which little matters; see `dataclasses.replace` for the rest."""

from __future__ import annotations

from datetime import UTC, datetime

from holdfast.model.protection import Protection

PROTECTION = Protection(
    name="home-all",
    remote="home",
    address="127.0.0.1:1",
    certificate="",
    pattern="*",
    pool="p",
    schedule="@daily",
    created_at=datetime(2026, 3, 1, tzinfo=UTC),
)
