"""Exports that are sent while they are made: by curl, by our own command, in part, encrypted, slowly, cancelled."""

from __future__ import annotations

import http.client
import io
import itertools
import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest
import zstandard

from support.answer_cutter import AnswerCutter
from support.cli import COMMAND, Cli
from support.holdfast import HoldfastServer, short_directory
from support.http import Answer, UnixConnection, ask
from support.images import make_tiny_image
from support.invariants import violations
from support.lxd import require_lxd

BIG_BYTES = 24 * 1024 * 1024
OCTETS = {"Accept": "application/octet-stream"}


@dataclass
class Scene:
    """A server with the instance `web` in one of its pools, which has the snapshot `one`."""

    server: HoldfastServer
    cli: Cli
    scratch: Path
    pool: str

    def post(self, body: object, instance: str = "web", headers: dict[str, str] | None = None) -> Answer:
        path = f"/1.0/instances/{instance}/backups"
        return ask(self.server.socket, "POST", path, body, headers=OCTETS | (headers or {}))

    def begin(self, body: object) -> tuple[UnixConnection, http.client.HTTPResponse, str]:
        """Ask for a stream and read its head alone; return its operation's path, too."""
        connection = UnixConnection(self.server.socket)
        connection.request("POST", "/1.0/instances/web/backups", json.dumps(body), OCTETS)
        answer = connection.getresponse()
        assert answer.status == 200
        return connection, answer, str(answer.headers["X-Holdfast-Operation"])

    def ended(self, operation: str) -> dict[str, object]:
        found: dict[str, object] = ask(self.server.socket, "GET", f"{operation}/wait?timeout=60").body["metadata"]
        return found

    def read(self, path: str) -> str:
        return self.server.lxc.run("file", "pull", path, "-")

    def assert_nothing_left(self) -> None:
        assert violations(self.server) == []
        assert [path for path in (self.server.directory / "backups").rglob("*") if path.is_file()] == []
        assert ask(self.server.socket, "GET", "/1.0/instances/web/backups").body["metadata"] == []


@pytest.fixture(scope="module", params=["default", "bt"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "d") as server:
        lxc = server.lxc
        lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        lxc.run("init", "tiny", "web", "-s", request.param, "-c", "user.when=then")
        lxc.run("file", "push", "-", "web/root/data", stdin="old")
        lxc.run("snapshot", "web", "one")
        lxc.run("config", "set", "web", "user.when=now")
        lxc.run("file", "push", "-", "web/root/data", stdin="new")
        (directory / "big").write_bytes(os.urandom(BIG_BYTES))
        lxc.run("file", "push", directory / "big", "web/root/big")
        lxc.run("file", "push", "-", "web/root/a.log", stdin="log")
        yield Scene(server, Cli(server.socket), directory, request.param)
    shutil.rmtree(directory)


@pytest.fixture
def made(scene: Scene) -> Iterator[str]:
    """The name of an instance that a test makes."""
    yield "made"
    scene.server.lxc.run("delete", "--force", "made", expect=None)


def test_curl_gets_the_file_itself(scene: Scene, tmp_path: Path, made: str) -> None:
    words = ["curl", "-sS", "--fail-with-body", "--unix-socket", str(scene.server.socket), "-D", str(tmp_path / "head")]
    words += ["-H", "Accept: application/octet-stream", "-d", '{"compression_algorithm": "zstd-1"}']
    target = tmp_path / "web.tar.zst"
    subprocess.run([*words, "-o", str(target), "http://x/1.0/instances/web/backups"], check=True, timeout=120)
    head = (tmp_path / "head").read_text().lower()
    assert "200 ok" in head
    assert "transfer-encoding: chunked" in head
    assert "x-holdfast-operation: /1.0/operations/" in head
    assert "filename=web.tar.zst" in head
    scene.assert_nothing_left()
    scene.cli.run("import", target, made, "-s", scene.pool)
    assert scene.read("made/root/data") == "new"
    assert "one" in scene.cli.run("info", made)
    scene.server.lxc.run("restore", made, "one")
    assert scene.read("made/root/data") == "old"


def test_errors_before_the_first_byte_are_errors(scene: Scene) -> None:
    assert scene.post({}, "nosuch").status == 404
    refused = [
        ({"compression_algorithm": "nope"}, 400, "Invalid compression algorithm"),
        ({"snapshot": "nosuch"}, 404, "InstanceSnapshot not found"),
        ({"exclude": ["a/../b"]}, 400, "Invalid pattern to exclude"),
        ({"exclude": ["/x"], "optimized_storage": True}, 400, "optimized_storage"),
        ({"snapshot": "one", "optimized_storage": True}, 400, "optimized_storage"),
    ]
    for body, status, text in refused:
        for accept in ("application/octet-stream", "application/json"):
            answer = scene.post(body, headers={"Accept": accept})
            assert answer.status == status
            assert text in answer.body["error"]
    words = ["curl", "-sS", "--http1.0", "--unix-socket", str(scene.server.socket), "-d", "{}"]
    words += ["-H", "Accept: text/plain;q=0.1, application/octet-stream;q=0.9", "http://x/1.0/instances/web/backups"]
    old = json.loads(subprocess.run(words, capture_output=True, check=True, timeout=60).stdout)
    assert (old["error_code"], "HTTP/1.1" in old["error"]) == (400, True)
    scene.assert_nothing_left()


def test_a_slow_reader_makes_the_server_wait_and_a_lost_one_ends_the_work(scene: Scene) -> None:
    connection, answer, operation = scene.begin({"compression_algorithm": "none"})
    first = answer.read(100_000)
    assert b"backup/index.yaml" in first[:200]
    running = ask(scene.server.socket, "GET", operation).body["metadata"]
    assert (running["status"], running["may_cancel"], running["description"]) == (
        "Running",
        True,
        "Backing up instance",
    )
    assert operation in ask(scene.server.socket, "GET", "/1.0/operations").body["metadata"]["running"]
    answer.close()
    connection.close()
    assert scene.ended(operation)["status"] == "Cancelled"
    scene.assert_nothing_left()


def test_an_export_that_is_cancelled_never_looks_whole(scene: Scene) -> None:
    """The client reads on; what it has is a part, and says so."""
    connection, answer, operation = scene.begin({"compression_algorithm": "none"})
    answer.read(100_000)
    scene.cli.run("operation", "delete", operation.rpartition("/")[2])
    assert scene.ended(operation)["status"] == "Cancelled"
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        answer.read()
    connection.close()
    scene.assert_nothing_left()


def test_default_names_and_no_clobber(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scene.server.lxc.run("config", "set", "backups.compression_algorithm=zstd")
    try:
        assert scene.cli.run("export", "web") == "Exported web to web.tar.zst\n"
    finally:
        scene.server.lxc.run("config", "unset", "backups.compression_algorithm")
    before = (tmp_path / "web.tar.zst").read_bytes()
    assert zstandard.get_frame_parameters(before[:18])
    assert (tmp_path / "web.tar.zst").stat().st_mode & 0o777 == 0o600
    text = scene.cli.fails("export", "web", "web.tar.zst", "--no-clobber")
    assert text == "web.tar.zst exists already and is left as it is"
    assert (tmp_path / "web.tar.zst").read_bytes() == before
    assert "no regular file" in scene.cli.fails("export", "web", "/dev/null")
    assert Path("/dev/null").is_char_device()
    scene.cli.run("export", "web", "--compression", "none", "--instance-only")
    assert sorted(os.listdir(tmp_path)) == ["web.tar", "web.tar.zst"]
    scene.assert_nothing_left()


def test_standard_output(scene: Scene) -> None:
    done = scene.cli.result("export", "web", "-", "--compression", "none", "--instance-only")
    assert (done.returncode, done.stderr) == (0, b"")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        assert archive.getnames()[0] == "backup/index.yaml"
    terminal = scene.cli.start_on_terminal("export", "web", "-")
    assert terminal.end() == 1
    assert b"not shown on a terminal" in terminal.seen
    closed = ["sh", "-c", 'exec "$0" export web - >&-', COMMAND]
    done = subprocess.run(closed, env=scene.cli.environment, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"Error: Standard output is closed: give the name of a file\n")
    scene.assert_nothing_left()


def test_a_limited_rate(scene: Scene, tmp_path: Path) -> None:
    began_s = time.monotonic()
    scene.cli.run("export", "web", tmp_path / "f", "--compression", "none", "--instance-only", "--bwlimit", "8MiB")
    assert time.monotonic() - began_s > BIG_BYTES / (8 * 1024 * 1024) * 0.9
    assert "is no rate" in scene.cli.fails("export", "web", tmp_path / "g", "--bwlimit", "fast")


def lending(file: BinaryIO) -> dict[str, str]:
    facts = os.fstat(file.fileno())
    return {
        "X-Holdfast-descriptor": f"{file.fileno()} {facts.st_dev} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns}"
    }


def test_a_file_that_the_client_has_open_is_written_there(scene: Scene, tmp_path: Path, made: str) -> None:
    path = "/1.0/instances/web/backups"
    with open(os.open(tmp_path, os.O_TMPFILE | os.O_WRONLY), "wb") as file:
        connection = UnixConnection(scene.server.socket)
        connection.request("POST", path, json.dumps({"compression_algorithm": "zstd"}), lending(file))
        answer = connection.getresponse()
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain")
        told = [int(line) for line in answer.read().split()]
        assert told == sorted(told)
        assert told[-1] == os.fstat(file.fileno()).st_size > BIG_BYTES
        shutil.copyfile(f"/proc/self/fd/{file.fileno()}", tmp_path / "web.tar.zst")
        refused = ask(scene.server.socket, "POST", path, {}, headers=lending(file))
        assert (refused.status, "lend an empty one" in refused.body["error"]) == (400, True), "it isn't empty any more"
    scene.assert_nothing_left()
    scene.cli.run("import", tmp_path / "web.tar.zst", made, "-s", scene.pool)
    assert scene.read("made/root/data") == "new"
    assert scene.ended(str(answer.headers["X-Holdfast-Operation"]))["status"] == "Success"


def test_what_cannot_be_written_there_is_refused_before_any_work(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    for flags in (os.O_RDONLY, os.O_WRONLY | os.O_APPEND):
        with open(os.open(path, flags), "rb" if flags == os.O_RDONLY else "wb") as file:
            answer = scene.post({}, headers=lending(file))
            assert (answer.status, "fetch the export" in answer.body["error"]) == (412, True)
    assert scene.post({}, headers={"X-Holdfast-descriptor": "1 2"}).status == 400
    with path.open("wb") as file:
        assert scene.post({}, "nosuch", headers=lending(file)).status == 404
        answer = scene.post({"compression_algorithm": "nope"}, headers=lending(file))
        assert (answer.status, "Invalid compression" in answer.body["error"]) == (400, True)
    assert path.stat().st_size == 0
    scene.assert_nothing_left()


def test_both_ways_to_a_file_bring_the_same(scene: Scene, tmp_path: Path) -> None:
    """The command lends its file; where the server can't see it, as behind a proxy, it fetches the export."""
    with AnswerCutter(scene.scratch / "proxy", scene.server.socket, lambda _head: None) as proxy:
        Cli(scene.scratch / "proxy").run("export", "web", tmp_path / "fetched.tar", "--compression", "none")
        lent, fetched = (head for head in proxy.heads if b"/backups " in head.splitlines()[0])
    assert b"X-Holdfast-descriptor: " in lent
    assert b"X-Holdfast-descriptor: " not in fetched
    scene.cli.run("export", "web", tmp_path / "written.tar", "--compression", "none")
    names = []
    for way in ("fetched", "written"):
        with tarfile.open(tmp_path / f"{way}.tar") as archive:
            names.append([(member.name, member.size, member.mode) for member in archive])
        assert (tmp_path / f"{way}.tar").stat().st_mode & 0o777 == 0o600
    without_manifest = [[entry for entry in found if entry[0] != "backup/manifest.yaml"] for found in names]
    assert without_manifest[0] == without_manifest[1]


def test_a_snapshot_and_without_some_paths(scene: Scene, tmp_path: Path, made: str) -> None:
    target = tmp_path / "part.tar"
    words = ("export", "web", target, "--compression", "none", "--snapshot", "one")
    scene.cli.run(*words, "--exclude", "/bin/busybox", "--exclude", "metadata.yaml")
    with tarfile.open(target) as archive:
        names = archive.getnames()
        index = archive.extractfile("backup/index.yaml")
        assert index is not None
        text = index.read().decode()
    assert not [name for name in names if "busybox" in name or "backup/snapshots" in name]
    assert {"backup/container/metadata.yaml", "backup/container/backup.yaml"} <= set(names)
    assert "user.holdfast.export.snapshot: one" in text
    assert "/bin/busybox" in text
    scene.cli.run("import", target, made, "-s", scene.pool)
    assert scene.read("made/root/data") == "old"
    config = scene.cli.run("config", "show", made)
    assert "user.when: then" in config
    assert "user.holdfast" not in config
    assert json.loads(scene.cli.run("query", "/1.0/instances/made/snapshots")) == []


def test_excluded_paths_of_staged_exports(scene: Scene, tmp_path: Path) -> None:
    scene.cli.run("export", "web", tmp_path / "f.tar", "--compression", "none", "--staged", "--exclude", "*.log")
    with tarfile.open(tmp_path / "f.tar") as archive:
        names = archive.getnames()
    assert "backup/container/rootfs/root/big" in names
    assert "backup/container/rootfs/root/a.log" not in names
    scene.assert_nothing_left()


def test_encrypted(scene: Scene, tmp_path: Path, made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    monkeypatch.chdir(tmp_path)
    scene.cli.run("export", "web", "--encrypt", tmp_path / "key.pub")
    target = tmp_path / "web.tar.gz.age"
    assert target.read_bytes().startswith(b"age-encryption.org/v1")
    assert "give the key with --identity" in scene.cli.fails("import", target, made)
    sent = ask(
        scene.server.socket,
        "POST",
        "/1.0/instances",
        raw=target.read_bytes(),
        headers={"Content-Type": "application/octet-stream"},
    )
    assert (sent.status, "encrypted with age" in sent.body["error"]) == (400, True)
    (tmp_path / "cut.age").write_bytes(target.read_bytes()[:-1000])
    text = scene.cli.fails("import", tmp_path / "cut.age", made, "--identity", tmp_path / "key")
    assert "damaged or was cut" in text
    assert violations(scene.server) == []
    scene.cli.run("import", target, made, "--identity", tmp_path / "key", "-s", scene.pool)
    assert scene.read("made/root/data") == "new"


@pytest.fixture
def staged(scene: Scene) -> Iterator[str]:
    """The path of a file that is staged on the server."""
    path = "/1.0/instances/web/backups"
    words = ("query", "--wait", "-X", "POST", "-d", '{"name": "b0", "compression_algorithm": "none"}', path)
    scene.server.lxc.run(*words)
    yield f"{path}/b0"
    scene.server.lxc.run("query", "--wait", "-X", "DELETE", f"{path}/b0", expect=None)


def test_ranges_of_a_staged_file(scene: Scene, staged: str) -> None:
    def get(method: str = "GET", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(scene.server.socket, method, f"{staged}/export", headers=named)

    whole = get()
    size, tag = len(whole.raw), whole.headers["etag"]
    assert (whole.status, whole.headers["accept-ranges"]) == (200, "bytes")
    head = get("HEAD")
    assert (head.status, head.raw, head.headers["content-length"], head.headers["etag"]) == (200, b"", str(size), tag)
    for wanted, begin, end in (("0-0", 0, 1), ("1000-1999", 1000, 2000), (f"{size - 5}-", size - 5, size)):
        part = get(Range=f"bytes={wanted}", If_Range=tag)
        assert (part.status, part.raw) == (206, whole.raw[begin:end])
        assert part.headers["content-range"] == f"bytes {begin}-{end - 1}/{size}"
    assert get(Range="bytes=-7").raw == whole.raw[-7:]
    beyond = get(Range=f"bytes={size}-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    for other in (get(Range="bytes=5-", If_Range='"other"'), get(Range="bytes=0-1,4-5"), get(Range="bytes=9-3")):
        assert (other.status, len(other.raw)) == (200, size)


def test_a_broken_download_goes_on_where_it_stopped(scene: Scene, tmp_path: Path) -> None:
    """Each connection of the download is cut after 5 MB; what arrives is whole, and nothing was sent twice."""
    begun: list[int] = []

    def cut(head: bytes) -> int | None:
        return 5_000_000 if b"/export " in head.splitlines()[0] else None

    proxy_path = scene.scratch / "proxy"
    with AnswerCutter(proxy_path, scene.server.socket, cut) as proxy:
        Cli(proxy_path).run("export", "web", tmp_path / "f.tar", "--staged", "--compression", "none")
    for head in proxy.heads:
        if b"/export " in head.splitlines()[0]:
            ranges = [line for line in head.lower().splitlines() if line.startswith(b"range: bytes=")]
            begun.append(int(ranges[0].partition(b"=")[2].rstrip(b"-")) if ranges else 0)
    assert len(begun) == (tmp_path / "f.tar").stat().st_size // 5_000_000 + 1
    assert all(4_990_000 < later - earlier <= 5_000_000 for earlier, later in itertools.pairwise(begun))
    with tarfile.open(tmp_path / "f.tar") as archive:
        big = archive.extractfile("backup/container/rootfs/root/big")
        assert big is not None
        assert big.read() == (scene.scratch / "big").read_bytes()
    scene.assert_nothing_left()


def test_a_file_that_was_replaced_meanwhile_is_not_mixed(scene: Scene, tmp_path: Path) -> None:
    calls = 0

    def cut(head: bytes) -> int | None:
        nonlocal calls
        if b"/export " not in head.splitlines()[0]:
            return None
        calls += 1
        if calls == 2:
            stored = next((scene.server.directory / "backups/instances").rglob("backup0"))
            other = stored.with_name("other")
            other.write_bytes(bytes(stored.stat().st_size))
            other.rename(stored)
        return 5_000_000

    with AnswerCutter(scene.scratch / "proxy", scene.server.socket, cut):
        text = Cli(scene.scratch / "proxy").fails("export", "web", tmp_path / "f.tar", "--staged")
    assert "another one now" in text
    assert os.listdir(tmp_path) == []
    scene.assert_nothing_left()
