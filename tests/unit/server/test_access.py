"""Who may call what: every route of the table, asked by every kind of client over HTTPS."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from holdfast.client.connection import Connection
from holdfast.client.endpoints import TlsEndpoint
from holdfast.client.tls import Identity
from holdfast.client.websocket import WebSocket, open_websocket
from holdfast.model.kinds import OperationClass
from holdfast.server.operation_sockets import Meeting
from holdfast.server.route import Permission, Route
from holdfast.server.routes import ROUTES
from holdfast.service.caller import INTERNAL, Caller
from holdfast.service.certificates import CertificateChange
from holdfast.service.image_add import ImageRequest
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.volume_requests import VolumeRequest
from support.all_routes import REFUSED, body_of, path_of
from support.clients import Ask, Clients
from support.http import Answer
from support.tls_server import Files

NOT_OF_A_PROJECT = {
    Permission.ANYONE: {
        ("GET", "/"),
        ("GET", "/1.0"),
        ("GET", "/1.0/images"),
        ("GET", "/1.0/images/{fingerprint}"),
        ("GET", "/1.0/images/{fingerprint}/export"),
        ("GET", "/1.0/images/aliases/{name:.+}"),
        ("POST", "/1.0/certificates"),
    },
    Permission.SECRET: {("GET", "/1.0/operations/{id}/wait"), ("GET", "/1.0/operations/{id}/websocket")},
    Permission.PROJECT_OR_SECRET: {("POST", "/1.0/images")},
    Permission.TRUSTED: {
        ("POST", "/1.0/images/{fingerprint}/export"),
        ("POST", "/1.0/images/{fingerprint}/secret"),
        ("GET", "/1.0/events"),
        ("GET", "/1.0/operations"),
        ("GET", "/1.0/operations/{id}"),
        ("DELETE", "/1.0/operations/{id}"),
        ("GET", "/1.0/metadata/configuration"),
        ("GET", "/1.0/projects"),
        ("GET", "/1.0/projects/{name}"),
        ("GET", "/1.0/storage-pools"),
        ("GET", "/1.0/storage-pools/{pool}"),
        ("GET", "/1.0/storage-pools/{pool}/resources"),
        ("GET", "/1.0/certificates"),
        ("GET", "/1.0/certificates/{fingerprint}"),
        ("PUT", "/1.0/certificates/{fingerprint}"),
        ("PATCH", "/1.0/certificates/{fingerprint}"),
        ("GET", "/1.0/ui/session"),
        ("DELETE", "/1.0/ui/session"),
        ("GET", "/1.0/ui/browsers"),
        ("GET", "/1.0/ui/browsers/{id}"),
        ("DELETE", "/1.0/ui/browsers/{id}"),
    },
    Permission.METRICS: {("GET", "/1.0/metrics")},
    Permission.ADMIN: {
        ("PUT", "/1.0"),
        ("PATCH", "/1.0"),
        ("POST", "/1.0/projects"),
        ("PUT", "/1.0/projects/{name}"),
        ("PATCH", "/1.0/projects/{name}"),
        ("POST", "/1.0/projects/{name}"),
        ("DELETE", "/1.0/projects/{name}"),
        ("POST", "/1.0/storage-pools"),
        ("PUT", "/1.0/storage-pools/{pool}"),
        ("PATCH", "/1.0/storage-pools/{pool}"),
        ("DELETE", "/1.0/storage-pools/{pool}"),
        ("GET", "/1.0/warnings"),
        ("GET", "/1.0/warnings/{id}"),
        ("PUT", "/1.0/warnings/{id}"),
        ("PATCH", "/1.0/warnings/{id}"),
        ("DELETE", "/1.0/warnings/{id}"),
        ("DELETE", "/1.0/certificates/{fingerprint}"),
        ("GET", "/1.0/protections"),
        ("POST", "/1.0/protections"),
        ("GET", "/1.0/protections/{name}"),
        ("PATCH", "/1.0/protections/{name}"),
        ("POST", "/1.0/protections/{name}"),
        ("DELETE", "/1.0/protections/{name}"),
        ("POST", "/1.0/ui/links"),
    },
}
"""Everything that isn't guarded by its project alone. A new row here wants a thought, and a test below."""


def test_rows_that_are_not_guarded_by_a_project() -> None:
    found: dict[Permission, set[tuple[str, str]]] = {}
    for row in ROUTES:
        found.setdefault(row.permission, set()).add((row.method, row.path))
    found.pop(Permission.PROJECT)
    assert found == NOT_OF_A_PROJECT


def asked(ask: Ask, who: Files | None, row: Route, query: str = "") -> Answer:
    return ask(who, row.method, path_of(row) + query, body_of(row))


def assert_refused(row: Route, answer: Answer) -> None:
    assert answer.status == 403, f"{row.method} {row.path}: {answer.status} {answer.raw!r}"
    if row.method != "HEAD":
        assert answer.body == REFUSED, f"{row.method} {row.path}"


@pytest.mark.root
def test_threat_strangers_on_every_route(clients: Clients) -> None:
    with clients.kept() as ask:
        for row in ROUTES:
            for who in (None, clients.stranger, clients.metrics):
                if row.permission is Permission.METRICS and who is clients.metrics:
                    continue  # its own, below
                answer = asked(ask, who, row)
                if row.permission not in (Permission.ANYONE, Permission.SECRET):
                    assert_refused(row, answer)
                else:
                    assert_refused_insisting(clients, who, row)


def assert_refused_insisting(clients: Clients, who: Files | None, row: Route) -> None:
    body = {} if row.method == "POST" else None
    assert_refused(row, clients.ask(who, row.method, path_of(row), body, X_LXD_authenticated="true"))


@pytest.mark.root
def test_threat_restricted_clients_on_every_route(clients: Clients) -> None:
    """In projects that aren't theirs, and on what belongs to no project, they are refused before anything is done."""
    with clients.kept() as ask:
        for row in ROUTES:
            if row.permission is Permission.ADMIN:
                assert_refused(row, asked(ask, clients.restricted, row, "?project=p1"))
            if row.permission in (Permission.PROJECT, Permission.PROJECT_OR_SECRET, Permission.METRICS):
                for query in ("", "?project=p2", "?project=nosuch", "?all-projects=true", "?project=p1&all-projects=1"):
                    assert_refused(row, asked(ask, clients.restricted, row, query))
                allowed = asked(ask, clients.restricted, row, "?project=p1")
                assert allowed.status != 403 or (allowed.body or {}).get("error") != "not authorized", row.path


@pytest.fixture
def furnished(clients: Clients) -> Clients:
    """Things with "hidden" in their names in the default project and in p2, others in p1."""
    services = clients.api.services
    services.pools.create(INTERNAL, "d", "dir", "", {"user.hidden": "x"})
    for project, word in (("default", "hidden"), ("p2", "hidden"), ("p1", "open")):
        caller = Caller(project)
        services.volumes.volumes.create(caller, "d", VolumeRequest(name=f"{word}-volume"))
        services.profiles.create(caller, f"{word}-thing", "", {}, {})
        services.warnings.raise_(project, f"{word} warning", f"/1.0/profiles/{word}", "text")
    services.server_config.patch(INTERNAL, {"user.hidden": "hidden"})
    services.projects.patch(INTERNAL, "p2", description="hidden")
    return clients


@pytest.mark.root
def test_threat_nothing_hidden_is_in_any_answer(furnished: Clients) -> None:
    """Neither by asking where it is refused, nor by lists, `used_by`, operations or the server itself."""
    hidden = furnished.api.services.operations.open(
        Caller("p2"), "hidden operation", operation_class=OperationClass.TASK
    )
    try:
        with furnished.kept() as ask:
            for row in ROUTES:
                if row.method != "GET" or row.path == "/1.0/events":
                    continue
                for who in (None, furnished.stranger, furnished.metrics, furnished.restricted):
                    for query in ("", "?recursion=1", "?project=p1&recursion=2", "?project=p2", "?all-projects=true"):
                        answer = asked(ask, who, row, query)
                        assert b"hidden" not in answer.raw.replace(b"hidden-thing not found", b""), (row.path, query)
    finally:
        hidden.succeed()


@pytest.mark.root
def test_what_restricted_clients_see(furnished: Clients) -> None:
    def seen(path: str) -> object:
        answer = furnished.ask(furnished.restricted, "GET", path)
        assert answer.status == 200, answer.body
        return answer.body["metadata"]

    server = seen("/1.0")
    assert isinstance(server, dict)
    assert (server["auth"], server["config"]) == ("trusted", None)
    assert server["environment"]["certificate_fingerprint"]
    assert seen("/1.0/projects") == ["/1.0/projects/p1"]
    pool = seen("/1.0/storage-pools/d")
    assert isinstance(pool, dict)
    assert pool["config"] is None
    assert pool["used_by"] == ["/1.0/storage-pools/d/volumes/custom/open-volume?project=p1"]
    assert seen("/1.0/storage-pools/d/volumes?project=p1") == [
        "/1.0/storage-pools/d/volumes/custom/open-volume?project=p1"
    ]
    assert seen("/1.0/profiles?project=p1") == [
        "/1.0/profiles/default?project=p1",
        "/1.0/profiles/open-thing?project=p1",
    ]
    for path in ("/1.0/projects/p2", "/1.0/projects/default", "/1.0/projects/nosuch"):
        assert furnished.ask(furnished.restricted, "GET", path).body["error"] == "not authorized"


@pytest.mark.root
def test_threat_source_in_a_project_that_the_caller_may_not_read(furnished: Clients) -> None:
    bodies = (
        ("/1.0/instances?project=p1", {"name": "a", "source": {"type": "copy", "source": "x", "project": "p2"}}),
        ("/1.0/instances?project=p1", {"name": "a", "source": {"type": "image", "alias": "x", "project": "default"}}),
        ("/1.0/instances/x?project=p1", {"name": "x", "migration": True, "project": "p2"}),
        (
            "/1.0/storage-pools/d/volumes/custom?project=p1",
            {"name": "a", "source": {"type": "copy", "name": "hidden-volume", "pool": "d", "project": "p2"}},
        ),
        ("/1.0/storage-pools/d/volumes/custom/open-volume?project=p1", {"name": "open-volume", "project": "p2"}),
    )
    for path, body in bodies:
        answer = furnished.ask(furnished.restricted, "POST", path, body)
        assert (answer.status, answer.body["error"]) == (403, "not authorized"), path


@pytest.mark.root
def test_threat_what_projects_share_is_not_changed_from_one_of_them(furnished: Clients) -> None:
    """A project without features of its own uses the default project's things: to be seen and used, not changed."""
    services = furnished.api.services
    config = {"features.images": "false", "features.profiles": "false", "features.storage.volumes": "false"}
    services.projects.create(INTERNAL, "guest", "", config)
    (found,) = [each for each in services.certificates.list(INTERNAL) if each.name == "restricted"]
    furnished.ask(furnished.admin, "PATCH", f"/1.0/certificates/{found.fingerprint}", {"projects": ["guest"]})
    assert furnished.ask(furnished.restricted, "GET", "/1.0/profiles/hidden-thing?project=guest").status == 200
    for method, path in (
        ("PUT", "/1.0/profiles/default"),
        ("DELETE", "/1.0/profiles/hidden-thing"),
        ("POST", "/1.0/profiles"),
        ("POST", "/1.0/images"),
        ("POST", "/1.0/images/aliases"),
        ("DELETE", "/1.0/storage-pools/d/volumes/custom/hidden-volume"),
    ):
        answer = furnished.ask(furnished.restricted, method, f"{path}?project=guest", {})
        assert (answer.status, answer.body["error"]) == (403, "not authorized"), path


def operation_of(
    clients: Clients, project: str, kind: OperationClass = OperationClass.TASK, **metadata: str
) -> OperationHandle:
    """Begin a task that the caller ends: the server waits for it before it stops."""
    handle = clients.api.services.operations.open(
        Caller(project), "Testing", operation_class=kind, metadata=metadata, may_cancel=True
    )
    handle.run()
    return handle


def test_operations_are_seen_by_their_project(clients: Clients) -> None:
    ours, theirs = operation_of(clients, "p1"), operation_of(clients, "p2")
    token = operation_of(clients, "p1", OperationClass.TOKEN, secret="s3cret")
    listed = clients.ask(clients.restricted, "GET", "/1.0/operations?all-projects=true").body["metadata"]
    assert listed == {"running": [f"/1.0/operations/{ours.id}"]}
    assert clients.ask(clients.restricted, "GET", "/1.0/operations?project=p2").body["metadata"] == {}
    for method in ("GET", "DELETE"):
        for operation in (theirs, token):
            assert clients.ask(clients.restricted, method, f"/1.0/operations/{operation.id}").status == 404
    assert clients.ask(clients.restricted, "GET", f"/1.0/operations/{theirs.id}/wait?timeout=0").status == 404
    assert clients.ask(clients.restricted, "GET", f"/1.0/operations/{ours.id}").status == 200
    assert clients.ask(clients.restricted, "DELETE", f"/1.0/operations/{ours.id}").status == 200
    everything = clients.ask(clients.admin, "GET", "/1.0/operations?all-projects=true").body["metadata"]
    assert sum(map(len, everything.values())) == 3
    for task in (ours, theirs):
        task.succeed()


def test_strangers_wait_by_a_secret(clients: Clients) -> None:
    handle = clients.api.services.operations.open(
        Caller("p2"), "Testing", operation_class=OperationClass.WEBSOCKET, metadata={"secret": "s3cret"}
    )
    handle.run()
    path = f"/1.0/operations/{handle.id}/wait?timeout=0"
    assert clients.ask(None, "GET", path).status == 403
    assert clients.ask(None, "GET", path + "&secret=wrong").status == 403
    assert clients.ask(None, "GET", path + "&secret=s3cret").body["metadata"]["status"] == "Running"
    assert clients.ask(None, "GET", f"/1.0/operations/{handle.id}").status == 403
    handle.succeed()


def endpoint(clients: Clients, who: Files | None) -> Connection:
    pem = clients.api.services.paths.server_certificate.read_text()
    identity = None if who is None else Identity(who.certificate, who.key)
    return Connection(TlsEndpoint("127.0.0.1", clients.port, pem, identity))


@contextmanager
def events(clients: Clients, who: Files, **query: str) -> Iterator[WebSocket]:
    socket = open_websocket(endpoint(clients, who), "/1.0/events", query)
    yield socket
    socket.close()


def test_threat_events_of_other_projects(clients: Clients) -> None:
    services = clients.api.services
    with events(clients, clients.restricted, **{"all-projects": "true"}) as socket:
        services.profiles.create(Caller("p2"), "theirs", "", {}, {})
        services.server_config.patch(INTERNAL, {"user.x": "y"})
        operation_of(clients, "p1", OperationClass.TOKEN, secret="s3cret")
        operation_of(clients, "p2").succeed()
        services.profiles.create(Caller("p1"), "ours", "", {}, {})
        first = json.loads(next(socket.messages()))
    assert first["metadata"]["source"] == "/1.0/profiles/ours?project=p1"
    answer = clients.ask(clients.restricted, "GET", "/1.0/events?type=logging")
    assert (answer.status, answer.body["error"]) == (403, "not authorized")


def test_threat_a_page_of_another_site_uses_the_certificate_of_a_browser(clients: Clients) -> None:
    own = f"https://127.0.0.1:{clients.port}"
    for origin, status in (("https://evil.example", 403), ("null", 403), (f"{own}0", 403), (own, 201)):
        answer = clients.ask(clients.admin, "POST", "/1.0/profiles", {"name": "made"}, Origin=origin)
        assert answer.status == status, origin
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": origin}
        assert (clients.ask(clients.admin, "GET", "/1.0/events", **upgrade).status == 403) == (status == 403)
    assert clients.ask(clients.admin, "GET", "/1.0", Origin="https://evil.example").status == 200


def test_threat_streams_of_a_client_that_is_trusted_no_more(clients: Clients) -> None:
    services = clients.api.services
    found = {each.name: each.fingerprint for each in services.certificates.list(INTERNAL)}
    with events(clients, clients.restricted) as theirs, events(clients, clients.admin) as ours:
        services.certificates.update(INTERNAL, found["restricted"], CertificateChange(projects=("p2",)))
        assert list(theirs.messages()) == [], "it ends"
        services.certificates.delete(INTERNAL, found["admin"])
        actions = [json.loads(message)["metadata"]["action"] for message in ours.messages()]
    assert actions[:1] == ["certificate-updated"]


def test_events_tell_who_asked(clients: Clients) -> None:
    with events(clients, clients.admin, type="lifecycle") as socket:
        clients.ask(clients.admin, "POST", "/1.0/profiles", {"name": "made"})
        requestor = json.loads(next(socket.messages()))["metadata"]["requestor"]
    assert (requestor["protocol"], len(requestor["username"])) == ("tls", 64)
    assert re.fullmatch(r"127\.0\.0\.1:[0-9]+", requestor["address"])


def test_sockets_of_operations_need_nothing_but_their_secret(clients: Clients) -> None:
    """As between servers: whoever knows the secret may connect, without a certificate."""
    path = "/1.0/operations/00000000-0000-0000-0000-000000000000/websocket"
    assert clients.ask(None, "GET", path).status == 404
    assert clients.ask(None, "GET", f"{path}?secret=x").status == 404
    assert len(Meeting.__dataclass_fields__["secret"].default_factory()) == 64


def tiny_image(path: Path, description: str) -> Path:
    """Write a unified image that differs from others in what it says of itself."""
    metadata = f"architecture: x86_64\ncreation_date: 1700000000\nproperties:\n  description: {description}\n"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (("metadata.yaml", metadata.encode()), ("rootfs/etc/hostname", b"tiny\n")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.root
def test_guests_see_public_images_only(clients: Clients) -> None:
    services, fingerprints = clients.api.services, {}
    for project, name, is_public in (("default", "shown", True), ("default", "secret", False), ("p2", "other", False)):
        file = tiny_image(clients.directory / f"{name}.tar.gz", name)
        request = ImageRequest(public=is_public, aliases=((name, ""),))
        operation = services.images.add_unified(Caller(project), file, request)
        ended = services.operations.wait(operation.id, 120)
        assert ended.error == ""
        fingerprints[name] = str((ended.metadata or {})["fingerprint"])
    shown = [f"/1.0/images/{fingerprints['shown']}"]
    for who in (None, clients.stranger, clients.restricted):
        for query in ("", "?all-projects=true"):
            assert clients.ask(who, "GET", f"/1.0/images{query}").body["metadata"] == shown
        assert clients.ask(who, "GET", f"/1.0/images/{fingerprints['shown'][:12]}").status == 200
        assert clients.ask(who, "GET", f"/1.0/images/{fingerprints['shown']}/export").status == 200
        assert clients.ask(who, "GET", "/1.0/images/aliases/shown").status == 200
        for name in ("secret", "other"):
            assert clients.ask(who, "GET", f"/1.0/images/{fingerprints[name]}").status == 404
            assert clients.ask(who, "GET", f"/1.0/images/{fingerprints[name]}/export").status == 404
            assert clients.ask(who, "GET", f"/1.0/images/aliases/{name}").status == 404
        assert clients.ask(who, "GET", "/1.0/images?project=nosuch").body["metadata"] == []
    assert len(clients.ask(clients.admin, "GET", "/1.0/images").body["metadata"]) == 2


def test_metrics_are_for_administrators_and_clients_of_that_kind(clients: Clients) -> None:
    for who in (clients.admin, clients.metrics):
        answer = clients.ask(who, "GET", "/1.0/metrics")
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("application/openmetrics-text")
        assert answer.raw.endswith(b"# EOF\n")
        assert b"holdfast_operations 0" in answer.raw
    assert clients.ask(clients.stranger, "GET", "/1.0/metrics").status == 403


@pytest.mark.root
def test_metrics_for_restricted_clients_are_those_of_their_project(furnished: Clients) -> None:
    services = furnished.api.services
    for project, word in (("p1", "open"), ("p2", "hidden")):
        taken = services.volumes.snapshots.create(Caller(project), "d", f"{word}-volume", "now")
        services.operations.wait(taken.id, 120)
    everything = furnished.ask(furnished.admin, "GET", "/1.0/metrics").raw.decode()
    answer = furnished.ask(furnished.restricted, "GET", "/1.0/metrics?project=p1")
    assert answer.status == 200
    samples = [line for line in answer.raw.decode().splitlines() if not line.startswith("#")]
    assert [line.split("}")[0] for line in samples] == [
        'holdfast_volume_snapshot_age_seconds{pool="d",project="p1",volume="open-volume"'
    ]
    assert 'project="p2",volume="hidden-volume"' in everything
    assert "holdfast_pool_total_bytes" in everything
