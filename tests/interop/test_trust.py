"""Trust beside real LXD 5.0.2: the same clients ask both servers the same things, and real `lxc` is the client."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.server.route import Route
from holdfast.server.routes import ROUTES
from support.holdfast import HoldfastServer, short_directory
from support.http import Answer
from support.https import ask_https, base64_of, fingerprint
from support.lxd import LxcClient, LxdClient, LxdServer, require_lxd
from support.missed_end import MissedEndError
from support.ports import free_port
from support.tls_server import Files, client_files

pytestmark = [pytest.mark.root, pytest.mark.needs("lxd", "lxc")]

SAMPLE = {
    "pool": "default",
    "type": "custom",
    "volume": "nosuch",
    "snapshot": "nosuch",
    "backup": "nosuch",
    "file": "lxc.log",
    "id": "00000000-0000-0000-0000-000000000000",
    "fingerprint": "0000",
    "name": "nosuch",
}


@dataclass(frozen=True)
class Side:
    """One of the two servers."""

    lxc: LxcClient
    port: int
    socket: Path

    def ask(self, who: Files | None, method: str, path: str, body: object = None) -> Answer:
        return ask_https(self.port, who, method, path, body)


@dataclass(frozen=True)
class Pair:
    """Both servers, and the clients, whom both trust in the same way: `restricted` to the project p1."""

    ours: Side
    theirs: Side
    directory: Path
    clients: dict[str, Files]

    def fresh(self, name: str) -> tuple[LxcClient, LxcClient]:
        """Return `lxc` for each server, neither of which knows anybody yet."""
        nothing = self.directory / "no.socket"
        theirs = LxdClient(nothing, self.directory / f"{name}-t", asked=(self.theirs.socket,))
        return LxcClient(nothing, self.directory / f"{name}-o"), theirs


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    require_lxd()
    directory = short_directory()
    clients = {name: client_files(directory, name) for name in ("admin", "restricted", "metrics", "stranger")}
    with LxdServer(directory / "l") as lxd, HoldfastServer(directory / "h") as holdfast:
        sides = [Side(each.lxc, free_port(), each.socket) for each in (holdfast, lxd)]
        for side in sides:
            prepare(side, clients)
        yield Pair(sides[0], sides[1], directory, clients)
    shutil.rmtree(directory)


def prepare(side: Side, clients: dict[str, Files]) -> None:
    lxc = side.lxc
    lxc.run("config", "set", "core.https_address", f"127.0.0.1:{side.port}")
    lxc.run("config", "set", "core.trust_password", "sekret")
    for project in ("p1", "p2"):
        lxc.run("project", "create", project)
        lxc.run("profile", "create", "extra", "--project", project)
    lxc.run("config", "trust", "add", clients["admin"].certificate, "--name", "admin")
    restriction = ("--name", "restricted", "--restricted", "--projects", "p1")
    lxc.run("config", "trust", "add", clients["restricted"].certificate, *restriction)
    # `lxc` itself asks for metrics to be served before it adds such a certificate.
    metrics = {"name": "metrics", "type": "metrics", "certificate": base64_of(clients["metrics"])}
    assert side.ask(clients["admin"], "POST", "/1.0/certificates", metrics).status == 201


def path_of(row: Route) -> str:
    return re.sub(r"\{(\w+)(?::[^}]*)?\}", lambda match: SAMPLE[match[1]], row.path)


UNKNOWN = ((404, "not found"), (404, None))
"""The second is for HEAD, which has no body to say it."""


def is_refused(answer: Answer) -> bool:
    return answer.status == 403 and (answer.body is None or answer.body["error"] == "not authorized")


def is_known(answer: Answer) -> bool:
    """Tell whether a server has the route at all."""
    return answer.status != 501 and (answer.status, (answer.body or {}).get("error")) not in UNKNOWN


STRICTER = {
    ("GET", "/1.0/operations/{id}/wait", "stranger"),
    ("GET", "/1.0/operations/{id}/wait", "metrics"),
}
"""What we refuse where LXD answers otherwise to the same question; nothing may be the other way round."""


def test_every_route_refuses_whom_lxd_refuses(pair: Pair) -> None:
    compared, differences = 0, []
    for row in ROUTES:
        body = {} if row.method in ("POST", "PUT", "PATCH") else None
        for who in ("stranger", "metrics", "restricted"):
            for query in ("", "?project=p1", "?project=p2", "?all-projects=true"):
                if who == "restricted" and query == "?project=p1" and row.method != "GET":
                    continue  # what may be done there isn't about trust
                path = path_of(row) + query
                theirs = pair.theirs.ask(pair.clients[who], row.method, path, body)
                if not is_known(theirs):
                    continue
                ours = pair.ours.ask(pair.clients[who], row.method, path, body)
                compared += 1
                if is_refused(theirs) and not is_refused(ours):
                    differences.append(f"{who}: {row.method} {path}: LXD refuses, we answer {ours.status}")
                if is_refused(ours) and not is_refused(theirs) and (row.method, row.path, who) not in STRICTER:
                    differences.append(f"{who}: {row.method} {path}: we refuse, LXD answers {theirs.status}")
    assert differences == []
    assert compared > 700, "LXD has most of the routes"


def test_what_strangers_see_of_the_server(pair: Pair) -> None:
    for who in (None, pair.clients["stranger"], pair.clients["metrics"]):
        ours = pair.ours.ask(who, "GET", "/1.0").body["metadata"]
        theirs = pair.theirs.ask(who, "GET", "/1.0").body["metadata"]
        assert set(ours) == set(theirs)
        for key in set(ours) - {"api_extensions"}:
            assert ours[key] == theirs[key]


def test_what_restricted_clients_see(pair: Pair) -> None:
    who = pair.clients["restricted"]
    for path in (
        "/1.0/projects",
        "/1.0/projects/p1",
        "/1.0/projects/p2",
        "/1.0/projects/default",
        "/1.0/profiles?project=p1",
        "/1.0/profiles/extra?project=p1",
        "/1.0/instances?project=p1",
        "/1.0/images",
        "/1.0/storage-pools",
        "/1.0/storage-pools/default/volumes?project=p1",
        "/1.0/operations?project=p1",
        "/1.0/warnings",
        "/1.0/instances?all-projects=true",
    ):
        ours, theirs = pair.ours.ask(who, "GET", path), pair.theirs.ask(who, "GET", path)
        assert ours.status == theirs.status, path
        if path == "/1.0/operations?project=p1":
            continue  # LXD shows what it does by itself, too
        assert without_features(ours.body) == without_features(theirs.body), path
    for side in (pair.ours, pair.theirs):
        server = side.ask(who, "GET", "/1.0").body["metadata"]
        assert (server["auth"], server["config"]) == ("trusted", None)
        pool = side.ask(who, "GET", "/1.0/storage-pools/default").body["metadata"]
        assert (pool["config"], pool["used_by"]) == (None, [])


def without_features(body: object) -> object:
    """Leave out what isn't about trust: which features a new project is given, and LXD's name in a description."""
    text = json.dumps(body, sort_keys=True)
    return re.sub(r'"features\.\w+(\.\w+)?": "\w+",? ?', "", text.replace("Default LXD profile", "Default profile"))


def test_requests_that_are_refused_or_wrong_get_the_same_answers(pair: Pair) -> None:
    clients = pair.clients
    cases: list[tuple[str, str, str, object]] = [
        ("stranger", "POST", "/1.0/certificates", {}),
        ("stranger", "POST", "/1.0/certificates", {"password": "wrong", "type": "client"}),
        ("stranger", "POST", "/1.0/certificates", {"password": "sekret"}),
        ("stranger", "POST", "/1.0/certificates", {"password": "sekret", "type": "bogus"}),
        ("stranger", "POST", "/1.0/certificates", {"password": "sekret", "type": "client", "token": True}),
        ("admin", "POST", "/1.0/certificates", {"type": "client"}),
        ("admin", "GET", "/1.0/certificates/nosuch", None),
        ("admin", "DELETE", "/1.0/certificates/nosuch", None),
        ("admin", "PUT", f"/1.0/certificates/{fingerprint(clients['metrics'])}", {"name": "x"}),
        ("restricted", "POST", "/1.0/certificates", {}),
        ("restricted", "POST", "/1.0/certificates", {"type": "client", "token": True, "name": "x"}),
        ("restricted", "DELETE", f"/1.0/certificates/{fingerprint(clients['restricted'])}", None),
        ("restricted", "PATCH", f"/1.0/certificates/{fingerprint(clients['restricted'])}", {"restricted": False}),
        ("restricted", "PATCH", f"/1.0/certificates/{fingerprint(clients['restricted'])}", {"type": "metrics"}),
        ("restricted", "PATCH", "/1.0", {"config": {"user.x": "y"}}),
        ("restricted", "PATCH", "/1.0/projects/p1", {"description": "x"}),
    ]
    for who, method, path, body in cases:
        ours = pair.ours.ask(clients[who], method, path, body)
        theirs = pair.theirs.ask(clients[who], method, path, body)
        assert (ours.status, ours.body) == (theirs.status, theirs.body), (who, method, path, body)


def test_a_trusted_certificate_looks_the_same(pair: Pair) -> None:
    for name in ("admin", "restricted", "metrics"):
        path = f"/1.0/certificates/{fingerprint(pair.clients[name])}"
        ours = pair.ours.ask(pair.clients["admin"], "GET", path).body
        assert ours == pair.theirs.ask(pair.clients["admin"], "GET", path).body


def test_lxc_is_trusted_by_password(pair: Pair) -> None:
    told = []
    for side, lxc in zip((pair.ours, pair.theirs), pair.fresh("password"), strict=True):
        address = f"127.0.0.1:{side.port}"
        wrong = lxc.result("remote", "add", "s", address, "--accept-certificate", "--password", "wrong")
        right = lxc.result("remote", "add", "s", address, "--accept-certificate", "--password", "sekret")
        again = lxc.result("list", "s:", "--format", "csv")
        told.append([(each.returncode, each.stdout, each.stderr) for each in (wrong, right, again)])
        shown = json.loads(lxc.run("query", "s:/1.0"))
        assert (shown["auth"], shown["environment"]["addresses"]) == ("trusted", [address])
    assert told[0] == told[1]
    assert [code for code, _, _ in told[0]] == [1, 0, 0]


def test_lxc_is_trusted_by_token(pair: Pair) -> None:
    told = []
    for side, lxc in zip((pair.ours, pair.theirs), pair.fresh("token"), strict=True):
        output = side.lxc.run("config", "trust", "add", "--name", "laptop")
        token = output.strip().splitlines()[-1]
        listed = side.lxc.run("config", "trust", "list-tokens", "--format", "csv")
        assert f"laptop,{token}" in listed
        right = lxc.result("remote", "add", "s", token)
        again = lxc.result("remote", "add", "t", token)
        trusted = side.lxc.run("config", "trust", "list", "--format", "csv")
        told.append(
            [
                output.splitlines()[0],
                right.returncode,
                right.stdout,
                again.returncode,
                again.stderr.splitlines()[-1],
                sorted(line.split(",")[1] for line in trusted.splitlines() if "laptop" in line),
                side.lxc.run("config", "trust", "list-tokens", "--format", "csv"),
            ]
        )
        revoked = side.lxc.run("config", "trust", "add", "--name", "never").strip().splitlines()[-1]
        side.lxc.run("config", "trust", "revoke-token", "never")
        lxc.run("remote", "add", "u", revoked, expect=1)
    assert told[0] == told[1]


def test_lxc_manages_trust(pair: Pair) -> None:
    told = []
    for side in (pair.ours, pair.theirs):
        files = client_files(pair.directory, f"managed{side.port}")
        side.lxc.run("config", "trust", "add", files.certificate, "--name", "managed")
        short = fingerprint(files)[:12]
        shown = side.lxc.yaml("config", "trust", "show", short)
        shown.update(restricted=True, projects=["p2"], name="renamed")
        side.lxc.run("config", "trust", "edit", short, stdin=json.dumps(shown))
        changed = side.lxc.yaml("config", "trust", "show", short)
        projects = side.ask(files, "GET", "/1.0/projects").body
        removed = side.lxc.result("config", "trust", "remove", short)
        gone = side.lxc.result("config", "trust", "show", short)
        told.append(
            [
                {key: changed[key] for key in ("name", "type", "restricted", "projects")},
                projects,
                removed.returncode,
                gone.returncode,
                gone.stderr,
                side.ask(files, "GET", "/1.0/projects").body,
            ]
        )
    assert told[0] == told[1]
    assert told[0][0] == {"name": "renamed", "type": "client", "restricted": True, "projects": ["p2"]}


def test_restricted_lxc(pair: Pair) -> None:
    told = []
    for side, lxc in zip((pair.ours, pair.theirs), pair.fresh("restricted"), strict=True):
        token = side.lxc.run("config", "trust", "add", "--name", "tenant", "--restricted", "--projects", "p1")
        lxc.run("remote", "add", "s", token.strip().splitlines()[-1])
        commands = (
            ("project", "list", "s:", "--format", "csv"),
            ("list", "s:", "--format", "csv"),
            ("list", "s:", "--project", "p2"),
            ("list", "s:", "--project", "default"),
            ("list", "s:", "--all-projects"),
            ("init", "s:c1", "--empty"),
            ("list", "s:", "--format", "csv", "-c", "ns"),
            ("profile", "list", "s:", "--format", "csv"),
            ("profile", "create", "s:mine"),
            ("profile", "delete", "s:mine"),
            ("config", "set", "s:", "user.x", "y"),
            ("storage", "create", "s:new", "dir"),
            ("project", "create", "s:new"),
            ("project", "delete", "s:p1"),
            ("warning", "list", "s:"),
            ("delete", "s:c1"),
        )
        told.append({command: end_of(lxc, command) for command in commands})
    ours, theirs = told
    assert {command: ours[command] for command, end in theirs.items() if end is not None} == {
        command: end for command, end in theirs.items() if end is not None
    }
    assert sum(end is not None and end[0] == 1 for end in ours.values()) >= 7, "most of it is refused"


def end_of(lxc: LxcClient, command: tuple[str, ...]) -> tuple[int, bytes] | None:
    """Return how a command ends, and its last word; None where the client of LXD missed it."""
    try:
        done = lxc.result(*command)
    except MissedEndError:
        return None
    return done.returncode, last_line(done.stderr)


def last_line(text: bytes) -> bytes:
    return text.splitlines()[-1] if text else b""
