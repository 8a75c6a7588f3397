"""Events about the files of an instance."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from holdfast.model.operation import Event, Lifecycle
from support.api_server import Running
from support.http import ask, outcome

FILES = "/1.0/instances/box/files?path="


@pytest.fixture
def box(api: Running) -> Running:
    """A server with an instance `box` that never ran."""
    ask(api.socket, "POST", "/1.0/storage-pools", {"name": "default", "driver": "dir"})
    root = {"type": "disk", "path": "/", "pool": "default"}
    body = {"name": "box", "source": {"type": "none"}, "devices": {"root": root}}
    assert outcome(api.socket, ask(api.socket, "POST", "/1.0/instances", body)) == ""
    return api


@pytest.mark.root
def test_a_directory_with_the_facts_of_what_is_in_it(box: Running) -> None:
    headers = {"X-LXD-uid": "7", "X-LXD-gid": "8", "X-LXD-mode": "0640"}
    ask(box.socket, "POST", FILES + "/etc", headers={"X-LXD-type": "directory"})
    ask(box.socket, "POST", FILES + "/etc/data", raw=b"12345", headers=headers)
    ask(box.socket, "POST", FILES + "/etc/link", raw=b"data", headers={"X-LXD-type": "symlink"})
    ask(box.socket, "POST", FILES + "/etc/sub", headers={"X-LXD-type": "directory"})
    outcome(box.socket, ask(box.socket, "POST", "/1.0/instances/box/snapshots", {"name": "s"}))
    for place in (FILES, "/1.0/instances/box/snapshots/s/files?path="):
        data, link, sub = ask(box.socket, "GET", f"{place}/etc&recursion=1").body["metadata"]
        assert {**data, "modified": ""} == {
            "name": "data",
            "type": "file",
            "size": 5,
            "mode": "0640",
            "uid": 7,
            "gid": 8,
            "modified": "",
            "target": "",
        }
        assert (link["name"], link["type"], link["target"]) == ("link", "symlink", "data")
        assert (sub["name"], sub["type"]) == ("sub", "directory")
        refused = ask(box.socket, "GET", f"{place}/etc/data&recursion=1")
        assert (refused.status, refused.body["error"]) == (400, "/etc/data is not a directory")
        assert ask(box.socket, "GET", f"{place}/nosuch&recursion=1").status == 404


@pytest.mark.root
def test_threat_a_file_from_an_instance_is_shown_as_a_page_of_ours(box: Running) -> None:
    """Browsers get no type that they would show, save what is downloaded, and would run nothing of it anyway."""
    path = "/page<b>é.html"
    ask(box.socket, "POST", FILES + quote(path), raw=b"<script>alert(1)</script>")
    for query, disposition in (("", "inline;"), ("&download=1", "attachment; filename*=UTF-8''page%3Cb%3E%C3%A9.html")):
        answer = ask(box.socket, "GET", FILES + quote(path) + query)
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith(disposition)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.root
def test_each_retrieval_is_told_once(box: Running) -> None:
    api = box
    ask(api.socket, "POST", FILES + "/file", raw=b"x")
    ask(api.socket, "POST", FILES + "/link", raw=b"file", headers={"X-LXD-type": "symlink"})
    seen: list[object] = []

    def hear(event: Event) -> None:
        if isinstance(event.body, Lifecycle) and event.body.action == "instance-file-retrieved":
            seen.append(event.body.context["path"])

    leave = api.services.events.subscribe(hear)
    for path in ("/file", "/link", "/", "/nosuch"):
        ask(api.socket, "GET", FILES + path)
    leave()
    assert seen == ["/file", "/link", "/"]
