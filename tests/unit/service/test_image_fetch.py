"""Images that are fetched from another server: what comes of an honest one, and that nothing comes of another kind."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from holdfast.model.kinds import OperationClass, StatusCode
from holdfast.model.operation import Operation
from holdfast.service.image_add import ImageRequest
from holdfast.service.image_fetch import RemoteImage
from holdfast.service.operation_handle import OperationHandle
from support.image_source import ImageSource, file_answer, listening, parts_answer, sending, source_of
from support.image_world import CALLER, METADATA, ImageWorld, archive, unified
from support.tls_server import Files, server_files
from support.waiting import await_true

CONTENT = unified()
SPLIT = (archive({"metadata.yaml": METADATA.encode()}), archive({"./": b"", "./hello": b"hi"}))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return server_files(tmp_path)


def fetch(
    world: ImageWorld, source: ImageSource, files: Files, request: ImageRequest | None = None, name: str = ""
) -> Operation:
    """Fetch, and return how that ended."""
    with listening(source, files) as url:
        remote = RemoteImage(url=url, certificate=files.pem, name=name or source.fingerprint)
        return world.wait(world.made.images.fetcher.fetch(CALLER, remote, request or ImageRequest()))


def assert_refused(world: ImageWorld, ended: Operation, text: str) -> None:
    """It failed with this reason, and nothing is left of it."""
    assert (ended.status, text in ended.error) == (StatusCode.FAILURE, True), ended.error
    assert not ended.error.startswith("Internal"), ended.error
    assert (world.files(), world.made.images.list(None), world.intents.list_open()) == (set(), [], [])


# --- from an honest server --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [(CONTENT,), SPLIT], ids=["unified", "split"])
def test_an_image_comes_as_it_is_there(world: ImageWorld, files: Files, content: tuple[bytes, ...]) -> None:
    source = source_of(*content, expires_at="2036-01-02T03:04:05.123456789Z")
    request = ImageRequest(public=True, properties={"mine": "1"}, aliases=(("tiny", "small"),))
    ended = fetch(world, source, files, request)
    assert ended.status is StatusCode.SUCCESS, ended.error
    assert (ended.metadata or {})["fingerprint"] == source.fingerprint
    assert str((ended.metadata or {})["download_progress"]).startswith("100% (")
    image = world.made.images.by_alias("default", "tiny")
    assert (image.fingerprint, image.filename, image.public) == (source.fingerprint, "tiny.tar.gz", True)
    assert image.properties == {"os": "Tiny", "edited": "there", "mine": "1"}, "not those of the file"
    assert image.expires_at is not None
    assert image.expires_at.year == 2036
    main, rootfs = world.made.images.files("default", source.fingerprint)
    stored = [main.read_bytes()] + ([rootfs.read_bytes()] if rootfs else [])
    assert stored == list(content)
    assert world.files() == {path.name for path in (main, rootfs) if path}


def test_an_alias_is_looked_up_there(world: ImageWorld, files: Files) -> None:
    source = source_of(CONTENT)
    assert_refused(world, fetch(world, source, files, name="mine"), "Image not found")
    source.aliases["mine%2Fown"] = source.fingerprint
    ended = fetch(world, source, files, name="mine/own")
    assert ended.status is StatusCode.SUCCESS, ended.error
    assert world.made.images.list("default")[0].fingerprint == source.fingerprint


def test_what_is_here_is_not_fetched_again(world: ImageWorld, files: Files) -> None:
    source = source_of(CONTENT)
    world.succeed(world.made.images.add_unified(CALLER, world.spool(CONTENT), ImageRequest()))
    ended = fetch(world, source, files, ImageRequest(aliases=(("again", ""),), properties={"more": "1"}))
    assert ended.status is StatusCode.SUCCESS, ended.error
    image = world.made.images.by_alias("default", "again")
    assert (image.properties["more"], image.properties["os"], source.asked) == ("1", "Tiny", [])


def test_an_alias_that_it_has_already_is_fine(world: ImageWorld, files: Files) -> None:
    request = ImageRequest(aliases=(("own", ""), ("new", "")))
    world.succeed(world.made.images.add_unified(CALLER, world.spool(CONTENT), ImageRequest(aliases=(("own", ""),))))
    ended = fetch(world, source_of(CONTENT), files, request)
    assert ended.status is StatusCode.SUCCESS, ended.error
    assert [each.name for each in world.made.images.aliases.list("default")] == ["new", "own"]


def test_two_at_once_fetch_it_once(world: ImageWorld, files: Files) -> None:
    """The second waits for the first and finds the image; its alias is made all the same."""
    source = source_of(CONTENT)
    begun, go = threading.Event(), threading.Event()

    def slowly(connection: ssl.SSLSocket) -> None:
        begun.set()
        assert go.wait(120)
        connection.sendall(file_answer(CONTENT))

    source.export = slowly
    fetcher = world.made.images.fetcher
    with listening(source, files) as url:
        remote = RemoteImage(url=url, certificate=files.pem, name=source.fingerprint)
        first = fetcher.fetch(CALLER, remote, ImageRequest(aliases=(("one", ""),)))
        assert begun.wait(120)
        second = fetcher.fetch(CALLER, remote, ImageRequest(aliases=(("two", ""),)))
        third = fetcher.fetch(CALLER, remote, ImageRequest())
        await_true(lambda: world.operations.get(third.id).status is StatusCode.RUNNING, "the third one's start")
        world.operations.cancel(CALLER, third.id)
        assert world.wait(third).status is StatusCode.CANCELLED, "a cancel ends the wait for one's turn"
        go.set()
        assert [world.wait(each).status for each in (first, second)] == [StatusCode.SUCCESS] * 2
    assert source.exports() == 1
    for name in ("one", "two"):
        assert world.made.images.by_alias("default", name).fingerprint == source.fingerprint


def test_what_is_uploaded_meanwhile_is_taken(world: ImageWorld, files: Files) -> None:
    source = source_of(CONTENT)

    def overtaken(connection: ssl.SSLSocket) -> None:
        world.succeed(world.made.images.add_unified(CALLER, world.spool(CONTENT), ImageRequest()))
        connection.sendall(file_answer(CONTENT))

    source.export = overtaken
    ended = fetch(world, source, files, ImageRequest(aliases=(("mine", ""),)))
    assert ended.status is StatusCode.SUCCESS, ended.error
    assert world.made.images.by_alias("default", "mine").fingerprint == source.fingerprint
    assert world.files() == {source.fingerprint}


def test_a_taken_alias_is_an_error_that_leaves_nothing(world: ImageWorld, files: Files) -> None:
    world.add("other", aliases=(("tiny", ""),))
    before = world.files()
    ended = fetch(world, source_of(CONTENT), files, ImageRequest(aliases=(("tiny", ""),)))
    assert (ended.status, world.files()) == (StatusCode.FAILURE, before)
    assert "already" in ended.error


# --- from others ------------------------------------------------------------------------------------------------------


def test_threat_another_image_than_the_one_that_was_asked_for(world: ImageWorld, files: Files) -> None:
    """By its content, and by what is said of it: then nothing is fetched at all."""
    wanted = hashlib.sha256(CONTENT).hexdigest()
    source = source_of(CONTENT)
    source.export = sending(file_answer(unified("other")))
    source.description["size"] = len(unified("other"))
    assert_refused(world, fetch(world, source, files), "fingerprints don't match")
    source = source_of(unified("other"))
    source.wanted = wanted
    assert_refused(world, fetch(world, source, files, name=wanted), "was asked for")
    assert source.exports() == 0


def test_threat_a_server_sends_more_than_it_said(world: ImageWorld, files: Files) -> None:
    source = source_of(CONTENT, size=10)
    source.export = sending(file_answer(CONTENT + bytes(100_000)))
    assert_refused(world, fetch(world, source, files), "sends more than the 10 bytes")


def test_threat_an_image_without_end(world: ImageWorld, files: Files) -> None:
    def endless(connection: ssl.SSLSocket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with suppress(OSError):
            while True:
                connection.sendall(b"10000\r\n" + bytes(0x10000) + b"\r\n")

    source = source_of(CONTENT)
    source.export = endless
    assert_refused(world, fetch(world, source, files), "sends more than")


def test_threat_an_image_for_which_there_is_no_room(world: ImageWorld, files: Files) -> None:
    source = source_of(CONTENT, size=1 << 60)
    assert_refused(world, fetch(world, source, files), "No space left")
    assert source.exports() == 0


WHOLE = file_answer(CONTENT)
PARTS = parts_answer(*SPLIT)
CUTS = {
    "in the headers": WHOLE[:30],
    "in the file": WHOLE[:-100],
    "before its announced length": file_answer(CONTENT, len(CONTENT) + 5),
    "without a length": b"HTTP/1.1 200 OK\r\n\r\n" + CONTENT,
    "with a length that is none": WHOLE.replace(b"Content-Length: ", b"Content-Length: x"),
    "in a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + CONTENT,
    "before the last boundary": PARTS[: -len(b"\r\n--mark--\r\n")],
    "in a part": PARTS[:-200],
    "without a boundary": PARTS.replace(b"boundary=mark", b"x=y"),
}


@pytest.mark.parametrize("cut", CUTS)
def test_threat_a_cut_image_is_none(world: ImageWorld, files: Files, cut: str) -> None:
    source = source_of(CONTENT)
    source.export = sending(CUTS[cut])
    assert_refused(world, fetch(world, source, files), "Failed getting the image")


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        ((CONTENT, CONTENT, CONTENT), ("metadata", "rootfs", "rootfs")),
        ((CONTENT, CONTENT), ("rootfs", "metadata")),
        ((CONTENT, CONTENT), ("metadata", "metadata")),
    ],
)
def test_threat_other_parts_than_those_of_an_image(
    world: ImageWorld, files: Files, parts: tuple[bytes, ...], names: tuple[str, ...]
) -> None:
    source = source_of(CONTENT)
    source.export = sending(parts_answer(*parts, names=names))
    assert_refused(world, fetch(world, source, files), "other files than those of an image")


def test_threat_a_right_hash_of_what_is_no_image(world: ImageWorld, files: Files) -> None:
    assert_refused(world, fetch(world, source_of(b"rubbish" * 100), files), "")


def test_threat_a_source_redirects_to_elsewhere(world: ImageWorld, files: Files, tmp_path: Path) -> None:
    """Neither the description nor the files are got from another server than the one whose certificate is pinned."""
    elsewhere, source = source_of(CONTENT), source_of(CONTENT)
    with listening(elsewhere, server_files(tmp_path, "elsewhere")) as url:
        head = f"HTTP/1.1 302 Found\r\nLocation: {url}/1.0/x\r\nContent-Length: {len(CONTENT)}\r\n\r\n".encode()
        source.export = sending(head + CONTENT)
        assert_refused(world, fetch(world, source, files), "redirects are not followed")
        source.answer = sending(head)
        assert_refused(world, fetch(world, source, files), "redirects are not followed")
    assert elsewhere.asked == []


def test_threat_an_image_from_a_server_with_another_certificate(
    world: ImageWorld, files: Files, tmp_path: Path
) -> None:
    source, wanted = source_of(CONTENT), server_files(tmp_path, "wanted")
    with listening(source, files) as url:
        for certificate in (wanted.pem, "no certificate", ""):
            remote = RemoteImage(url=url, certificate=certificate, name=source.fingerprint, secret="s")
            ended = world.wait(world.made.images.fetcher.fetch(CALLER, remote, ImageRequest()))
            assert_refused(world, ended, "ertificate")
    assert source.asked == [], "not even the secret is told"


BAD_DESCRIPTIONS: dict[str, bytes] = {
    "no JSON": b"HTTP/1.1 200 OK\r\n\r\nhello",
    "no object": b'HTTP/1.1 200 OK\r\n\r\n{"metadata": []}',
    "no fingerprint": b'HTTP/1.1 200 OK\r\n\r\n{"metadata": {"size": 1}}',
    "a path": b'HTTP/1.1 200 OK\r\n\r\n{"metadata": {"fingerprint": "../../../etc/passwd", "size": 1}}',
    "a size below nothing": b'HTTP/1.1 200 OK\r\n\r\n{"metadata": {"fingerprint": "%s", "size": -1}}' % (b"a" * 64),
    "a size that is none": b'HTTP/1.1 200 OK\r\n\r\n{"metadata": {"fingerprint": "%s", "size": "1"}}' % (b"a" * 64),
    "properties of other types": b'HTTP/1.1 200 OK\r\n\r\n{"metadata": {"properties": {"a": {"b": 1}}}}',
    "very long": b'HTTP/1.1 200 OK\r\n\r\n{"metadata": "' + b"a" * (3 << 20) + b'"}',
    "nested": b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 500_000,
    "a refusal": b'HTTP/1.1 404 Not Found\r\n\r\n{"error": "Image not found"}',
    "nothing": b"",
}


@pytest.mark.parametrize("kind", BAD_DESCRIPTIONS)
def test_threat_a_description_that_is_none(world: ImageWorld, files: Files, kind: str) -> None:
    def answer(connection: ssl.SSLSocket) -> None:
        with suppress(OSError):  # the other side need not listen to the end
            connection.sendall(BAD_DESCRIPTIONS[kind])

    source = source_of(CONTENT)
    source.answer = answer
    assert_refused(world, fetch(world, source, files), "Failed getting the image")
    assert_refused(world, fetch(world, source, files, name="an-alias"), "Failed getting the image")


def test_an_image_of_a_virtual_machine_is_refused(world: ImageWorld, files: Files) -> None:
    source = source_of(CONTENT, type="virtual-machine")
    assert_refused(world, fetch(world, source, files), "virtual machine")
    assert source.exports() == 0


@pytest.mark.parametrize("is_sending", [False, True], ids=["says nothing", "sends and stops"])
def test_threat_a_silent_server_is_left_at_a_cancel(world: ImageWorld, files: Files, *, is_sending: bool) -> None:
    source = source_of(CONTENT)
    reached = threading.Event()

    def stall(connection: ssl.SSLSocket) -> None:
        if is_sending:
            connection.sendall(WHOLE[:-100])
        reached.set()
        assert source.ended.wait(120)

    source.export = stall
    with listening(source, files) as url:
        remote = RemoteImage(url=url, certificate=files.pem, name=source.fingerprint)
        running = world.made.images.fetcher.fetch(CALLER, remote, ImageRequest())
        assert reached.wait(120)
        world.operations.cancel(CALLER, running.id)
        assert world.wait(running).status is StatusCode.CANCELLED
    assert (world.files(), world.intents.list_open()) == (set(), [])


def test_a_server_that_is_not_there_is_named(world: ImageWorld, files: Files) -> None:
    with socket.socket() as silent:  # it has the port, so that nobody else gets it, and doesn't listen
        silent.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        remote = RemoteImage(url=url, certificate=files.pem, name=source_of(CONTENT).fingerprint)
        assert_refused(world, world.wait(world.made.images.fetcher.fetch(CALLER, remote, ImageRequest())), url)


class PowerCutError(BaseException):
    """Stands for the end of the process."""


def test_a_server_that_dies_while_it_fetches_leaves_nothing(
    world: ImageWorld, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of(*SPLIT)
    handle = world.operations.open(CALLER, "test", operation_class=OperationClass.TASK)

    def cut(_handle: OperationHandle) -> None:
        if any("image" in name for name in world.files()):
            raise PowerCutError

    monkeypatch.setattr("holdfast.service.image_add.ImageAdder.undo", lambda *_: None)
    monkeypatch.setattr("holdfast.service.operation_handle.OperationHandle.check", cut)
    with listening(source, files) as url:
        remote = RemoteImage(url=url, certificate=files.pem, name=source.fingerprint)
        with pytest.raises(PowerCutError):
            world.made.images.fetcher.bring(CALLER, remote, ImageRequest(), handle)
    monkeypatch.undo()
    handle.end_cancelled()
    assert world.files() != set()
    world.recovery.run()
    world.made.discard_leftovers()
    assert (world.files(), world.intents.list_open()) == (set(), [])
    assert fetch(world, source, files).status is StatusCode.SUCCESS
