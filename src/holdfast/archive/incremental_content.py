"""A file that holds only the difference to a snapshot: its index says which one, and no other program takes it."""

from __future__ import annotations

from dataclasses import replace

from holdfast.archive.content import ExportContent
from holdfast.archive.document_values import text_of
from holdfast.archive.export_index import INCREMENTAL, Base
from holdfast.archive.instance_content import checked_index
from holdfast.wire.backup_index import BaseEntry, parse_index


def as_incremental(content: ExportContent, base: Base) -> ExportContent:
    """Return the content of streams that begin at a base."""
    index = parse_index(content.index)
    index.type = INCREMENTAL
    index.base = BaseEntry(snapshot=base.snapshot, created_at=text_of(base.created_at), uuid=base.identity)
    return replace(content, index=checked_index(index, "--instance-only"))
