"""Files that go to and come from the server are whole or absent."""

from __future__ import annotations

import os
from email.parser import BytesParser
from pathlib import Path

import pytest

from holdfast.client.client import Client
from holdfast.client.errors import BrokenConnectionError, ShortTransferError
from holdfast.client.images import ImageFile
from holdfast.client.transfer import WholeFile
from support.unixserver import UnixServer, background, operation


def test_whole_file_appears_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    with WholeFile(target) as file:
        file.write(b"new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["file"]


def test_failed_file_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(RuntimeError), WholeFile(target) as file:
        file.write(b"new")
        raise RuntimeError
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def _reply(body: bytes, *headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *headers]).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (_reply(b"short", "Content-Length: 100"), ShortTransferError),
        (_reply(b"5\r\nshort\r\n", "Transfer-Encoding: chunked"), BrokenConnectionError),
    ],
)
def test_threat_streamed_export_that_failed_half_way(
    short_tmp_path: Path, tmp_path: Path, reply: bytes, error: type[Exception]
) -> None:
    with UnixServer(short_tmp_path / "s", lambda _: reply), pytest.raises(error):
        Client.connect(str(short_tmp_path / "s")).backups.save("c1", "b0", tmp_path / "c1.tar.gz")
    assert os.listdir(tmp_path) == []


def test_download_tells_how_far_it_is(short_tmp_path: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    with UnixServer(short_tmp_path / "s", lambda _: _reply(b"x" * 300_000, "Content-Length: 300000")):
        client = Client.connect(str(short_tmp_path / "s"))
        size = client.backups.save("c1", "b0", tmp_path / "f", lambda done, total: told.append((done, total)))
    assert size == (tmp_path / "f").stat().st_size == 300_000
    assert told[-1] == (300_000, 300_000)


def test_upload_of_an_export_file(short_tmp_path: Path, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"content")
    with UnixServer(short_tmp_path / "s", lambda _: background(operation(200))) as server:
        Client.connect(str(short_tmp_path / "s")).backups.import_file(tmp_path / "f", name="n", pool="p").wait()
    asked = server.asked[0]
    assert (asked.body, asked.headers["x-lxd-name"], asked.headers["x-lxd-pool"]) == (b"content", "n", "p")
    assert asked.headers["content-length"] == "7"


def test_split_image_is_sent_as_a_form(short_tmp_path: Path, tmp_path: Path) -> None:
    (tmp_path / "meta.tar.xz").write_bytes(b"meta")
    (tmp_path / "root.squashfs").write_bytes(b"root")
    with UnixServer(short_tmp_path / "s", lambda _: background(operation(200))) as server:
        files = ImageFile(tmp_path / "meta.tar.xz", tmp_path / "root.squashfs")
        Client.connect(str(short_tmp_path / "s")).images.import_file(files, properties={"a": "b c"}).wait()
    asked = server.asked[0]
    form = BytesParser().parsebytes(f"Content-Type: {asked.headers['content-type']}\r\n\r\n".encode() + asked.body)
    parts = [
        (part.get_param("name", header="content-disposition"), part.get_payload(decode=True))
        for part in form.get_payload()
    ]
    assert parts == [("metadata", b"meta"), ("rootfs", b"root")]
    assert asked.headers["x-lxd-properties"] == "a=b+c"


def _form(*parts: tuple[str, str, bytes], end: bytes = b"--\r\n") -> bytes:
    body = b""
    for field, name, content in parts:
        head = f'\r\n--BND\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
        body += head.encode() + content
    body = body[2:] + b"\r\n--BND" + end
    return _reply(body, "Content-Type: multipart/form-data; boundary=BND", f"Content-Length: {len(body)}")


@pytest.mark.parametrize("size", [0, 1, 262_140, 262_144, 600_000])
def test_split_image_is_saved_as_two_files(short_tmp_path: Path, tmp_path: Path, size: int) -> None:
    content = os.urandom(size) + b"\r\n--BN"  # the beginning of a boundary is content
    reply = _form(("metadata", "meta.tar.xz", b"meta"), ("rootfs", "../../x.squashfs", content))
    with UnixServer(short_tmp_path / "s", lambda _: reply):
        saved = Client.connect(str(short_tmp_path / "s")).images.export("f" * 64, tmp_path / "out")
    assert [path.name for path in saved] == ["out.tar.xz", "out.root.squashfs"]
    assert (tmp_path / "out.root.squashfs").read_bytes() == content


def test_split_image_that_ends_early_is_an_error(short_tmp_path: Path, tmp_path: Path) -> None:
    reply = _form(("metadata", "meta.tar", b"meta"), ("rootfs", "r.squashfs", b"half"))
    reply = reply.replace(b"half\r\n--BND--\r\n", b"half")
    reply = reply.replace(b"Content-Length: ", b"X-Was: ")
    with UnixServer(short_tmp_path / "s", lambda _: reply), pytest.raises(BrokenConnectionError):
        Client.connect(str(short_tmp_path / "s")).images.export("f" * 64, tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["out.tar"]


def test_threat_server_names_a_file_outside_the_target(short_tmp_path: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    reply = _reply(b"x", "Content-Disposition: inline;filename=../evil.tar", "Content-Length: 1")
    with UnixServer(short_tmp_path / "s", lambda _: reply):
        saved = Client.connect(str(short_tmp_path / "s")).images.export("f" * 64, tmp_path / "in")
    assert saved == [tmp_path / "in" / "evil.tar"]
