"""The metadata of an instance and its templates, over the real socket."""

from __future__ import annotations

from support.api_server import Running
from support.http import ask, outcome

METADATA = "/1.0/instances/box/metadata"
TEMPLATES = METADATA + "/templates"


def make_box(api: Running) -> None:
    ask(api.socket, "POST", "/1.0/storage-pools", {"name": "default", "driver": "dir"})
    root = {"type": "disk", "path": "/", "pool": "default"}
    body = {"name": "box", "source": {"type": "none"}, "devices": {"root": root}}
    assert outcome(api.socket, ask(api.socket, "POST", "/1.0/instances", body)) == ""


def test_templates(api: Running) -> None:
    make_box(api)
    assert ask(api.socket, "GET", TEMPLATES).body["metadata"] == []
    assert ask(api.socket, "POST", TEMPLATES + "?path=a.tpl", raw=b"\xffhello").status == 200
    assert ask(api.socket, "GET", TEMPLATES).body["metadata"] == ["a.tpl"]
    assert ask(api.socket, "GET", TEMPLATES + "?path=a.tpl").raw == b"\xffhello"
    assert ask(api.socket, "DELETE", TEMPLATES + "?path=a.tpl").status == 200
    assert ask(api.socket, "DELETE", TEMPLATES + "?path=a.tpl").status == 404
    assert ask(api.socket, "POST", TEMPLATES, raw=b"x").status == 400


def test_metadata_is_replaced_and_changed(api: Running) -> None:
    make_box(api)
    template = {"when": ["create"], "template": "a.tpl", "create_only": True, "properties": {}}
    wanted = {"architecture": "x86_64", "properties": {"os": "x"}, "templates": {"/etc/x": template}}
    assert ask(api.socket, "PUT", METADATA, wanted).status == 200
    assert ask(api.socket, "PATCH", METADATA, {"properties": {"release": "5"}}).status == 200
    found = ask(api.socket, "GET", METADATA)
    assert found.body["metadata"] == {
        "architecture": "x86_64",
        "creation_date": 0,
        "expiry_date": 0,
        "properties": {"os": "x", "release": "5"},
        "templates": {"/etc/x": template},
    }
    late = ask(api.socket, "PUT", METADATA, {"architecture": "x86_64"}, headers={"If-Match": "x"})
    bad = ask(api.socket, "PUT", METADATA, {"architecture": "bogus"})
    assert (late.status, bad.status) == (412, 400)
    assert ask(api.socket, "GET", METADATA).headers["etag"] == found.headers["etag"]
