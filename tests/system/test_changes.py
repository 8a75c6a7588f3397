"""Snapshots compared with one another and with now, of running instances and of volumes, on each kind of pool."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from support.cli import Cli
from support.holdfast import HoldfastServer
from support.http import ask, outcome
from support.images import make_tiny_image

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]


@pytest.fixture(scope="module")
def cli(server: HoldfastServer, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    cli = Cli(server.socket)
    cli.run("image", "import", make_tiny_image(tmp_path_factory.mktemp("image") / "tiny.tar.gz"), "--alias", "tiny")
    return cli


def shell(cli: Cli, script: str) -> None:
    cli.run("exec", "web", "--", "sh", "-c", script)


@pytest.fixture(scope="module", params=["default", "bt"])
def web(request: pytest.FixtureRequest, cli: Cli) -> Iterator[str]:
    """A running instance with the snapshots `a` and `b`, changed between them and since."""
    cli.run("launch", "tiny", "web", "-s", request.param)
    shell(cli, "mkdir -p /srv/d; echo 1 >/srv/d/kept; echo 1 >/srv/d/changed; echo 1 >/srv/d/gone")
    cli.run("snapshot", "web", "a")
    shell(cli, "cd /srv/d; rm gone; echo 22 >changed; mkdir new; echo 333 >new/file")
    cli.run("snapshot", "web", "b")
    shell(cli, "cd /srv/d; chmod 600 kept; rm -r new")
    yield "web"
    cli.run("delete", "--force", "web")


def seen(server: HoldfastServer, query: str) -> list[tuple[str, str]]:
    found = ask(server.socket, "GET", f"/1.0/instances/web/changes?path=/srv/d&{query}").body["metadata"]
    return [(each["change"], each["path"]) for each in found["entries"]]


def entry(path: str, change: str, kind: str, old: int | None, new: int | None, *what: str) -> dict[str, object]:
    return {"path": path, "change": change, "type": kind, "old_size": old, "new_size": new, "what": list(what)}


@pytest.mark.usefixtures("web")
@pytest.mark.parametrize("path", ["/nope", "/srv/d/kept"])
def test_what_is_no_directory_is_named(cli: Cli, path: str) -> None:
    assert cli.fails("snapshot", "diff", "web/a", "--path", path) == (
        f'Not Found: there is no directory "{path}" before nor after'
    )


@pytest.mark.usefixtures("web")
def test_two_snapshots(server: HoldfastServer) -> None:
    found = ask(server.socket, "GET", "/1.0/instances/web/changes?from=a&to=b&path=/srv").body["metadata"]
    assert found == {
        "from": "a",
        "to": "b",
        "path": "/srv",
        "added": 2,
        "changed": 1,
        "removed": 1,
        "complete": True,
        "entries": [
            entry("/srv/d/changed", "changed", "file", 2, 3, "size", "time"),
            entry("/srv/d/gone", "removed", "file", 2, None),
            entry("/srv/d/new", "added", "directory", None, None),
            entry("/srv/d/new/file", "added", "file", None, 4),
        ],
        "next_offset": None,
    }
    assert seen(server, "from=a&to=a") == []


@pytest.mark.usefixtures("web")
def test_a_snapshot_and_now(server: HoldfastServer, cli: Cli) -> None:
    assert seen(server, "from=b") == [
        ("changed", "/srv/d/kept"),
        ("removed", "/srv/d/new"),
        ("removed", "/srv/d/new/file"),
    ]
    text = cli.run("snapshot", "diff", "web/a", "--path", "/srv/d")
    assert text.splitlines() == [
        "~ /srv/d/changed  (2B -> 3B)",
        "- /srv/d/gone  (2B)",
        "~ /srv/d/kept  (mode)",
        "0 added, 2 changed, 1 removed",
    ]
    whole = json.loads(cli.run("snapshot", "diff", "web/a", "b", "--path", "/srv", "--format", "json"))
    assert len(whole["entries"]) == 4


@pytest.mark.usefixtures("web")
def test_pages(server: HoldfastServer) -> None:
    offset, paths = 0, []
    while offset is not None:
        query = f"from=a&to=b&path=/srv&limit=3&offset={offset}"
        page = ask(server.socket, "GET", f"/1.0/instances/web/changes?{query}").body["metadata"]
        assert (page["added"], page["removed"]) == (2, 1)
        paths += [each["path"] for each in page["entries"]]
        offset = page["next_offset"]
    assert paths == ["/srv/d/changed", "/srv/d/gone", "/srv/d/new", "/srv/d/new/file"]


@pytest.mark.usefixtures("web")
def test_what_makes_no_sense(server: HoldfastServer, cli: Cli) -> None:
    for query, status in (
        ("", 400),
        ("from=nosuch", 404),
        ("from=a&to=nosuch", 404),
        ("from=a&path=/nosuch", 404),
        ("from=a&path=/../../etc", 400),
        (f"from=a&path={quote(chr(0))}", 400),
        ("from=a&limit=0", 400),
        ("from=a&limit=1001", 400),
        ("from=a&offset=-1", 400),
        ("from=../../a", 404),
    ):
        assert ask(server.socket, "GET", f"/1.0/instances/web/changes?{query}").status == status, query
    assert ask(server.socket, "GET", "/1.0/instances/nosuch/changes?from=a").status == 404
    assert "give INSTANCE/SNAPSHOT" in cli.fails("snapshot", "diff", "web")


@pytest.mark.usefixtures("web")
def test_threat_a_link_leads_a_comparison_out(server: HoldfastServer, cli: Cli) -> None:
    shell(cli, "ln -s /etc /srv/d/out")
    assert ask(server.socket, "GET", "/1.0/instances/web/changes?from=a&path=/srv/d/out").status == 404
    assert ("added", "/srv/d/out") in seen(server, "from=a")
    shell(cli, "rm /srv/d/out")


@pytest.mark.usefixtures("web")
def test_sizes(server: HoldfastServer, cli: Cli) -> None:
    def used(query: str = "") -> int:
        found = ask(server.socket, "GET", f"/1.0/instances/web/usage{query}").body["metadata"]
        assert found["complete"]
        return int(found["bytes"])

    snapshot = used("?snapshot=b")
    shell(cli, "dd if=/dev/zero of=/srv/large bs=1M count=3 2>/dev/null; sync")
    assert used() - snapshot > 2 * 2**20
    assert used("?snapshot=b") == snapshot
    assert ask(server.socket, "GET", "/1.0/instances/web/usage?snapshot=nosuch").status == 404
    shell(cli, "rm /srv/large")


@pytest.mark.parametrize("pool", ["default", "bt"])
def test_volumes(server: HoldfastServer, cli: Cli, pool: str) -> None:
    cli.run("storage", "volume", "create", pool, "data")
    cli.run("storage", "volume", "snapshot", pool, "data", "empty")
    root = server.directory / "storage-pools" / pool / "custom"
    (volume,) = [each for each in root.iterdir() if each.name.endswith("data")]
    (volume / "file").write_text("x")
    assert cli.run("storage", "volume", "diff", pool, "data/empty").splitlines()[0] == "+ /file  (1B)"
    usage = f"/1.0/storage-pools/{pool}/volumes/custom/data/usage"
    assert ask(server.socket, "GET", usage).body["metadata"]["entries"] == 1
    assert ask(server.socket, "GET", f"{usage}?snapshot=empty").body["metadata"]["entries"] == 0
    cli.run("storage", "volume", "create", pool, "disk", "size=10MiB", "--type", "block")
    path = f"/1.0/storage-pools/{pool}/volumes/custom/disk/changes?from=x"
    assert "not disks" in ask(server.socket, "GET", path).body["error"]
    for name in ("data", "disk"):
        assert outcome(server.socket, ask(server.socket, "DELETE", path.replace("disk/changes?from=x", name))) == ""
