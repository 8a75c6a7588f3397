"""Writes docs/reference/api-routes.md from the server's table of routes and its list of extensions; a test sees that it
is current."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

from holdfast.server.extensions import EXTENSIONS, LXD_VERSION
from holdfast.server.route import Answer, Route
from holdfast.server.routes import ROUTES

PAGE = Path(__file__).parent / "reference" / "api-routes.md"
INTRODUCTION = f"""# Routes and extensions of the API

Made from the server's own tables by `docs/generate_api.py`; don't edit it by hand. What the answers mean is told in
[the API](api.md). Paths below `/1.0/instances` are served below `/1.0/containers`, too. The level of LXD that is served
is {LXD_VERSION}. Who may call a route is told in [TLS and trust](../internals/tls.md#who-may-what).
"""
WORDS = {
    Answer.SYNC: "at once",
    Answer.CREATED: "at once (201)",
    Answer.ASYNC: "operation",
    Answer.FILE: "bytes",
    Answer.WEBSOCKET: "websocket",
}


def area_of(route: Route) -> str:
    parts = route.path.split("/")
    return parts[2] if len(parts) > 2 else "1.0"


def row(route: Route) -> str:
    path = re.sub(r"\{(\w+):[^}]*\}", r"{\1}", route.path)
    query = ", ".join(f"`{name}`" for name in route.query)
    return f"| {route.method} | `{path}` | {route.summary} | {WORDS[route.answer]} | {route.permission} | {query} |"


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    ordered = sorted(ROUTES, key=lambda route: (area_of(route), route.path))
    for area, routes in groupby(ordered, key=area_of):
        parts.append(f"## {area}\n\n| method | path | | answer | who | query |\n|---|---|---|---|---|---|")
        parts += [row(route) for route in routes]
        parts.append("")
    parts.append(
        "## Extensions\n\nAnnounced in `api_extensions`: " + ", ".join(f"`{each}`" for each in EXTENSIONS) + ".\n"
    )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"Wrote {PAGE}")
