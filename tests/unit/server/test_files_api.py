"""Events about the files of an instance."""

from __future__ import annotations

from holdfast.model.operation import Event, Lifecycle
from support.api_server import Running
from support.http import ask, outcome

FILES = "/1.0/instances/box/files?path="


def test_each_retrieval_is_told_once(api: Running) -> None:
    ask(api.socket, "POST", "/1.0/storage-pools", {"name": "default", "driver": "dir"})
    root = {"type": "disk", "path": "/", "pool": "default"}
    body = {"name": "box", "source": {"type": "none"}, "devices": {"root": root}}
    assert outcome(api.socket, ask(api.socket, "POST", "/1.0/instances", body)) == ""
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
