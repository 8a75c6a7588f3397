"""The OpenAPI document of this server, made from the table of routes and the wire types."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from holdfast import __version__
from holdfast.model.operation import JsonValue
from holdfast.server.route import Answer, Permission, Route
from holdfast.wire.envelope import AsyncAnswer, ErrorAnswer, SyncAnswer

_PARAMETER: Final = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_REFERENCES: Final = "#/components/schemas/{name}"
_STATUS: Final = {
    Answer.SYNC: "200",
    Answer.CREATED: "201",
    Answer.ASYNC: "202",
    Answer.FILE: "200",
    Answer.WEBSOCKET: "101",
}
_Json = dict[str, JsonValue]


def openapi_document(routes: Iterable[Route]) -> _Json:
    """Return the document, as plain values."""
    rows = list(routes)
    types = [kind for row in rows for kind in (row.takes, row.gives) if kind is not None]
    unique = list({str(kind): kind for kind in (*types, SyncAnswer, AsyncAnswer, ErrorAnswer)}.values())
    shown, components = msgspec.json.schema_components(unique, ref_template=_REFERENCES)
    schemas = {str(kind): schema for kind, schema in zip(unique, shown, strict=True)}
    paths: dict[str, _Json] = {}
    for row in rows:
        paths.setdefault(_PARAMETER.sub(r"{\1}", row.path), {})[row.method.lower()] = _operation(row, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Holdfast", "version": __version__},
        "paths": {**paths},
        "components": {"schemas": {**components}},
    }


def _operation(row: Route, schemas: dict[str, _Json]) -> _Json:
    parameters: list[JsonValue] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(row.path)
    ]
    parameters += [{"name": name, "in": "query", "schema": {"type": "string"}} for name in row.query]
    shown: _Json = {
        "operationId": f"{row.method.lower()}_{row.handler.__name__}_{_slug(row.path)}",
        "summary": row.summary,
        "parameters": parameters,
        "responses": {_STATUS[row.answer]: _answer(row, schemas), "default": _error(schemas)},
        "x-permission": row.permission.value,
    }
    if row.takes is not None:
        shown["requestBody"] = {"content": {"application/json": {"schema": schemas[str(row.takes)]}}}
    if row.permission is Permission.SECRET:
        shown["security"] = []
    return shown


def _answer(row: Route, schemas: dict[str, _Json]) -> _Json:
    if row.answer is Answer.FILE:
        return {"description": "The file", "content": {"application/octet-stream": {}}}
    if row.answer is Answer.WEBSOCKET:
        return {"description": "A websocket"}
    envelope = AsyncAnswer if row.answer is Answer.ASYNC else SyncAnswer
    schema = schemas[str(envelope)]
    if row.gives is not None:
        extra: _Json = {"type": "object", "properties": {"metadata": schemas[str(row.gives)]}}
        schema = {"allOf": [schema, extra]}
    return {"description": row.answer.value, "content": {"application/json": {"schema": schema}}}


def _error(schemas: dict[str, _Json]) -> _Json:
    return {"description": "error", "content": {"application/json": {"schema": schemas[str(ErrorAnswer)]}}}


def _slug(path: str) -> str:
    return re.sub(r"\W+", "_", path).strip("_")
