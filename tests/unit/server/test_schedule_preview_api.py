"""A look ahead over the API and by the command."""

from __future__ import annotations

import pytest

from holdfast.cli.main import main
from holdfast.service.caller import INTERNAL
from holdfast.service.volume_requests import VolumeRequest
from support.api_server import Running
from support.http import Answer, ask, outcome

pytestmark = pytest.mark.root
PATH = "/1.0/schedule-preview"


@pytest.fixture
def web(api: Running) -> Running:
    """A server with an instance `web` that has the snapshots s0 and s1, and a volume `data`."""
    ask(api.socket, "POST", "/1.0/storage-pools", {"name": "p", "driver": "dir"})
    root = {"type": "disk", "path": "/", "pool": "p"}
    body = {"name": "web", "source": {"type": "none"}, "devices": {"root": root}}
    assert outcome(api.socket, ask(api.socket, "POST", "/1.0/instances", body)) == ""
    for name in ("s0", "s1"):
        assert outcome(api.socket, ask(api.socket, "POST", "/1.0/instances/web/snapshots", {"name": name})) == ""
    api.services.volumes.volumes.create(INTERNAL, "p", VolumeRequest(name="data"))
    return api


def previewed(api: Running, **body: object) -> Answer:
    return ask(api.socket, "POST", PATH, body)


def test_of_an_instance(web: Running) -> None:
    draft = {"schedule": "0 3 * * *", "pattern": "s%d", "keep": "last=1", "expiry": "1d", "count": 2}
    found = previewed(web, instance="web", **draft).body["metadata"]
    assert len(found["next"]) == 2
    assert found["name"] == "s2"
    assert found["expires_at"] > found["next"][0]
    assert [(each["name"], each["kept"], each["reason"]) for each in found["kept"]] == [
        ("s0", True, "no expiry"),
        ("s1", True, "no expiry"),
    ]
    assert found["errors"] == {"schedule": "", "pattern": "", "keep": "", "expiry": ""}
    config = ask(web.socket, "GET", "/1.0/instances/web").body["metadata"]["config"]
    assert not any(key.startswith("snapshots.") for key in config), "nothing is set"


def test_of_a_volume(web: Running) -> None:
    found = previewed(web, pool="p", volume="data", schedule="@startup", expiry="never").body["metadata"]
    assert found["name"] == "snap0"
    assert [field for field, error in found["errors"].items() if error] == ["schedule", "expiry"]


def test_of_what_is_not_there(web: Running) -> None:
    assert previewed(web, schedule="@daily").status == 400
    assert previewed(web, instance="web", pool="p", volume="data").status == 400
    assert previewed(web, instance="nosuch").status == 404
    assert previewed(web, pool="p", volume="nosuch").status == 404
    assert previewed(web, instance="web", count=101).status == 400


def test_the_command(web: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HOLDFAST_SOCKET", str(web.socket))
    assert main(["schedule", "preview", "web", "30 3 * * *", "--count", "2", "--expiry", "2d"]) == 0
    first, second, name, *kept = capsys.readouterr().out.splitlines()
    assert (first[:12], second[:12], first[23:28]) == ("Next runs:  ", " " * 12, "03:30")
    assert name.startswith("Next name:  snap0, until ")
    assert kept == ["Kept: s0 (no expiry)", "Kept: s1 (no expiry)"]
    assert main(["schedule", "preview", "web", "61 * * * *"]) == 1
    assert "schedule: Error parsing" in capsys.readouterr().err
