"""Warnings as the API shows them."""

from __future__ import annotations

from urllib.parse import quote

from holdfast.model.kinds import DEFAULT_PROJECT
from holdfast.model.warning import WarningRecord
from holdfast.wire import warning as wire
from holdfast.wire.timestamps import to_wire


def warning_shape(warning: WarningRecord) -> wire.ServerWarning:
    return wire.ServerWarning(
        status=warning.status.value,
        uuid=warning.id,
        project=warning.project or "",
        type=warning.kind,
        count=warning.occurrences,
        first_seen_at=to_wire(warning.first_seen_at),
        last_seen_at=to_wire(warning.last_seen_at),
        last_message=warning.message,
        severity=warning.severity.value,
        entity_url=_entity_url(warning),
    )


def _entity_url(warning: WarningRecord) -> str:
    if not warning.entity or warning.project in (None, DEFAULT_PROJECT):
        return warning.entity
    return f"{warning.entity}?project={quote(warning.project or '', safe='')}"
