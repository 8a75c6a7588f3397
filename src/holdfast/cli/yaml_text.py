"""YAML as people edit it: configuration values are strings, and nothing turns into a date, a time or an octal."""

from __future__ import annotations

import re
from typing import TypeGuard

import click
import yaml

_NULL = re.compile(r"(?:~|null|)$")
_BOOL = re.compile(r"(?:true|false)$")
_MAPS_OF_STRINGS = ("config", "properties")


class _Loader(yaml.CSafeLoader):
    """Knows null, true and false; every other plain word is a string."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 (the library's own name)


_Loader.add_implicit_resolver("tag:yaml.org,2002:null", _NULL, ["~", "n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, ["t", "f"])


class _Dumper(yaml.CSafeDumper):
    """Quotes with double quotes, and only what another reader would take for something else than a string."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    if "\n" in text:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    style = '"' if _would_be_misread(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _would_be_misread(text: str) -> bool:
    """Tell whether a reader of YAML 1.1 takes the plain word for something else; a time of the API needs no quotes."""
    if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", text):
        return False
    resolvers = yaml.SafeLoader.yaml_implicit_resolvers.get(text[:1], [])
    return any(pattern.match(text) for _, pattern in resolvers)


_Dumper.add_representer(str, _represent_text)


def to_yaml(document: object) -> str:
    """Write a document as YAML, in the order of its keys."""
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=1 << 20
    )
    return text


def from_yaml(text: str) -> dict[str, object]:
    """Read a document that a user wrote; an empty one is an empty mapping."""
    try:
        document = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, UnicodeError) as error:
        raise click.ClickException(f"Not readable as YAML: {' '.join(str(error).split())}") from error
    if document is None:
        return {}
    if not is_mapping(document):
        raise click.ClickException("The YAML must be a mapping: lines of `key: value`")
    for key in _MAPS_OF_STRINGS:
        if document.get(key) is not None:
            document[key] = _texts(key, document[key])
    if document.get("devices") is not None:
        devices = _mapping("devices", document["devices"])
        document["devices"] = {name: _texts(f"devices: {name}", device or {}) for name, device in devices.items()}
    return document


def _texts(key: str, values: object) -> dict[str, str]:
    return {name: _as_text(f"{key}: {name}", value) for name, value in _mapping(key, values).items()}


def _mapping(key: str, value: object) -> dict[str, object]:
    if not is_mapping(value):
        raise click.ClickException(f'"{key}" must be a mapping: lines of `key: value` below it')
    return value


def is_mapping(value: object) -> TypeGuard[dict[str, object]]:
    """Tell whether a value is a mapping."""
    return isinstance(value, dict)


def _as_text(key: str, value: object) -> str:
    if isinstance(value, list | dict):
        raise click.ClickException(f'"{key}" must be a single value')
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
