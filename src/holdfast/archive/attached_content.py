"""An instance's export file with the volumes that are attached to it: one index for all, the volumes at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from holdfast.archive.content import ExportContent
from holdfast.archive.definition import without_expanded
from holdfast.archive.instance_content import checked_index
from holdfast.archive.layout import INDEX_CAP_BYTES
from holdfast.wire.backup_index import PartIndex, dump, parse_index


def with_attached(content: ExportContent, volumes: Sequence[ExportContent]) -> ExportContent:
    """Return an instance's content with that of volumes; raise if the index were larger than any reader takes."""
    index = parse_index(content.index)
    index.attached_volumes = [_part(volume.index) for volume in volumes]
    if len(dump(index)) > INDEX_CAP_BYTES and index.config is not None:
        index.config = without_expanded(index.config)
    return replace(
        content, index=checked_index(index, "--instance-only, or the volumes by themselves"), attached=volumes
    )


def _part(document: bytes) -> PartIndex:
    index = parse_index(document)
    return PartIndex(**{field: getattr(index, field) for field in PartIndex.__struct_fields__})
