"""`backup/optimized_header.yaml`: the subvolumes of an export in the form of a storage driver, in their order."""

from __future__ import annotations

import msgspec
import yaml

from holdfast.wire.strict_yaml import StrictYamlError, load


class HeaderFormatError(ValueError):
    """The document is not what it must be; the text says where."""


class SubvolumeEntry(msgspec.Struct, kw_only=True):
    """`path` is "/" for the top; `snapshot` is "" for the volume itself; `uuid` is that of the source."""

    path: str
    snapshot: str = ""
    readonly: bool = False
    uuid: str = ""


class OptimizedHeader(msgspec.Struct, kw_only=True):
    """All of the document."""

    subvolumes: list[SubvolumeEntry]


def parse_header(document: bytes) -> OptimizedHeader:
    """Read the document; raise `HeaderFormatError`."""
    try:
        return msgspec.convert(load(document), OptimizedHeader, strict=False)
    except (StrictYamlError, msgspec.ValidationError) as error:
        raise HeaderFormatError(str(error)) from error


def dump_header(header: OptimizedHeader) -> bytes:
    """Write the document as LXD does."""
    text: bytes = yaml.dump(msgspec.to_builtins(header), Dumper=yaml.CSafeDumper, sort_keys=False, encoding="utf-8")
    return text
