"""Request bodies read as Go reads them: keys in any case, unknown keys ignored, null is the zero value."""

from __future__ import annotations

import re
from functools import cache
from types import UnionType
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

import msgspec

Shape = TypeVar("Shape")


_UNFIT: Final = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`(?: - at `(?P<path>\$[^`]*)`)?")
_KINDS: Final = {
    "object": "a mapping",
    "array": "a list",
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "a boolean",
    "null": "nothing",
}


class BadBodyError(ValueError):
    """The body is no JSON, or not of the wanted shape; the text says where."""


def decode(body: bytes, shape: type[Shape]) -> Shape:
    """Return the body as the wanted struct. No body at all is refused: a PUT without one would clear everything."""
    if not body:
        raise BadBodyError("The request has no body (EOF): send {} where nothing is to be said")
    try:
        document = msgspec.json.decode(body)
        return msgspec.convert(_fitted(document, shape), shape)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise BadBodyError(in_words(str(error))) from error


def in_words(text: str) -> str:
    """Return what msgspec says of a value that doesn't fit as a sentence; another text as it is."""
    found = _UNFIT.fullmatch(text)
    if found is None:
        return text
    wanted = " or ".join(_KINDS.get(kind, kind) for kind in found["wanted"].split(" | "))
    path = found["path"] or ""
    field = path.removeprefix("$").replace("[...]", "").removeprefix(".")
    where = "each value in " * path.count("[...]") + (f'"{field}"' if field else "the body")
    return f"{where[0].upper()}{where[1:]} must be {wanted}, not {_KINDS.get(found['got'], found['got'])}"


def _fitted(value: Any, shape: Any) -> Any:
    """Rename keys to the struct's own and leave out nulls, so that the fields' defaults apply."""
    inner = _without_optional(shape)
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        return _fitted_struct(value, inner) if isinstance(value, dict) else value
    origin, arguments = get_origin(inner), get_args(inner)
    if origin is dict and isinstance(value, dict):
        # A null among a map's values is the zero value of their type, the key stays.
        zero = _zero(arguments[1])
        return {key: zero if item is None else _fitted(item, arguments[1]) for key, item in value.items()}
    if origin is list and isinstance(value, list):
        zero = _zero(arguments[0])
        return [zero if item is None else _fitted(item, arguments[0]) for item in value]
    return value


def _fitted_struct(value: dict[str, Any], shape: type[msgspec.Struct]) -> dict[str, Any]:
    fields = _fields(shape)
    fitted = {}
    for key, item in value.items():
        known = fields.get(key.lower())
        if known is not None and item is not None:
            name, kind = known
            fitted[name] = _fitted(item, kind)
    return fitted


@cache
def _fields(shape: type[msgspec.Struct]) -> dict[str, tuple[str, Any]]:
    """Return the wire name and type of each field by its name in lower case."""
    hints = get_type_hints(shape)
    return {
        field.encode_name.lower(): (field.encode_name, hints[field.name]) for field in msgspec.structs.fields(shape)
    }


def _without_optional(shape: Any) -> Any:
    rest = [each for each in get_args(shape) if each not in (type(None), msgspec.UnsetType)]
    return rest[0] if len(rest) == 1 and get_origin(shape) not in (dict, list) else shape


def _zero(kind: Any) -> Any:
    inner = _without_optional(kind)
    origin = get_origin(inner)
    if origin is UnionType:
        return _zero(get_args(inner)[0])
    if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
        return {}
    return (origin or inner)()
