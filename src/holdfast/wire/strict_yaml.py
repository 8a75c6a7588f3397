"""YAML from outside, as little of it as documents need: maps, lists, text and null, built without recursion.

Every plain scalar apart from null is text; types come from the schema of the document, not from YAML's guesses.
Aliases, tags, anchors, keys given twice, keys that are no text, a second document and deep nesting are refused. (The
library's own builder calls itself for each level: a document of brackets ends the process.)
"""

from __future__ import annotations

from typing import Final

import yaml

StrictValue = None | str | list["StrictValue"] | dict[str, "StrictValue"]

DEPTH_CAP: Final = 64
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_STARTS: Final = (yaml.MappingStartEvent, yaml.SequenceStartEvent)


class StrictYamlError(ValueError):
    """The document is not YAML, or more YAML than is taken; the text says where."""


def load(document: bytes) -> StrictValue:
    """Return what the document holds; an empty one is null."""
    builder = _Builder()
    try:
        for event in yaml.parse(document, Loader=yaml.CSafeLoader):
            builder.take(event)
    except (yaml.YAMLError, UnicodeError) as error:
        raise StrictYamlError(" ".join(str(error).split())) from error
    return builder.result


class _Builder:
    """Puts each event's value into the innermost open map or list."""

    def __init__(self) -> None:
        self.result: StrictValue = None
        self._open: list[list[StrictValue] | dict[str, StrictValue]] = []
        self._keys: list[str | None] = []
        """For each open container the key that waits for its value."""
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise StrictYamlError("there is a second document")
        elif isinstance(event, yaml.AliasEvent):
            raise StrictYamlError(f"aliases are not allowed{_place(event)}")
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, _STARTS):
            self._start(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
            self._keys.pop()

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        _refuse_extras(event)
        is_plain = event.style is None or event.style == ""
        if self._awaits_key():
            self._key(event)
        else:
            self._put(None if is_plain and event.value in _NULLS else event.value)

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        _refuse_extras(event)
        if self._awaits_key():
            raise StrictYamlError(f"a key is no plain text{_place(event)}")
        if len(self._open) >= DEPTH_CAP:
            raise StrictYamlError(f"it is nested deeper than {DEPTH_CAP} levels{_place(event)}")
        opened: list[StrictValue] | dict[str, StrictValue] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(opened)
        self._open.append(opened)
        self._keys.append(None)

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], dict) and self._keys[-1] is None

    def _key(self, event: yaml.ScalarEvent) -> None:
        container = self._open[-1]
        if isinstance(container, dict) and event.value in container:
            raise StrictYamlError(f'the key "{event.value}" is there twice{_place(event)}')
        self._keys[-1] = event.value

    def _put(self, value: StrictValue) -> None:
        if not self._open:
            self.result = value
            return
        container, key = self._open[-1], self._keys[-1]
        if isinstance(container, list):
            container.append(value)
        elif key is not None:
            container[key] = value
            self._keys[-1] = None


def _refuse_extras(event: yaml.NodeEvent) -> None:
    tag = getattr(event, "tag", None)
    if event.anchor is not None or (tag is not None and tag != "!"):
        raise StrictYamlError(f"anchors and tags are not allowed{_place(event)}")


def _place(event: yaml.Event) -> str:
    return f" (line {event.start_mark.line + 1})" if event.start_mark else ""
