"""Warnings over the API, with the answers that LXD 5.0.2 was seen to give."""

from __future__ import annotations

from typing import Any

import pytest

from support.api_server import Running
from support.http import ask


@pytest.fixture
def known(api: Running) -> str:
    """Raise one in the default project and one in `p`; return the id of the first."""
    api.services.warnings.raise_("default", "Kind one", "/1.0/profiles/default", "first")
    api.services.warnings.raise_("p", "Kind two", "/1.0/profiles/x?project=p", "second")
    (found,) = api.services.warnings.list("default")
    return found.id


def _types(api: Running, query: str) -> set[str]:
    return {each["type"] for each in ask(api.socket, "GET", f"/1.0/warnings?recursion=1{query}").body["metadata"]}


def test_lists(api: Running, known: str) -> None:
    urls = ask(api.socket, "GET", "/1.0/warnings").body["metadata"]
    assert f"/1.0/warnings/{known}" in urls and len(urls) == 2
    assert _types(api, "") == _types(api, "&all-projects=true") == {"Kind one", "Kind two"}
    assert _types(api, "&project=p") == {"Kind two"}
    assert _types(api, "&project=nope") == set()
    assert _types(api, "&filter=project%20eq%20p") == {"Kind two"}
    assert ask(api.socket, "GET", "/1.0/warnings?filter=garbage").status == 400


def test_one(api: Running, known: str) -> None:
    shown: dict[str, Any] = ask(api.socket, "GET", f"/1.0/warnings/{known}?project=p").body["metadata"]
    assert shown.pop("first_seen_at") == shown.pop("last_seen_at")
    assert shown == {
        "status": "new",
        "uuid": known,
        "location": "none",
        "project": "default",
        "type": "Kind one",
        "count": 1,
        "last_message": "first",
        "severity": "moderate",
        "entity_url": "/1.0/profiles/default",
    }
    (other,) = ask(api.socket, "GET", "/1.0/warnings?recursion=1&project=p").body["metadata"]
    assert other["entity_url"] == "/1.0/profiles/x?project=p"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_change(api: Running, known: str, method: str) -> None:
    path = f"/1.0/warnings/{known}"
    for status in ("acknowledged", "new"):
        assert ask(api.socket, method, path, {"status": status}).status == 200
        assert ask(api.socket, "GET", path).body["metadata"]["status"] == status
    for body, code in (({}, 400), ({"status": "bogus"}, 400), ({"status": "resolved"}, 403)):
        assert ask(api.socket, method, path, body).status == code
    assert ask(api.socket, method, "/1.0/warnings/nope", {"status": "new"}).status == 404
    assert ask(api.socket, "GET", path).body["metadata"]["status"] == "new"


def test_delete(api: Running, known: str) -> None:
    assert ask(api.socket, "DELETE", f"/1.0/warnings/{known}").status == 200
    assert ask(api.socket, "DELETE", f"/1.0/warnings/{known}").status == 404
    assert ask(api.socket, "GET", f"/1.0/warnings/{known}").status == 404
