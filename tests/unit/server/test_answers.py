"""Envelopes, errors and entity tags, asked over the real socket."""

from __future__ import annotations

import logging
import socket
import time

import pytest

from support.api_server import Running
from support.http import ask, outcome

ALL_KEYS = {"type", "status", "status_code", "operation", "error_code", "error", "metadata"}


def test_root_and_server(api: Running) -> None:
    assert ask(api.socket, "GET", "/").body["metadata"] == ["/1.0"]
    found = ask(api.socket, "GET", "/1.0")
    assert found.status == 200
    assert set(found.body) == ALL_KEYS
    assert found.headers["etag"].startswith('"')
    environment = found.body["metadata"]["environment"]
    assert (environment["server"], environment["server_version"]) == ("lxd", "5.0.2")
    assert environment["holdfast_version"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("GET", "/1.0/no-such-thing", None, 404, "not found"),
        ("DELETE", "/1.0/images", None, 501, "not implemented"),
        ("POST", "/", None, 501, "not implemented"),
        ("GET", "/1.0/instances/nosuch", None, 404, "Instance not found"),
        ("GET", "/1.0/images/aliases/nosuch", None, 404, "Image alias not found"),
        ("GET", "/1.0/images/abc", None, 404, "Image not found"),
        ("GET", "/1.0/storage-pools/nosuch", None, 404, "Storage pool not found"),
        ("GET", "/1.0/operations/nosuch", None, 404, "Operation not found"),
        ("GET", "/1.0/operations/nosuch/wait", None, 404, "Operation not found"),
        ("DELETE", "/1.0/operations/nosuch", None, 404, "Operation not found"),
        ("GET", "/1.0/profiles/nosuch", None, 404, "Profile not found"),
        ("GET", "/1.0/projects/nosuch", None, 404, "Project not found"),
        ("POST", "/1.0/instances", {"name": "c1", "source": {"type": "bogus"}}, 400, "Unknown source type bogus"),
        ("PUT", "/1.0", {"config": {"nope": "1"}}, 400, "Unknown configuration key: nope"),
        ("GET", "/1.0/events?type=bogus", None, 400, "bogus"),
        ("GET", "/1.0/events", None, 400, "Upgrade"),
        ("GET", "/1.0/instances?all-projects=true&project=default", None, 400, "Cannot specify a project"),
        ("GET", "/1.0/instances?filter=name", None, 400, "Invalid filter"),
        ("POST", "/1.0/images", {"source": {"type": "image", "server": "https://x"}}, 400, "alias or fingerprint"),
        ("POST", "/1.0/images", {"source": {"type": "image", "fingerprint": "a"}}, 400, "specify the server"),
        ("POST", "/1.0/images", {"source": {"type": "image", "mode": "warp"}}, 501, 'Mode "warp" not implemented'),
        ("POST", "/1.0/images", {"source": {"type": "image", "protocol": "simplestreams"}}, 501, "simplestreams"),
        ("POST", "/1.0/images", {"source": {"mode": "push", "fingerprint": "../x"}}, 400, "whole fingerprint"),
        ("POST", "/1.0/images", {"source": {"type": "url", "url": "https://x"}}, 501, "import it"),
        ("POST", "/1.0/images/abc/secret", {}, 404, "Image not found"),
        ("POST", "/1.0/images/abc/export", {}, 404, "Image not found"),
        ("POST", "/1.0/images", {}, 400, "Invalid images JSON"),
    ],
)
def test_errors(api: Running, method: str, path: str, body: object, status: int, text: str) -> None:
    found = ask(api.socket, method, path, body)
    assert found.status == status, found.body
    assert set(found.body) == ALL_KEYS
    assert (found.body["type"], found.body["error_code"], found.body["metadata"]) == ("error", status, None)
    assert text in found.body["error"]


@pytest.mark.parametrize("raw", [b"", b"{bad", b"[]", b"\xff\xfe", b'{"config": "text"}'])
def test_bad_json(api: Running, raw: bytes) -> None:
    found = ask(api.socket, "PUT", "/1.0/profiles/default", raw=raw)
    assert found.status == 400
    assert found.body["type"] == "error"


def test_a_body_on_a_get_is_ignored(api: Running) -> None:
    assert ask(api.socket, "GET", "/1.0/projects", {"a": 1}).status == 200


def test_created_answers_name_the_place(api: Running) -> None:
    found = ask(api.socket, "POST", "/1.0/profiles", {"name": "extra", "config": {"user.x": "1"}})
    assert (found.status, found.headers["location"], found.body["metadata"]) == (201, "/1.0/profiles/extra", None)
    again = ask(api.socket, "POST", "/1.0/profiles", {"name": "extra"})
    assert again.status == 409
    assert ask(api.socket, "GET", "/1.0/profiles/extra").body["metadata"]["config"] == {"user.x": "1"}


def test_etag_guards_a_change(api: Running) -> None:
    path = "/1.0/profiles/default"
    tag = ask(api.socket, "GET", path).headers["etag"]
    first = ask(api.socket, "PUT", path, {"description": "one"}, headers={"If-Match": tag})
    late = ask(api.socket, "PUT", path, {"description": "two"}, headers={"If-Match": tag})
    assert (first.status, late.status) == (200, 412)
    assert late.body["error"].startswith("ETag doesn't match: ")
    assert ask(api.socket, "GET", path).body["metadata"]["description"] == "one"
    assert ask(api.socket, "GET", path).headers["etag"] != tag


def test_patch_merges_and_put_replaces(api: Running) -> None:
    path = "/1.0/profiles/default"
    ask(api.socket, "PUT", path, {"config": {"user.a": "1", "user.b": "2"}})
    ask(api.socket, "PATCH", path, {"config": {"user.b": "3"}})
    assert ask(api.socket, "GET", path).body["metadata"]["config"] == {"user.a": "1", "user.b": "3"}
    ask(api.socket, "PUT", path, {"config": {"user.c": "4"}})
    assert ask(api.socket, "GET", path).body["metadata"]["config"] == {"user.c": "4"}


def test_server_config_takes_numbers_and_truths(api: Running) -> None:
    assert ask(api.socket, "PATCH", "/1.0", {"config": {"core.shutdown_timeout": 3, "user.x": True}}).status == 200
    assert ask(api.socket, "GET", "/1.0").body["metadata"]["config"] == {"core.shutdown_timeout": "3", "user.x": "true"}


def test_lists_are_urls_or_objects(api: Running) -> None:
    assert ask(api.socket, "GET", "/1.0/profiles").body["metadata"] == ["/1.0/profiles/default"]
    (shown,) = ask(api.socket, "GET", "/1.0/profiles?recursion=1").body["metadata"]
    assert shown["name"] == "default"
    assert ask(api.socket, "GET", "/1.0/containers").body["metadata"] == []
    assert ask(api.socket, "GET", "/1.0/virtual-machines?recursion=1").body["metadata"] == []
    assert ask(api.socket, "GET", "/1.0/instances?recursion=2&filter=").body["metadata"] == []


def test_target_is_ignored(api: Running) -> None:
    assert ask(api.socket, "GET", "/1.0/instances?target=none").status == 200


def test_volumes_may_be_copied_to_this_very_server(api: Running) -> None:
    """The real client sends `target=none`, as a server outside a cluster is called."""
    path = "/1.0/storage-pools/nosuch/volumes/custom"
    assert ask(api.socket, "POST", f"{path}?target=none", {"name": "x"}).body["error"] == "Storage pool not found"
    assert "only allowed when clustered" in ask(api.socket, "POST", f"{path}?target=b", {"name": "x"}).body["error"]
    refused = ask(api.socket, "POST", "/1.0/instances?target=none", {"name": "x"}).body["error"]
    assert "only allowed when clustered" in refused


def test_a_huge_json_body_is_refused(api: Running) -> None:
    found = ask(api.socket, "PUT", "/1.0/profiles/default", raw=b'{"description":"' + b"x" * (9 * 1024 * 1024) + b'"}')
    assert found.status == 400
    assert "larger than" in found.body["error"]


def test_a_body_that_is_not_in_its_encoding_is_refused(api: Running) -> None:
    headers = {"Content-Encoding": "gzip"}
    found = ask(api.socket, "PUT", "/1.0/profiles/default", raw=b"this is no gzip", headers=headers)
    assert (found.status, "can't be read" in found.body["error"]) == (400, True)


def test_an_endless_recursion_is_none(api: Running) -> None:
    assert ask(api.socket, "GET", "/1.0/profiles?recursion=" + "9" * 5000).body["metadata"] == ["/1.0/profiles/default"]


def test_a_client_that_vanishes_is_no_error_of_ours(api: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(api.socket))
        client.sendall(b"PUT /1.0/profiles/default HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        ask(api.socket, "GET", "/1.0")  # by now the server reads the other's body
    deadline = time.monotonic() + 60
    while not any("PUT /1.0/profiles/default: 400" in record.getMessage() for record in caplog.records):
        assert time.monotonic() < deadline
        ask(api.socket, "GET", "/1.0")
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def rename_project(api: Running, name: str, new_name: str) -> str:
    return outcome(api.socket, ask(api.socket, "POST", f"/1.0/projects/{name}", {"name": new_name}))


def test_an_empty_project_is_renamed_with_its_profile(api: Running) -> None:
    ask(api.socket, "POST", "/1.0/projects", {"name": "old", "description": "mine"})
    assert rename_project(api, "old", "new") == ""
    assert ask(api.socket, "GET", "/1.0/projects").body["metadata"] == ["/1.0/projects/default", "/1.0/projects/new"]
    assert ask(api.socket, "GET", "/1.0/projects/new").body["metadata"]["description"] == "mine"
    assert ask(api.socket, "GET", "/1.0/profiles?project=new").body["metadata"] == ["/1.0/profiles/default?project=new"]
    assert ask(api.socket, "DELETE", "/1.0/projects/new").status == 200


def test_projects_that_keep_their_names(api: Running) -> None:
    ask(api.socket, "POST", "/1.0/projects", {"name": "full"})
    ask(api.socket, "POST", "/1.0/profiles?project=full", {"name": "extra"})
    ask(api.socket, "POST", "/1.0/projects", {"name": "taken"})
    assert "Only empty projects" in rename_project(api, "full", "new")
    assert "already exists" in rename_project(api, "taken", "full")
    assert "cannot be renamed" in rename_project(api, "default", "new")
    assert "underscores" in rename_project(api, "taken", "a_b")
    assert rename_project(api, "nosuch", "new") == "Project not found"
