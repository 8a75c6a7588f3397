"""The OpenAPI document tells of every route."""

from __future__ import annotations

import json
import re

from holdfast.server.openapi import openapi_document
from holdfast.server.routes import ROUTES


def test_every_route_is_in_the_document() -> None:
    document = openapi_document(ROUTES)
    paths = document["paths"]
    assert isinstance(paths, dict)
    found = {(method.upper(), path) for path, methods in paths.items() for method in methods}  # type: ignore[union-attr]
    assert found == {(row.method, re.sub(r"\{(\w+):[^}]*\}", r"{\1}", row.path)) for row in ROUTES}


def test_references_lead_somewhere_and_ids_are_unique() -> None:
    document = openapi_document(ROUTES)
    text = json.dumps(document)
    components = document["components"]
    assert isinstance(components, dict)
    schemas = components["schemas"]
    assert isinstance(schemas, dict)
    for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert name in schemas
    ids = re.findall(r'"operationId": "([^"]+)"', text)
    assert len(ids) == len(set(ids)) == len(ROUTES)


def test_no_two_rows_are_the_same() -> None:
    keys = [(row.method, row.path) for row in ROUTES]
    assert len(keys) == len(set(keys))
