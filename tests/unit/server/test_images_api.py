"""Images over the API: uploads of both kinds, downloads, aliases."""

from __future__ import annotations

import email.parser
import email.policy
import hashlib
import http.client
import io
import os
import tarfile
import uuid
from pathlib import Path

import pytest

from support.api_server import Running
from support.http import Answer, UnixConnection, ask, outcome
from support.waiting import await_true

_METADATA = b"architecture: x86_64\ncreation_date: 1700000000\nproperties:\n  os: Tiny\n  description: tiny\n"
OCTETS = {"Content-Type": "application/octet-stream"}


def tarball(**members: bytes) -> bytes:
    """Return a tar with these files; names are written with `__` for `/`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name.replace("__", "/").replace("_dot_", "."))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def unified() -> bytes:
    return tarball(metadata_dot_yaml=_METADATA, rootfs__etc__hostname=b"tiny\n")


def multipart(**parts: bytes) -> tuple[bytes, dict[str, str]]:
    boundary = uuid.uuid4().hex
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.tar.gz"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, content in parts.items()
    )
    return body + f"--{boundary}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def added(api: Running, answer: Answer) -> str:
    """Return the fingerprint of an image once it is there."""
    assert outcome(api.socket, answer) == ""
    path = answer.body["operation"]
    return str(ask(api.socket, "GET", path).body["metadata"]["metadata"]["fingerprint"])


def test_a_unified_image_there_and_back(api: Running) -> None:
    content = unified()
    headers = {**OCTETS, "X-LXD-properties": "kind=test&note=a+b", "X-LXD-filename": "tiny.tar.gz", "X-LXD-public": "1"}
    fingerprint = added(api, ask(api.socket, "POST", "/1.0/images", raw=content, headers=headers))
    assert fingerprint == hashlib.sha256(content).hexdigest()
    shown = ask(api.socket, "GET", f"/1.0/images/{fingerprint[:12]}").body["metadata"]
    assert shown["properties"] == {"os": "Tiny", "description": "tiny", "kind": "test", "note": "a b"}
    assert (shown["public"], shown["filename"], shown["size"]) == (True, "tiny.tar.gz", len(content))
    sent = ask(api.socket, "GET", f"/1.0/images/{fingerprint}/export")
    assert sent.raw == content
    assert sent.headers["content-type"] == "application/octet-stream"
    assert sent.headers["content-length"] == str(len(content))
    assert sent.headers["content-disposition"] == f"inline;filename={fingerprint}.tar.gz"
    assert list(api.services.paths.incoming.iterdir()) == []


def test_a_split_image_there_and_back(api: Running) -> None:
    metadata, rootfs = tarball(metadata_dot_yaml=_METADATA), tarball(etc__hostname=b"tiny\n")
    body, headers = multipart(metadata=metadata, rootfs=rootfs)
    fingerprint = added(api, ask(api.socket, "POST", "/1.0/images", raw=body, headers=headers))
    assert fingerprint == hashlib.sha256(metadata + rootfs).hexdigest()
    sent = ask(api.socket, "GET", f"/1.0/images/{fingerprint}/export")
    assert sent.headers["content-length"] == str(len(sent.raw))
    head = f"Content-Type: {sent.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + sent.raw)
    parts = {str(part.get_param("name", header="content-disposition")): part for part in message.iter_parts()}
    assert parts["metadata"].get_payload(decode=True) == metadata
    assert parts["rootfs"].get_payload(decode=True) == rootfs
    assert parts["rootfs"].get_filename() == f"{fingerprint}.tar.gz"


@pytest.mark.parametrize("parts", [{"metadata": b"x"}, {"rootfs": b"x"}, {"a": b"1", "metadata": b"2", "rootfs": b"3"}])
def test_a_multipart_body_without_the_two_parts_is_refused(api: Running, parts: dict[str, bytes]) -> None:
    body, headers = multipart(**parts)
    answer = ask(api.socket, "POST", "/1.0/images", raw=body, headers=headers)
    assert (answer.status, answer.body["type"]) == (400, "error")
    assert list(api.services.paths.incoming.iterdir()) == []


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=zz"])
@pytest.mark.parametrize("body", [b"x", b"--zz\r\nno header", b""])
def test_what_only_claims_to_be_multipart_is_refused(api: Running, kind: str, body: bytes) -> None:
    answer = ask(api.socket, "POST", "/1.0/images", raw=body, headers={"Content-Type": kind})
    assert (answer.status, answer.body["type"]) == (400, "error")


def test_a_body_that_breaks_off_leaves_nothing(api: Running) -> None:
    import socket as sockets

    with sockets.socket(sockets.AF_UNIX) as raw:
        raw.connect(str(api.socket))
        raw.sendall(
            b"POST /1.0/images HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
            b"Content-Length: 1000000\r\n\r\n" + b"x" * 5000
        )
        raw.shutdown(sockets.SHUT_WR)
        raw.settimeout(120)
        while raw.recv(4096):
            pass
    assert ask(api.socket, "GET", "/1.0/images").body["metadata"] == []
    await_true(lambda: not list(api.services.paths.incoming.iterdir()), "what came is removed")


def test_aliases_with_slashes(api: Running) -> None:
    fingerprint = added(api, ask(api.socket, "POST", "/1.0/images", raw=unified(), headers=OCTETS))
    made = ask(api.socket, "POST", "/1.0/images/aliases", {"name": "tiny/1", "target": fingerprint})
    assert (made.status, made.headers["location"]) == (201, "/1.0/images/aliases/tiny%2F1")
    for path in ("/1.0/images/aliases/tiny%2F1", "/1.0/images/aliases/tiny/1"):
        assert ask(api.socket, "GET", path).body["metadata"]["target"] == fingerprint
    assert ask(api.socket, "GET", "/1.0/images?recursion=1").body["metadata"][0]["aliases"] == [
        {"name": "tiny/1", "description": ""}
    ]
    assert ask(api.socket, "POST", "/1.0/images/aliases/tiny%2F1", {"name": "small"}).status == 201
    assert ask(api.socket, "PATCH", "/1.0/images/aliases/small", {"description": "new"}).status == 200
    assert ask(api.socket, "GET", "/1.0/images/aliases?recursion=1").body["metadata"] == [
        {"name": "small", "description": "new", "target": fingerprint, "type": "container"}
    ]
    assert ask(api.socket, "DELETE", "/1.0/images/aliases/small").status == 200
    assert ask(api.socket, "GET", "/1.0/images/aliases").body["metadata"] == []


def test_images_are_filtered(api: Running) -> None:
    fingerprint = added(api, ask(api.socket, "POST", "/1.0/images", raw=unified(), headers=OCTETS))
    one = ask(api.socket, "GET", "/1.0/images?filter=properties.os%20eq%20tiny").body["metadata"]
    none = ask(api.socket, "GET", "/1.0/images?filter=properties.os%20ne%20tiny").body["metadata"]
    assert (one, none) == ([f"/1.0/images/{fingerprint}"], [])


def test_a_download_is_what_the_name_says_not_what_lies_beside_it(api: Running, tmp_path: Path) -> None:
    """A client that takes gzip gets the file itself, also when a file with `.gz` at its end is beside it."""
    content = unified()
    fingerprint = added(api, ask(api.socket, "POST", "/1.0/images", raw=content, headers=OCTETS))
    path = api.services.paths.image(fingerprint)
    path.with_name(path.name + ".gz").write_bytes(b"something else")
    sent = ask(api.socket, "GET", f"/1.0/images/{fingerprint}/export", headers={"Accept-Encoding": "gzip"})
    assert sent.raw == content
    assert "content-encoding" not in sent.headers


@pytest.mark.parametrize("is_split", [False, True])
def test_threat_stream_that_failed_half_way_ends_like_a_whole_one(api: Running, is_split: bool) -> None:
    """A file shrinks while it is sent: the client gets too few bytes, knows it, and no error text is in them."""
    body, headers = multipart(metadata=tarball(metadata_dot_yaml=_METADATA), rootfs=tarball(etc__hostname=b"tiny"))
    if not is_split:
        body, headers = unified(), OCTETS
    fingerprint = added(api, ask(api.socket, "POST", "/1.0/images", raw=body, headers=headers))
    path = api.services.paths.image_rootfs(fingerprint) if is_split else api.services.paths.image(fingerprint)
    os.truncate(path, 64 * 1024 * 1024)
    connection = UnixConnection(api.socket, timeout_s=120)
    connection.request("GET", f"/1.0/images/{fingerprint}/export")
    answer = connection.getresponse()
    assert int(answer.headers["Content-Length"]) >= 64 * 1024 * 1024
    first = answer.read(4096)
    os.truncate(path, 1024 * 1024)
    with pytest.raises(http.client.IncompleteRead) as caught:
        answer.read()
    connection.close()
    assert b"error_code" not in first + caught.value.partial


def test_threat_header_that_is_no_text(api: Running) -> None:
    answer = ask(api.socket, "POST", "/1.0/images", raw=unified(), headers={**OCTETS, "X-LXD-properties": "a=\xe9"})
    assert answer.status == 400
    assert "not UTF-8" in answer.body["error"]
