"""Every route of the table, with names of things that aren't there, to ask each as everybody."""

from __future__ import annotations

import re

from holdfast.server.route import Route

REFUSED = {
    "type": "error",
    "status": "",
    "status_code": 0,
    "operation": "",
    "error_code": 403,
    "error": "not authorized",
    "metadata": None,
}
SAMPLE = {
    "pool": "d",
    "type": "custom",
    "volume": "hidden-volume",
    "snapshot": "s",
    "backup": "b",
    "file": "lxc.log",
    "id": "00000000-0000-0000-0000-000000000000",
    "fingerprint": "00",
    "name": "hidden-thing",
}


def path_of(row: Route) -> str:
    return re.sub(r"\{(\w+)(?::[^}]*)?\}", lambda match: SAMPLE[match[1]], row.path)


def body_of(row: Route) -> dict[str, object] | None:
    """Return the smallest JSON that a route may take."""
    return {} if row.method in ("POST", "PUT", "PATCH") else None
