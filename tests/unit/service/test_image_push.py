"""Images that are sent to another server: what is told to whom, and what a bad target can do."""

from __future__ import annotations

import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import Operation
from holdfast.service.image_push import ImageTarget
from support.image_world import CALLER, ImageWorld
from support.tls_server import Files, server_files, tls_server
from support.unixserver import background, operation, sync

STARTED = background(operation(metadata={"secret": "of-the-operation"}))
STORED = sync(operation(200))


@dataclass
class Target:
    """Answers the upload, then the question whether it is stored; remembers what came."""

    to_upload: bytes = STARTED
    to_wait: bytes = STORED
    heads: list[str] = field(default_factory=list)
    body: bytes = b""

    def serve(self, connection: ssl.SSLSocket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        self.heads.append(head.decode())
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            more = connection.recv(65536)
            if not more:
                return
            body += more
        self.body = self.body or body
        with suppress(OSError):  # the other side need not listen to the end
            connection.sendall(self.to_upload if len(self.heads) == 1 else self.to_wait)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return server_files(tmp_path)


def push(world: ImageWorld, target: Target, files: Files, *, certificate: str = "") -> Operation:
    image = world.made.images.get("default", world.add())
    with tls_server(files, target.serve) as port:
        order = ImageTarget(
            url=f"https://127.0.0.1:{port}", certificate=certificate or files.pem, project="p", secret="the-secret"
        )
        return world.wait(world.made.images.pusher.push(CALLER, image, order))


def test_an_image_is_sent_with_what_it_is_expected_by(world: ImageWorld, files: Files) -> None:
    target = Target()
    ended = push(world, target, files)
    assert ended.status is StatusCode.SUCCESS, ended.error
    (image,) = world.made.images.list("default")
    upload, wait = (head.split("\r\n") for head in target.heads)
    assert upload[0] == "POST /1.0/images?project=p HTTP/1.1"
    assert {f"X-LXD-fingerprint: {image.fingerprint}", "X-LXD-secret: the-secret"} <= set(upload)
    assert "secret=of-the-operation" in wait[0]
    assert target.body == world.paths.image(image.fingerprint).read_bytes()
    assert ("image-retrieved", f"/1.0/images/{image.fingerprint}") in world.happened


def test_threat_a_target_with_another_certificate_gets_nothing(world: ImageWorld, files: Files, tmp_path: Path) -> None:
    target = Target()
    ended = push(world, target, files, certificate=server_files(tmp_path, "wanted").pem)
    assert (ended.status, target.heads) == (StatusCode.FAILURE, [])
    assert "is not the one that is known" in ended.error


BAD_ANSWERS = {
    "a refusal": (b'HTTP/1.1 403 Forbidden\r\n\r\n{"error": "not authorized"}', STORED, "not authorized"),
    "no operation": (sync({"id": 5}), STORED, "not an answer"),
    "another kind of metadata": (background(operation(metadata={"secret": {"a": 1}})), STORED, "not an answer"),
    "very long": (b"HTTP/1.1 202 A\r\n\r\n" + b"a" * (3 << 20), STORED, "an answer of more than"),
    "nothing": (b"", STORED, "The connection broke"),
    "a redirect": (STARTED, b"HTTP/1.1 302 Found\r\nLocation: https://x/\r\n\r\n", "redirects are not followed"),
    "a failure": (STARTED, sync(operation(400, err="the hash is wrong")), "the hash is wrong"),
    "a cancel": (STARTED, sync(operation(401)), "was cancelled"),
}


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_threat_a_target_that_answers_badly(world: ImageWorld, files: Files, kind: str) -> None:
    to_upload, to_wait, text = BAD_ANSWERS[kind]
    ended = push(world, Target(to_upload, to_wait), files)
    assert (ended.status, text in ended.error) == (StatusCode.FAILURE, True), ended.error
    assert ended.error.startswith("Failed sending the image to https://127.0.0.1:")


def test_threat_a_silent_target_is_left_at_a_cancel(world: ImageWorld, files: Files) -> None:
    reached, over = threading.Event(), threading.Event()

    def stall(connection: ssl.SSLSocket) -> None:
        connection.recv(100)
        reached.set()
        assert over.wait(120)

    image = world.made.images.get("default", world.add())
    with tls_server(files, stall) as port:
        order = ImageTarget(url=f"https://127.0.0.1:{port}", certificate=files.pem, project="", secret="s")
        running = world.made.images.pusher.push(CALLER, image, order)
        assert reached.wait(120)
        world.operations.cancel(CALLER, running.id)
        ended = world.wait(running)
        over.set()
    assert ended.status is StatusCode.CANCELLED, ended.error


def test_without_a_secret_nothing_is_sent(world: ImageWorld, files: Files) -> None:
    image = world.made.images.get("default", world.add())
    order = ImageTarget(url="https://127.0.0.1:1", certificate=files.pem, project="", secret="")
    with pytest.raises(BadRequestError, match="secret"):
        world.made.images.pusher.push(CALLER, image, order)
