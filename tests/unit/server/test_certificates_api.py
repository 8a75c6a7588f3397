"""The trust store over HTTPS: answers as LXD 5.0.2 was seen to give them, and what only we refuse."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from holdfast.client.own_certificate import make_client_certificate, write_certificate
from holdfast.model.clock import SystemClock
from holdfast.model.guess_limit import MOST_FROM_ONE
from holdfast.model.operation import Lifecycle
from holdfast.service.caller import INTERNAL
from support.clients import Clients
from support.http import Answer, ask
from support.https import ask_https, base64_of, fingerprint
from support.tls_server import Files

LIST = "/1.0/certificates"


@pytest.fixture
def password(clients: Clients) -> str:
    clients.api.services.server_config.patch(INTERNAL, {"core.trust_password": "sekret"})
    return "sekret"


def error(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["error"]


def request(**changes: object) -> dict[str, object]:
    """Return the body that LXD's client sends."""
    body: dict[str, object] = {
        "name": "",
        "type": "client",
        "restricted": False,
        "projects": None,
        "certificate": "",
        "password": "",
        "token": False,
    }
    return {**body, **changes}


def one(clients: Clients, files: Files) -> dict[str, Any]:
    found: dict[str, Any] = clients.ask(clients.admin, "GET", f"{LIST}/{fingerprint(files)}").body["metadata"]
    return found


# --- by password ------------------------------------------------------------------------------------------------------


def test_right_password(clients: Clients, password: str) -> None:
    new = clients.new("new")
    assert clients.ask(new, "GET", "/1.0").body["metadata"]["auth"] == "untrusted"
    answer = clients.ask(new, "POST", LIST, request(password=password))
    assert (answer.status, answer.headers["location"]) == (201, f"{LIST}/{fingerprint(new)}")
    assert answer.body == {
        "type": "sync",
        "status": "Success",
        "status_code": 200,
        "operation": "",
        "error_code": 0,
        "error": "",
        "metadata": None,
    }
    assert clients.ask(new, "GET", "/1.0").body["metadata"]["auth"] == "trusted"
    found = one(clients, new)
    assert "@" in found.pop("name"), "the common name of the certificate"
    assert found == {
        "type": "client",
        "restricted": False,
        "projects": [],
        "certificate": new.pem,
        "fingerprint": fingerprint(new),
    }


def test_wrong_password_and_none(clients: Clients, password: str) -> None:
    new = clients.new("new")
    for body in ({}, request(), request(password="wrong"), request(password=password, token=True)):
        assert error(clients.ask(new, "POST", LIST, body)) == (403, "not authorized")
    assert clients.ask(new, "GET", "/1.0/instances").status == 403


def test_what_else_is_wrong_with_a_right_password(clients: Clients, password: str) -> None:
    new = clients.new("new")
    for kind in ("", "bogus", "server"):
        answer = clients.ask(new, "POST", LIST, request(password=password, type=kind))
        assert error(answer) == (400, "Invalid certificate type")
    assert error(clients.ask(None, "POST", LIST, request(password=password))) == (
        400,
        "No client certificate provided",
    )
    unknown = clients.ask(new, "POST", LIST, request(password=password, restricted=True, projects=["nosuch"]))
    assert error(unknown) == (404, "Project not found")
    assert clients.ask(new, "POST", LIST, request(password=password)).status == 201
    assert error(clients.ask(new, "POST", LIST, request(password=password))) == (400, "Client is already trusted")


def test_without_a_password_none_is_right(clients: Clients) -> None:
    new = clients.new("new")
    for word in ("", "true", "None", "0" * 192):
        assert clients.ask(new, "POST", LIST, request(password=word)).status == 403


def test_client_may_restrict_itself_and_send_another_certificate(clients: Clients, password: str) -> None:
    one_, other = clients.new("one"), clients.new("other")
    body = request(password=password, restricted=True, projects=["p1"], certificate=base64_of(other), name="mine")
    assert clients.ask(one_, "POST", LIST, body).status == 201
    found = one(clients, other)
    assert (found["name"], found["restricted"], found["projects"]) == ("mine", True, ["p1"])
    assert clients.ask(one_, "GET", "/1.0").body["metadata"]["auth"] == "untrusted"


def test_password_is_shown_to_nobody(clients: Clients, password: str) -> None:
    services = clients.api.services
    shown = clients.ask(clients.admin, "GET", "/1.0").body["metadata"]["config"]
    assert shown["core.trust_password"] is True
    kept = services.server_config.password_hash()
    assert password not in kept
    answer = clients.ask(clients.admin, "PUT", "/1.0", {"config": {**shown, "user.x": "y"}})
    assert answer.status == 200
    assert services.server_config.password_hash() == kept, "sent back as it was shown, it stays"
    assert clients.ask(clients.admin, "PATCH", "/1.0", {"config": {"core.trust_password": ""}}).status == 200
    assert services.server_config.password_hash() == ""
    refused = clients.ask(clients.admin, "PATCH", "/1.0", {"config": {"core.trust_password": True}})
    assert refused.status == 400
    assert ask_https(clients.port, clients.new("n"), "POST", LIST, request(password="true")).status == 403


def test_threat_guesses_of_the_password(clients: Clients, password: str) -> None:
    new = clients.new("new")
    for number in range(MOST_FROM_ONE):
        assert clients.ask(new, "POST", LIST, request(password=f"wrong{number}")).status == 403
    stopped = clients.ask(new, "POST", LIST, request(password=password))
    assert stopped.status == 429
    assert stopped.body["error"].startswith("Too many wrong passwords or tokens")
    assert clients.ask(clients.admin, "GET", "/1.0/projects").status == 200, "who is trusted isn't concerned"
    elsewhere = ask_https(clients.port, new, "POST", LIST, request(password=password), source="127.0.0.2")
    assert elsewhere.status == 201


def test_threat_strangers_send_large_bodies(clients: Clients) -> None:
    answer = clients.ask(None, "POST", LIST, request(password="x" * 100_000))
    assert error(answer) == (400, "The request's body is larger than 65536 bytes")


# --- by token ---------------------------------------------------------------------------------------------------------


def issued(clients: Clients, **changes: object) -> tuple[str, dict[str, Any]]:
    """Return the text of a new token, made as LXD's client makes it, and the operation."""
    answer = clients.ask(clients.admin, "POST", LIST, request(token=True, **changes))
    assert answer.status == 202
    operation = answer.body["metadata"]
    metadata = operation["metadata"]
    document = {
        "client_name": metadata["request"]["name"],
        "fingerprint": metadata["fingerprint"],
        "addresses": metadata["addresses"],
        "secret": metadata["secret"],
        "expires_at": "0001-01-01T00:00:00Z",
    }
    return base64.b64encode(json.dumps(document).encode()).decode(), operation


def test_token_is_an_operation(clients: Clients) -> None:
    _, operation = issued(clients, name="client1")
    assert (operation["class"], operation["description"], operation["status"]) == (
        "token",
        "Executing operation",
        "Running",
    )
    assert (operation["may_cancel"], operation["err"], operation["resources"]) == (True, "", None)
    metadata = operation["metadata"]
    assert len(metadata.pop("secret")) == 64
    assert metadata == {
        "addresses": [f"127.0.0.1:{clients.port}"],
        "fingerprint": clients.api.services.server_certificate.fingerprint,
        "request": request(name="client1", token=True, projects=[]),
    }


def test_token_is_good_once_and_for_what_it_was_issued(clients: Clients) -> None:
    text, operation = issued(clients, name="tenant", restricted=True, projects=["p2"])
    new, late = clients.new("new"), clients.new("late")
    wish = request(type="", password=text, name="admin", restricted=False)
    assert clients.ask(new, "POST", LIST, wish).status == 201
    found = one(clients, new)
    assert (found["name"], found["restricted"], found["projects"]) == ("tenant", True, ["p2"])
    assert error(clients.ask(late, "POST", LIST, request(type="", password=text))) == (
        403,
        "No matching certificate add operation found",
    )
    ended = clients.ask(clients.admin, "GET", f"/1.0/operations/{operation['id']}").body["metadata"]
    assert (ended["status"], ended["err"]) == ("Cancelled", "")


def test_token_in_the_field_of_newer_clients(clients: Clients) -> None:
    text, _ = issued(clients, name="newer")
    assert clients.ask(clients.new("new"), "POST", LIST, request(trust_token=text)).status == 201


def test_token_of_metrics(clients: Clients) -> None:
    text, _ = issued(clients, name="prometheus", type="metrics")
    new = clients.new("new")
    assert clients.ask(new, "POST", LIST, request(type="", password=text)).status == 201
    assert clients.ask(new, "GET", "/1.0").body["metadata"]["auth"] == "untrusted"


def test_revoked_and_expired_tokens(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    new = clients.new("new")
    text, operation = issued(clients, name="a")
    assert clients.ask(clients.admin, "DELETE", f"/1.0/operations/{operation['id']}").status == 200
    assert clients.ask(new, "POST", LIST, request(password=text)).status == 403
    clients.api.services.server_config.patch(INTERNAL, {"core.remote_token_expiry": "1H"})
    text, operation = issued(clients, name="b")
    assert operation["metadata"]["expiresAt"].endswith("Z")
    from datetime import timedelta

    later = SystemClock().now() + timedelta(hours=1, seconds=1)
    monkeypatch.setattr(SystemClock, "now", lambda _: later)
    assert clients.ask(new, "POST", LIST, request(password=text)).status == 403
    ended = clients.ask(clients.admin, "GET", f"/1.0/operations/{operation['id']}").body["metadata"]
    assert ended["status"] == "Cancelled"


def test_token_is_kept_when_no_certificate_is_shown(clients: Clients) -> None:
    text, _ = issued(clients, name="a")
    assert error(clients.ask(None, "POST", LIST, request(password=text))) == (400, "No client certificate provided")
    assert clients.ask(clients.new("new"), "POST", LIST, request(password=text)).status == 201


def test_threat_a_token_is_used_by_two_at_once(clients: Clients) -> None:
    from concurrent.futures import ThreadPoolExecutor

    text, _ = issued(clients, name="one")
    rivals = [clients.new(f"rival{number}") for number in range(MOST_FROM_ONE)]
    with ThreadPoolExecutor(len(rivals)) as pool:
        answers = list(pool.map(lambda files: clients.ask(files, "POST", LIST, request(password=text)).status, rivals))
    assert sorted(answers) == [201] + [403] * (len(rivals) - 1)


def test_token_of_another_name_or_secret(clients: Clients) -> None:
    text, _ = issued(clients, name="a")
    document = json.loads(base64.b64decode(text))
    for change in ({"client_name": "b"}, {"secret": "0" * 64}, {"secret": document["secret"][:-1]}):
        wrong = base64.b64encode(json.dumps({**document, **change}).encode()).decode()
        assert clients.ask(clients.new("n"), "POST", LIST, request(password=wrong)).status == 403


def test_tokens_are_for_administrators_of_a_server_that_listens(clients: Clients) -> None:
    for who in (clients.restricted, clients.stranger, clients.metrics, None):
        assert clients.ask(who, "POST", LIST, request(token=True, name="x")).status == 403
    api = clients.api
    api.services.server_config.patch(INTERNAL, {"core.https_address": ""})
    refused = ask(api.socket, "POST", LIST, request(token=True, name="x"))
    assert error(refused) == (400, "Can't issue token when server isn't listening on network")


# --- by those who are trusted -----------------------------------------------------------------------------------------


def test_administrator_adds(clients: Clients) -> None:
    new = clients.new("new")
    body = request(name="q", certificate=base64_of(new), projects=["p1"])
    assert clients.ask(clients.admin, "POST", LIST, body).status == 201
    assert error(clients.ask(clients.admin, "POST", LIST, body)) == (409, "Certificate already in trust store")
    assert error(clients.ask(clients.admin, "POST", LIST, request())) == (400, "Client is already trusted")
    for material in ("%%%", base64.b64encode(b"xx").decode()):
        answer = clients.ask(clients.admin, "POST", LIST, request(certificate=material))
        assert answer.status == 400
        assert answer.body["error"].startswith("Invalid certificate material")
    short = clients.ask(clients.admin, "GET", f"{LIST}/{fingerprint(new)[:8]}").body["metadata"]
    assert short["name"] == "q"
    assert error(clients.ask(clients.admin, "GET", f"{LIST}/ffffffff0")) == (404, "Certificate not found")


def test_others_that_are_trusted_add_nobody(clients: Clients) -> None:
    new = clients.new("new")
    assert error(clients.ask(clients.restricted, "POST", LIST, request())) == (400, "Client is already trusted")
    body = request(certificate=base64_of(new))
    assert error(clients.ask(clients.restricted, "POST", LIST, body)) == (403, "not authorized")


def test_administrator_changes_and_removes(clients: Clients) -> None:
    new = clients.new("new")
    clients.ask(clients.admin, "POST", LIST, request(name="q", certificate=base64_of(new)))
    path = f"{LIST}/{fingerprint(new)}"
    answer = clients.ask(clients.admin, "PUT", path, {"name": "q2"})
    assert error(answer) == (403, "The certificate type cannot be changed")
    assert clients.ask(clients.admin, "PATCH", path, {"restricted": True, "projects": ["p2"]}).status == 200
    assert clients.ask(new, "GET", "/1.0/projects").body["metadata"] == ["/1.0/projects/p2"]
    assert error(clients.ask(clients.admin, "PATCH", path, {"projects": ["x"]})) == (404, "Project not found")
    assert clients.ask(clients.admin, "PUT", path, {"name": "q2", "type": "client"}).status == 200
    found = one(clients, new)
    assert (found["name"], found["restricted"], found["projects"]) == ("q2", False, [])
    etag = clients.ask(clients.admin, "GET", path).headers["etag"]
    clients.ask(clients.admin, "PATCH", path, {"name": "q3"})
    changed = clients.ask(clients.admin, "PUT", path, {"name": "q4", "type": "client"}, If_Match=etag)
    assert changed.status == 412
    assert clients.ask(clients.admin, "DELETE", path).body["metadata"] == {}
    assert clients.ask(new, "GET", "/1.0").body["metadata"]["auth"] == "untrusted"


def test_restricted_client_renews_itself_and_changes_nothing_else(clients: Clients) -> None:
    old, new = clients.restricted, clients.new("new")
    path = f"{LIST}/{fingerprint(old)}"
    shown = clients.ask(old, "GET", path).body["metadata"]
    assert clients.ask(old, "GET", LIST).body["metadata"] == [path]
    assert clients.ask(old, "PUT", path, shown).status == 200
    for change in ({"name": "x"}, {"restricted": False}, {"projects": ["p1", "p2"]}):
        assert error(clients.ask(old, "PUT", path, {**shown, **change})) == (403, "Only the certificate can be changed")
        assert error(clients.ask(old, "PATCH", path, change)) == (403, "Only the certificate can be changed")
    assert error(clients.ask(old, "PATCH", path, {"type": "metrics"}))[0] == 403
    admin = f"{LIST}/{fingerprint(clients.admin)}"
    for method in ("GET", "PUT", "PATCH"):
        assert clients.ask(old, method, admin, {"type": "client"}).status == 404, "LXD shows it"
    assert clients.ask(old, "DELETE", path).status == 403
    assert clients.ask(old, "PATCH", path, {"certificate": "garbage"}).status == 400
    taken = clients.ask(old, "PATCH", path, {"certificate": clients.admin.pem})
    assert error(taken) == (409, "Certificate already in trust store")
    assert clients.ask(old, "PATCH", path, {"certificate": new.pem}).status == 200
    assert clients.ask(old, "GET", "/1.0/projects").status == 403
    assert clients.ask(new, "GET", "/1.0/projects").body["metadata"] == ["/1.0/projects/p1"]


def test_projects_of_a_certificate_follow_their_names(clients: Clients) -> None:
    services = clients.api.services
    services.projects.rename(INTERNAL, "p1", "q1")
    assert clients.ask(clients.restricted, "GET", "/1.0/projects").body["metadata"] == ["/1.0/projects/q1"]
    services.projects.delete(INTERNAL, "q1")
    services.projects.create(INTERNAL, "p1", "", {})
    assert clients.ask(clients.restricted, "GET", "/1.0/projects").body["metadata"] == [], "restricted to nothing now"


def test_threat_certificates_outside_of_their_dates(clients: Clients) -> None:
    from datetime import UTC, datetime, timedelta

    for begin in (datetime.now(UTC) - timedelta(days=4000), datetime.now(UTC) + timedelta(days=1)):
        files = Files(clients.directory / "dated.crt", clients.directory / "dated.key")
        write_certificate(files.certificate, files.key, make_client_certificate(begin))
        body = request(name="dated", certificate=base64_of(files))
        assert clients.ask(clients.admin, "POST", LIST, body).status == 201
        assert clients.ask(files, "GET", "/1.0").body["metadata"]["auth"] == "untrusted"


def test_changes_of_trust_are_told(clients: Clients) -> None:
    told: list[str] = []

    def note(event: object) -> None:
        body = getattr(event, "body", None)
        if isinstance(body, Lifecycle):
            told.append(f"{body.action} {body.source}")

    clients.api.services.events.subscribe(note)
    new = clients.new("new")
    path = f"{LIST}/{fingerprint(new)}"
    clients.ask(clients.admin, "POST", LIST, request(certificate=base64_of(new)))
    clients.ask(clients.admin, "PATCH", path, {"name": "x"})
    clients.ask(clients.admin, "DELETE", path)
    assert told == [f"certificate-{what} {path}" for what in ("created", "updated", "deleted")]
