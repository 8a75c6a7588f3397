"""A definition as text and back, for what must be known again after a crash."""

from __future__ import annotations

from holdfast.archive.definition import Definition, from_config, to_config, without_expanded
from holdfast.model.storage import Pool
from holdfast.wire.backup_index import dump, parse_backup_config


def write_definition(definition: Definition, pool: Pool) -> str:
    """Return the text: all but the instance's project, and what profiles give."""
    return dump(without_expanded(to_config(definition, pool))).decode()


def read_definition(text: str, *, pool: str) -> Definition:
    """Undo `write_definition`."""
    return from_config(parse_backup_config(text.encode()), pool=pool)
