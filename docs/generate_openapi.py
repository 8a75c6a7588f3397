"""Writes webui/openapi.json, from which the types of the web page are made, from the server's table of routes; a test
sees that it is current."""

from __future__ import annotations

import json
from pathlib import Path

from holdfast.server.openapi import openapi_document
from holdfast.server.routes import ROUTES

PAGE = Path(__file__).parents[1] / "webui" / "openapi.json"


def page() -> str:
    """Return the whole document."""
    return json.dumps(openapi_document(ROUTES), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"Wrote {PAGE}")
