"""A definition as text and back, for what must be known again after a crash."""

from __future__ import annotations

from holdfast.archive.definition import Definition, from_config, to_config, without_expanded
from holdfast.archive.volume_definition import VolumeDefinition, from_volume_config, to_volume_config
from holdfast.model.storage import Pool
from holdfast.wire.backup_index import dump, parse_backup_config


def write_definition(definition: Definition, pool: Pool) -> str:
    """Return the text: all but the instance's project, and what profiles give."""
    return dump(without_expanded(to_config(definition, pool))).decode()


def read_definition(text: str, *, pool: str) -> Definition:
    """Undo `write_definition`."""
    return from_config(parse_backup_config(text.encode()), pool=pool)


def write_volume_definition(definition: VolumeDefinition, pool: Pool) -> str:
    """Return a volume's definition as text."""
    return dump(to_volume_config(definition, pool, is_attached=True)).decode()


def read_volume_definition(text: str) -> VolumeDefinition:
    """Undo `write_volume_definition`; project and pool are for the caller to say."""
    return from_volume_config(parse_backup_config(text.encode()), pool="")
