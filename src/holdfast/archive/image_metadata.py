"""metadata.yaml of an image: read from anyone's file, written for ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import yaml

from holdfast.archive.image_file import METADATA_CAP_BYTES
from holdfast.model.architecture import kernel_name
from holdfast.model.errors import ArchiveError
from holdfast.model.operation import JsonValue

_LARGEST_NUMBER: Final = 2**53
_DEEPEST: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageMetadata:
    """What the file says of itself; `templates` is kept as it is, for the image made from an instance."""

    architecture: str
    created_at: datetime | None = None
    expires_at: datetime | None = None
    properties: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, JsonValue] = field(default_factory=dict)


def architecture_name(text: str) -> str:
    """Return the kernel's name of an architecture for any of its usual ones; `ArchiveError` for others."""
    name = kernel_name(text)
    if name is None:
        raise ArchiveError(f'metadata.yaml names an unknown architecture "{text}"')
    return name


def parse(document: bytes) -> ImageMetadata:
    """Read and check a document of at most 1 MiB; raise `ArchiveError` naming the field that is wrong."""
    if len(document) > METADATA_CAP_BYTES:
        raise ArchiveError("metadata.yaml is larger than 1 MiB")
    top = _mapping(_load(document), "metadata.yaml")
    architecture = top.get("architecture")
    if not isinstance(architecture, str) or not architecture:
        raise ArchiveError("metadata.yaml doesn't name an architecture")
    properties = _mapping(top.get("properties"), "properties")
    return ImageMetadata(
        architecture=architecture_name(architecture),
        created_at=_time(top.get("creation_date"), "creation_date"),
        expires_at=_time(top.get("expiry_date"), "expiry_date"),
        properties={key: _text(value, f"properties.{key}") for key, value in properties.items()},
        templates={key: _plain(value) for key, value in _mapping(top.get("templates"), "templates").items()},
    )


def dump(metadata: ImageMetadata) -> bytes:
    """Write the document, as LXD reads it."""
    document = {
        "architecture": metadata.architecture,
        "creation_date": _seconds(metadata.created_at),
        "expiry_date": _seconds(metadata.expires_at),
        "properties": dict(metadata.properties),
        "templates": dict(metadata.templates),
    }
    return yaml.safe_dump(document, sort_keys=False).encode()


class _Loader(yaml.SafeLoader):
    """Knows no aliases: a few hundred bytes of them can unfold to gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise ArchiveError("metadata.yaml holds YAML aliases, which are not taken from outside")
        return super().compose_node(parent, index)


def _load(document: bytes) -> object:
    try:
        return yaml.load(document, Loader=_Loader)
    except (yaml.YAMLError, UnicodeError, ValueError, RecursionError) as error:
        raise ArchiveError(f"metadata.yaml is not YAML: {error}") from error


def _mapping(value: object, what: str) -> dict[str, JsonValue]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ArchiveError(f"{what} is not a mapping")
    return {_text(key, what): entry for key, entry in value.items()}


def _plain(value: object, depth: int = 0) -> JsonValue:
    """Take what JSON and YAML both can hold: no dates, binaries, sets, or numbers without end."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | float) and abs(value) < _LARGEST_NUMBER:
        return value
    if isinstance(value, list) and depth < _DEEPEST:
        return [_plain(entry, depth + 1) for entry in value]
    if isinstance(value, dict) and depth < _DEEPEST:
        return {_text(key, "templates"): _plain(entry, depth + 1) for key, entry in value.items()}
    raise ArchiveError("templates in metadata.yaml hold something that is no text, number, list or mapping")


def _text(value: object, what: str) -> str:
    """Take a scalar as text: a release "12" is often written as a number."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        try:
            return str(value)
        except ValueError as error:  # a number of thousands of digits
            raise ArchiveError(f"{what} in metadata.yaml is too long a number") from error
    raise ArchiveError(f"{what} in metadata.yaml is neither text nor number")


def _time(value: object, what: str) -> datetime | None:
    """Read seconds since 1970; 0 and nothing mean none."""
    if value is None or value == 0:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise ArchiveError(f"{what} in metadata.yaml is no number of seconds")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ArchiveError(f"{what} in metadata.yaml is out of range") from error


def _seconds(time: datetime | None) -> int:
    return int(time.timestamp()) if time else 0
