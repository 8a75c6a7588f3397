"""Uploads in pieces, by the real API: offsets, limits, who may go on, what a restart leaves, what was abandoned."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.client.client import Client
from holdfast.client.errors import ApiError
from holdfast.client.uploads import PIECE_BYTES, SentFile
from holdfast.model.errors import BadRequestError, ConflictError, NotFoundError
from holdfast.service.caller import Caller
from holdfast.service.paths import Paths
from holdfast.service.uploads import KEPT_FOR, MOST_AT_ONCE, UploadService
from support.api_server import Running
from support.http import Answer, ask

CALLER = Caller()
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
UPLOADS = "/1.0/uploads"


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


def begin(api: Running, **body: int) -> str:
    answer = ask(api.socket, "POST", UPLOADS, body)
    assert answer.status == 200
    return str(answer.body["metadata"]["id"])


def append(api: Running, upload: str, offset: int | str, data: bytes) -> Answer:
    headers = {"Content-Type": "application/octet-stream", "X-Holdfast-offset": str(offset)}
    return ask(api.socket, "PATCH", f"{UPLOADS}/{upload}", raw=data, headers=headers)


def how_far(api: Running, upload: str) -> int:
    return int(ask(api.socket, "GET", f"{UPLOADS}/{upload}").body["metadata"]["offset"])


def test_pieces_make_a_file(api: Running) -> None:
    upload = begin(api, size=11)
    assert append(api, upload, 0, b"hello ").body["metadata"]["offset"] == 6
    assert append(api, upload, 6, b"world").body["metadata"]["offset"] == 11
    shown = ask(api.socket, "GET", f"{UPLOADS}?recursion=1").body["metadata"]
    assert [(each["id"], each["size"], each["offset"]) for each in shown] == [(upload, 11, 11)]
    assert ask(api.socket, "GET", UPLOADS).body["metadata"] == [f"{UPLOADS}/{upload}"]
    file = api.services.uploads.take(CALLER, upload).file
    assert file.path.read_bytes() == b"hello world"
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert ask(api.socket, "GET", f"{UPLOADS}/{upload}").status == 404
    assert list(api.services.paths.uploads.iterdir()) == []


def test_a_wrong_offset_is_told_the_right_one(api: Running) -> None:
    upload = begin(api)
    append(api, upload, 0, b"12345")
    for offset in (0, 4, 6, 10**17):
        refused = append(api, upload, offset, b"x")
        assert (refused.status, refused.body["error"]) == (409, f"Upload {upload} goes on at 5, not at {offset}")
    for text in ("", "-1", "x", "1" * 19, "٣"):
        refused = append(api, upload, text.encode().decode("latin-1"), b"x")
        assert refused.status == 400
        assert "X-Holdfast-offset must tell where the bytes belong" in refused.body["error"]
    assert how_far(api, upload) == 5


def test_threat_more_than_was_announced(api: Running) -> None:
    upload = begin(api, size=3)
    refused = append(api, upload, 0, b"1234")
    assert (refused.status, refused.body["error"]) == (
        400,
        f"More than the announced 3 bytes came for upload {upload}",
    )
    assert how_far(api, upload) == 0


def test_threat_more_than_there_is_room_for(api: Running) -> None:
    refused = ask(api.socket, "POST", UPLOADS, {"size": 2**60})
    assert (refused.status, refused.body["error"]) == (
        500,
        f"No space left for an upload of {2**60} bytes on the server",
    )
    assert ask(api.socket, "POST", UPLOADS, {"size": -2}).status == 400
    assert list(api.services.paths.uploads.iterdir()) == []


def test_threat_unfinished_uploads_have_a_limit(api: Running) -> None:
    for _ in range(MOST_AT_ONCE):
        begin(api)
    refused = ask(api.socket, "POST", UPLOADS, {})
    assert refused.status == 409
    assert f"There are {MOST_AT_ONCE} unfinished uploads already: finish or remove one" in refused.body["error"]
    first = ask(api.socket, "GET", UPLOADS).body["metadata"][0]
    assert ask(api.socket, "DELETE", first).status == 200
    begin(api)


def test_threat_uploads_are_those_of_their_project_and_named_by_us(api: Running) -> None:
    ask(api.socket, "POST", "/1.0/projects", {"name": "other"})
    upload = begin(api)
    assert ask(api.socket, "GET", f"{UPLOADS}/{upload}?project=other").status == 404
    assert ask(api.socket, "GET", f"{UPLOADS}?project=other").body["metadata"] == []
    with pytest.raises(NotFoundError):
        api.services.uploads.take(Caller("other"), upload)
    (api.services.paths.incoming / "file").write_text("secret")
    for name in ("..%2F.incoming%2Ffile", f"{upload}.json", "."):
        assert ask(api.socket, "GET", f"{UPLOADS}/{name}").status == 404


def test_what_is_not_whole_is_not_taken(api: Running) -> None:
    upload = begin(api, size=5)
    append(api, upload, 0, b"123")
    headers = {"Content-Type": "application/octet-stream", "X-Holdfast-upload": upload}
    refused = ask(api.socket, "POST", "/1.0/instances", raw=b"", headers=headers)
    assert (refused.status, refused.body["error"]) == (409, f"Upload {upload} isn't whole: 3 of 5 bytes are here")
    append(api, upload, 3, b"45")
    refused = ask(api.socket, "POST", "/1.0/instances", raw=b"", headers=headers)
    assert refused.body["error"].startswith("Unsupported compression")
    assert ask(api.socket, "GET", f"{UPLOADS}/{upload}").status == 404
    assert list(api.services.paths.incoming.iterdir()) == list(api.services.paths.uploads.iterdir()) == []


def test_whoever_goes_on_shuts_out_who_was_there(api: Running) -> None:
    uploads = api.services.uploads
    upload = uploads.create(CALLER, None)
    first = uploads.append("default", upload.id, 0)
    first.write(b"one ")
    second = uploads.append("default", upload.id, 4)
    with pytest.raises(ConflictError, match="another connection goes on with it"):
        first.write(b"again")
    second.write(b"two")
    assert (first.close().offset_bytes, second.close().offset_bytes) == (7, 7)
    third = uploads.append("default", upload.id, 7)
    uploads.delete(CALLER, upload.id)
    with pytest.raises(ConflictError, match="removed"):
        third.write(b"late")
    third.close()
    assert list(api.services.paths.uploads.iterdir()) == []


def test_abandoned_ones_go(short_tmp_path: Path) -> None:
    paths, clock = Paths(short_tmp_path), Clock()
    paths.prepare()
    uploads = UploadService(paths=paths, clock=clock)
    idle, busy = uploads.create(CALLER, None), uploads.create(CALLER, None)
    clock.time += KEPT_FOR / 2
    writer = uploads.append("default", busy.id, 0)
    writer.write(b"x")
    writer.close()
    clock.time += KEPT_FOR / 2 + timedelta(seconds=1)
    uploads.prune()
    assert [each.id for each in uploads.list("default")] == [busy.id]
    assert {path.name for path in paths.uploads.iterdir()} == {busy.id, f"{busy.id}.json"}
    assert idle.id != busy.id


def test_a_restart_of_the_server_goes_on_and_one_of_the_host_does_not(short_tmp_path: Path) -> None:
    paths, clock = Paths(short_tmp_path), Clock()
    paths.prepare()
    clock.time = datetime.now(UTC)
    uploads = UploadService(paths=paths, clock=clock)
    kept, doubted = uploads.create(CALLER, 10), uploads.create(CALLER, 10)
    with os.fdopen(os.open(paths.uploads / kept.id, os.O_WRONLY | os.O_APPEND), "wb") as file:
        file.write(b"12345")
    facts = paths.uploads / f"{doubted.id}.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "boot_id": "another"}))
    (paths.uploads / "rubbish").write_text("x")
    (paths.uploads / "broken.json").write_text("{")
    after = UploadService(paths=paths, clock=clock)
    after.load()
    (found,) = after.list("default")
    assert replace(found, expires_at=kept.expires_at) == replace(kept, offset_bytes=5)
    assert {path.name for path in paths.uploads.iterdir()} == {kept.id, f"{kept.id}.json"}


def test_the_client_removes_what_it_could_not_send(api: Running) -> None:
    client = Client.connect(str(api.socket))

    def pulled() -> Iterator[bytes]:
        yield bytes(PIECE_BYTES)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), SentFile(client.connection, pulled(), None):
        raise AssertionError("it is not whole")
    with pytest.raises(BadRequestError), SentFile(client.connection, iter([b"x"]), 1):
        raise BadRequestError("the import is refused")
    with pytest.raises(ApiError, match="More than the announced"), SentFile(client.connection, iter([b"xx"]), 1):
        raise AssertionError("it is too long")
    assert api.services.uploads.list("default") == []


def test_a_name_that_is_no_text_is_refused_before_the_file_is_taken(api: Running, tmp_path: Path) -> None:
    """Nobody would remove what was uploaded, or close what is lent."""
    upload, url = begin(api, size=1), "/1.0/storage-pools/p/volumes/custom"
    append(api, upload, 0, b"x")
    named = {"X-LXD-name": "\xff", "Content-Type": "application/octet-stream"}
    assert ask(api.socket, "POST", url, raw=b"", headers={**named, "X-Holdfast-upload": upload}).status == 400
    assert how_far(api, upload) == 1, "it can still be imported"
    path = tmp_path / "lent"
    path.write_bytes(b"x")
    with path.open("rb") as file:
        facts = os.fstat(file.fileno())
        lent = f"{file.fileno()} {facts.st_dev} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns}"
        assert ask(api.socket, "POST", url, raw=b"", headers={**named, "X-Holdfast-descriptor": lent}).status == 400
        assert [each for each in _open_files() if each == path] == [path], "but for our own"


def _open_files() -> Iterator[Path]:
    for each in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            yield each.readlink()
