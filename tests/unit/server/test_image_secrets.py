"""Secrets of images over HTTPS: what a server that nobody trusts can do with one here, and no more."""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl

import pytest

from holdfast.model.kinds import StatusCode
from holdfast.service.caller import INTERNAL, Caller
from holdfast.service.image_add import ImageRequest
from holdfast.service.image_fetch import RemoteImage
from holdfast.service.instance_requests import FromRemoteImage, InstanceRequest
from support.clients import Clients
from support.http import Answer
from support.image_source import listening, source_of
from support.image_world import unified
from support.tls_server import Files, server_files

pytestmark = pytest.mark.root

CONTENT = unified()
FINGERPRINT = hashlib.sha256(CONTENT).hexdigest()
ONE = f"/1.0/images/{FINGERPRINT}"


@pytest.fixture
def image(clients: Clients) -> str:
    """An image in the default project that isn't public, and the same in p1."""
    for project in ("default", "p1"):
        add(clients, project)
    return FINGERPRINT


def add(clients: Clients, project: str) -> None:
    services = clients.api.services
    spooled = services.paths.incoming / "image"
    spooled.write_bytes(CONTENT)
    caller = Caller(project=project)
    done = services.operations.wait(services.images.add_unified(caller, spooled, ImageRequest()).id, 120)
    assert done.status is StatusCode.SUCCESS, done.error


def token(answer: Answer) -> tuple[str, str]:
    """Return the secret and the operation of a token."""
    assert answer.status == 202, answer.raw
    operation = answer.body["metadata"]
    assert (operation["class"], operation["may_cancel"]) == ("token", True)
    assert operation["resources"]["images"][0].startswith("/1.0/images/")
    return operation["metadata"]["secret"], answer.body["operation"]


def send(
    clients: Clients, who: Files | None, content: bytes, query: str = "", **headers: str
) -> tuple[int, dict[str, object]]:
    """Send a file as another server does; return status and body."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if who is not None:
        context.load_cert_chain(who.certificate, who.key)
    connection = http.client.HTTPSConnection("127.0.0.1", clients.port, context=context, timeout=120)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        sent = {"Content-Type": "application/octet-stream", **named}
        connection.request("POST", f"/1.0/images{query}", body=content, headers=sent)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def expected(clients: Clients, who: Files, query: str = "", **more: object) -> str:
    """Have the image expected; return the secret."""
    body = {"source": {"mode": "push", "type": "", "fingerprint": FINGERPRINT}, **more}
    return token(clients.ask(who, "POST", f"/1.0/images{query}", body))[0]


# --- taking an image --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["nobody", "stranger", "restricted"])
def test_threat_a_secret_opens_one_image_to_a_stranger(clients: Clients, image: str, who: str) -> None:
    asking = None if who == "nobody" else getattr(clients, who)
    secret, operation = token(clients.ask(clients.admin, "POST", f"{ONE}/secret"))
    assert clients.ask(asking, "GET", f"{ONE}?secret=wrong").status == 404
    assert clients.ask(asking, "GET", f"{ONE}/export?secret=wrong").status == 404
    assert clients.ask(asking, "GET", f"{ONE}?secret={secret}&project=p2").status == 404
    assert clients.ask(asking, "GET", f"{ONE}?secret={secret}&project=nosuch").status == 404
    assert clients.ask(asking, "GET", f"/1.0/images/{'0' * 64}?secret={secret}").status == 404
    assert clients.ask(asking, "GET", f"{ONE}?secret={secret}").body["metadata"]["fingerprint"] == image
    assert clients.ask(asking, "GET", f"{ONE}/export?secret={secret}").raw == CONTENT
    assert clients.ask(clients.admin, "GET", operation).body["metadata"]["status"] == "Cancelled"
    assert clients.ask(asking, "GET", f"/1.0/images?secret={secret}").body["metadata"] == []
    assert clients.ask(asking, "GET", ONE).status == 404


def test_threat_a_secret_is_given_to_whom_the_image_may_be_given(clients: Clients, image: str) -> None:
    for who in (None, clients.stranger, clients.metrics):
        for path in ("secret", "export"):
            assert clients.ask(who, "POST", f"{ONE}/{path}", {}).status == 403
    for path in ("secret", "export"):
        for query in ("", "?project=p2", "?project=nosuch"):
            assert clients.ask(clients.restricted, "POST", f"{ONE}/{path}{query}", {}).status == 403
    secret, operation = token(clients.ask(clients.restricted, "POST", f"{ONE}/secret?project=p1"))
    assert clients.ask(None, "GET", f"{ONE}?secret={secret}").status == 404, "there it is in the default project"
    assert clients.ask(clients.restricted, "GET", operation).status == 200, "its own token is seen"
    assert clients.ask(clients.restricted, "DELETE", operation).status == 200
    assert clients.ask(None, "GET", f"{ONE}?secret={secret}&project=p1").status == 404, "taken back"


# --- bringing one -----------------------------------------------------------------------------------------------------


def test_a_stranger_brings_the_image_that_is_expected(clients: Clients) -> None:
    """What it becomes was agreed on with the one who expects it; of what the stranger says the file's name counts."""
    wanted = {"public": False, "properties": {"os": "Agreed"}, "aliases": [{"name": "agreed", "description": "d"}]}
    secret = expected(clients, clients.admin, **wanted)
    status, body = send(
        clients,
        None,
        CONTENT,
        X_LXD_secret=secret,
        X_LXD_fingerprint=FINGERPRINT,
        X_LXD_public="true",
        X_LXD_aliases="alias=stolen",
        X_LXD_properties="os=Other",
        X_LXD_filename="sent.tar.gz",
    )
    assert status == 202, body
    begun = body["metadata"]
    assert isinstance(begun, dict)
    assert clients.ask(None, "GET", f"{body['operation']}/wait?secret=wrong").status == 403
    ended = clients.ask(None, "GET", f"{body['operation']}/wait?secret={begun['metadata']['secret']}")
    assert ended.body["metadata"]["status"] == "Success", ended.raw
    found = clients.ask(clients.admin, "GET", ONE).body["metadata"]
    assert (found["public"], found["properties"], found["filename"]) == (False, {"os": "Agreed"}, "sent.tar.gz")
    assert found["aliases"] == [{"name": "agreed", "description": "d"}]
    again, _ = send(clients, None, CONTENT, X_LXD_secret=secret, X_LXD_fingerprint=FINGERPRINT)
    assert again == 403, "a secret is good once"


def test_threat_a_stranger_brings_what_is_not_expected(clients: Clients) -> None:
    for headers in (
        {},
        {"X_LXD_secret": "guess", "X_LXD_fingerprint": FINGERPRINT},
        {"X_LXD_secret": ""},
    ):
        assert send(clients, None, CONTENT, **headers)[0] == 403
    secret = expected(clients, clients.admin)
    assert send(clients, None, CONTENT, X_LXD_secret=secret, X_LXD_fingerprint="0" * 64)[0] == 403
    assert send(clients, None, CONTENT, "?project=p1", X_LXD_secret=secret, X_LXD_fingerprint=FINGERPRINT)[0] == 403
    assert send(clients, None, CONTENT, "?project=none", X_LXD_secret=secret, X_LXD_fingerprint=FINGERPRINT)[0] == 403
    status, body = send(clients, None, unified("other"), X_LXD_secret=secret, X_LXD_fingerprint=FINGERPRINT)
    begun = body["metadata"]
    assert isinstance(begun, dict)
    ended = clients.ask(None, "GET", f"{body['operation']}/wait?secret={begun['metadata']['secret']}").body["metadata"]
    assert (status, ended["status"]) == (202, "Failure")
    assert "fingerprints don't match" in ended["err"]
    services = clients.api.services
    assert (services.images.list(None), list(services.paths.incoming.iterdir())) == ([], [])


def test_threat_a_secret_is_no_way_around_a_project(clients: Clients) -> None:
    """Clients that are trusted in part get no further with a secret that is none."""
    headers = {"X_LXD_secret": "none", "X_LXD_fingerprint": FINGERPRINT}
    for query in ("", "?project=p2"):
        assert send(clients, clients.restricted, CONTENT, query, **headers)[0] == 403
        body = {"source": {"mode": "push", "fingerprint": FINGERPRINT}}
        assert clients.ask(clients.restricted, "POST", f"/1.0/images{query}", body, **headers).status == 403
        assert clients.ask(clients.restricted, "POST", f"/1.0/images{query}", body).status == 403
    assert send(clients, clients.restricted, CONTENT, "?project=p1", **headers)[0] == 202


# --- instances --------------------------------------------------------------------------------------------------------


def test_threat_an_instance_brings_no_image_where_its_maker_may_add_none(clients: Clients, image: str) -> None:
    """A project without images of its own uses those of the default one; adding one there takes more."""
    services = clients.api.services
    services.projects.create(INTERNAL, "p3", "", {"features.images": "false"})
    files = server_files(clients.directory, "source")
    source = source_of(unified("new"))
    access = services.certificates.access_of(
        hashlib.sha256(ssl.PEM_cert_to_DER_cert(clients.restricted.pem)).hexdigest()
    )
    caller = Caller(project="p3", access=access)
    with listening(source, files) as url:
        for fingerprint, text in ((source.fingerprint, "not authorized"), (image, "No root device")):
            origin = FromRemoteImage(RemoteImage(url=url, certificate=files.pem, name=fingerprint, secret="s"))
            started = services.instances.create(caller, InstanceRequest(name="c1"), origin)
            done = services.operations.wait(started.id, 120)
            assert (done.status, text in done.error) == (StatusCode.FAILURE, True), done.error
    assert source.asked == []
