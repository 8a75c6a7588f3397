"""A streamed export that breaks: an older good file stays, a part is never taken for the whole, nothing is left behind.

Cut connections, killed clients and servers, full disks, errors of the server after the first byte, and how much memory
the server takes meanwhile.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.service.crashpoints import FAILURE_VARIABLE
from support.answer_cutter import AnswerCutter
from support.cli import COMMAND, Cli
from support.holdfast import HoldfastServer, short_directory
from support.http import UnixConnection, ask
from support.images import make_tiny_image
from support.invariants import violations
from support.lxd import require_lxd
from support.waiting import await_true

pytestmark = pytest.mark.root
BIG_BYTES = 12 * 1024 * 1024
MEMORY_LIMIT_KIB = 200 * 1024
SENT = ("--compression", "none", "--bwlimit", "500k")
WRITTEN = ("--compression", "xz-9")
"""The server writes into the client's file; it takes seconds, as each byte of the noise is tried at length."""
WAYS = pytest.mark.parametrize("way", [SENT, WRITTEN], ids=["sent", "written"])
CUTS = (
    *(1, 17, 150, 290, 360, 1000, 300_000, 600_000, 1_000_001),
    *(BIG_BYTES * tenths // 10 for tenths in range(2, 10)),
    *(-5, -7, -100, -20_000),
)


@dataclass
class Scene:
    """A server with the instance `web`, and a directory with an older good export of it."""

    server: HoldfastServer
    cli: Cli
    scratch: Path
    pool: str

    @property
    def target(self) -> Path:
        return self.scratch / "exports" / "web.tar"

    def start(self, way: Sequence[str]) -> subprocess.Popen[str]:
        """Start an export that takes its time."""
        return subprocess.Popen(
            [COMMAND, "export", "web", self.target, *way],
            env=self.cli.environment,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_sending(self) -> str:
        """Wait until the stream fills all that lies between server and client; return the operation's path."""

        found: list[str] = []

        def is_sending() -> bool:
            listed = ask(self.server.socket, "GET", "/1.0/operations?recursion=1").body["metadata"]
            for operation in listed.get("running", []):
                if (operation["metadata"] or {}).get("create_backup_progress"):
                    found.append(f"/1.0/operations/{operation['id']}")
            return bool(found)

        await_true(is_sending, "an export under way")
        return found[0]

    def assert_only_the_good_one(self) -> None:
        assert self.target.read_bytes() == b"good"
        assert os.listdir(self.target.parent) == ["web.tar"]
        assert violations(self.server) == []


@pytest.fixture(scope="module", params=["default", pytest.param("bt", marks=pytest.mark.long)])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "d") as server:
        lxc = server.lxc
        lxc.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        lxc.run("init", "tiny", "web", "-s", request.param)
        (directory / "big").write_bytes(os.urandom(BIG_BYTES))
        lxc.run("file", "push", directory / "big", "web/root/big")
        (directory / "exports").mkdir()
        yield Scene(server, Cli(server.socket), directory, request.param)
    shutil.rmtree(directory)


@pytest.fixture(autouse=True)
def good(scene: Scene) -> None:
    scene.target.write_bytes(b"good")


def test_threat_connection_cut_in_a_streamed_export(scene: Scene, faults: Counter[str]) -> None:
    limits = iter(CUTS)

    def cut(head: bytes) -> int | None:
        is_sent = b"/backups " in head.splitlines()[0] and b"X-Holdfast-descriptor" not in head
        return next(limits) if is_sent else None

    with AnswerCutter(scene.scratch / "cutter", scene.server.socket, cut):
        cli = Cli(scene.scratch / "cutter")
        for limit in CUTS:
            text = cli.fails("export", "web", scene.target, "--compression", "none")
            assert "connection broke" in text, (limit, text)
            assert scene.target.read_bytes() == b"good"
            faults["streamed export cut"] += 1
        assert next(limits, None) is None
    scene.assert_only_the_good_one()
    scene.cli.run("export", "web", scene.target, "--compression", "none")
    assert scene.target.stat().st_size > BIG_BYTES


def test_the_answer_cut_while_the_file_is_written(scene: Scene, faults: Counter[str]) -> None:
    """The server sees the client go, and stops; what it wrote has no name."""
    for wanted in (1, 2):
        with (scene.target.parent / "lent").open("w+b") as file:
            facts = os.fstat(file.fileno())
            named = f"{file.fileno()} {facts.st_dev} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns}"
            connection = UnixConnection(scene.server.socket)
            body = json.dumps({"compression_algorithm": "xz-9"})
            connection.request("POST", "/1.0/instances/web/backups", body, {"X-Holdfast-descriptor": named})
            answer = connection.getresponse()
            told = [int(answer.readline()) for _ in range(wanted)]
            assert told == sorted(told)
            operation = str(answer.headers["X-Holdfast-Operation"])
            answer.close()
            connection.close()
            ended = ask(scene.server.socket, "GET", f"{operation}/wait?timeout=30").body["metadata"]
            assert ended["status"] == "Cancelled"
            faults["streamed export cut"] += 1
        (scene.target.parent / "lent").unlink()
    scene.assert_only_the_good_one()


def test_cut_while_it_is_encrypted(scene: Scene, faults: Counter[str]) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", scene.scratch / "key"], check=True)
    with AnswerCutter(
        scene.scratch / "cutter", scene.server.socket, lambda head: 5_000_000 if b"/backups " in head else None
    ):
        text = Cli(scene.scratch / "cutter").fails(
            "export", "web", scene.target, "--encrypt", scene.scratch / "key.pub", "--compression", "none"
        )
    (scene.scratch / "key").unlink()
    assert "connection broke" in text
    faults["streamed export cut"] += 1
    scene.assert_only_the_good_one()


@WAYS
def test_killed_client(scene: Scene, faults: Counter[str], way: Sequence[str]) -> None:
    client = scene.start(way)
    operation = scene.wait_until_sending()
    client.kill()
    client.communicate()
    ended = ask(scene.server.socket, "GET", f"{operation}/wait?timeout=30").body["metadata"]
    assert ended["status"] == "Cancelled"
    faults["client killed in a streamed export"] += 1
    scene.assert_only_the_good_one()


@WAYS
def test_killed_server(scene: Scene, faults: Counter[str], way: Sequence[str]) -> None:
    client = scene.start(way)
    scene.wait_until_sending()
    scene.server.kill()
    _, text = client.communicate(timeout=200)
    scene.server.start()
    assert client.returncode == 1
    assert text.startswith("Error: ")
    faults["server killed in a streamed export"] += 1
    scene.assert_only_the_good_one()


@pytest.mark.long
def test_stopped_server(scene: Scene) -> None:
    """A clean stop waits for work for a while, and then cuts what still runs; the client is not left alone with it."""
    client = scene.start(SENT)
    scene.wait_until_sending()
    client.send_signal(19)  # SIGSTOP: it reads nothing more
    try:
        scene.server.stop()
    finally:
        client.send_signal(18)
    assert client.wait(200) == 1
    client.communicate()
    scene.server.start()
    scene.assert_only_the_good_one()


@pytest.mark.parametrize(
    "way", [(), ("--bwlimit", "1GiB"), ("--staged",), ("--encrypt",)], ids=lambda way: "".join(way) or "written"
)
def test_full_disk_of_the_client(scene: Scene, faults: Counter[str], way: tuple[str, ...]) -> None:
    small = scene.scratch / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], check=True)
    try:
        (small / "web.tar").write_bytes(b"good")
        words: tuple[str | Path, ...] = way
        if way == ("--encrypt",):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", scene.scratch / "key"], check=True)
            words = (*way, scene.scratch / "key.pub")
        text = scene.cli.fails("export", "web", small / "web.tar", "--compression", "none", *words)
        assert ("web.tar" if way else "Writing the backup file") + " failed: No space left on device" in text
        assert (small / "web.tar").read_bytes() == b"good"
        assert os.listdir(small) == ["web.tar"]
    finally:
        subprocess.run(["umount", small], check=True)
        small.rmdir()
    faults["full disk of the client"] += 1
    scene.assert_only_the_good_one()


def test_server_that_fails_before_and_after_the_first_byte(scene: Scene, faults: Counter[str]) -> None:
    """Before it the client is told what happened; after it the stream has no end."""
    scene.server.stop()
    scene.server.start(**{FAILURE_VARIABLE: "export-stream:staged=EIO"})
    accept = {"Accept": "application/octet-stream"}
    answer = ask(scene.server.socket, "POST", "/1.0/instances/web/backups", {}, headers=accept)
    assert (answer.status, "Input/output error" in answer.body["error"]) == (500, True)
    scene.server.stop()
    scene.server.start(**{FAILURE_VARIABLE: "export-stream:written=EIO"})
    connection = UnixConnection(scene.server.socket)
    body = json.dumps({"compression_algorithm": "none"})
    connection.request("POST", "/1.0/instances/web/backups", body, accept)
    stream = connection.getresponse()
    assert stream.status == 200
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        stream.read()
    connection.close()
    failed = ask(scene.server.socket, "GET", str(stream.headers["X-Holdfast-Operation"])).body["metadata"]
    assert (failed["status"], "Input/output error" in failed["err"]) == ("Failure", True)
    faults["EIO in a streamed export"] += 2
    scene.assert_only_the_good_one()
    scene.server.stop()
    scene.server.start()


@contextmanager
def watched(pid: int) -> Iterator[dict[str, int]]:
    """Measure what a process and those below it have in memory together, at most, while the body runs."""
    peak = {"all": 0}
    has_ended = threading.Event()

    def look() -> None:
        while not has_ended.wait(0.1):
            peak["all"] = max(peak["all"], sum(_private_kib(each) for each in _family(pid)))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        has_ended.set()
        thread.join()


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))
    except OSError:
        return


def _private_kib(pid: int) -> int:
    """Return what no other process shares."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def _status_kib(pid: int, key: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_memory_of_the_server_is_bounded(scene: Scene) -> None:
    """A gigabyte, a third of it holes, in each compression and to a client that reads slowly."""
    root = scene.server.directory / "storage-pools" / scene.pool / "containers/web/rootfs/root"
    with (root / "random").open("wb") as file:
        for _ in range(700):
            file.write(os.urandom(1024 * 1024))
    with (root / "sparse").open("wb") as file:
        file.truncate(300 * 1024 * 1024)
        file.seek(200 * 1024 * 1024)
        file.write(b"in the middle")
    try:
        for compression in ("none", "gzip", "zstd"):
            scene.server.stop()
            scene.server.start()
            with watched(scene.server.pid) as peak:
                scene.cli.run("export", "web", scene.target, "--compression", compression)
            taken = _status_kib(scene.server.pid, "VmHWM")
            print(f"{compression}: {taken // 1024} MiB, with its processes {peak['all'] // 1024} MiB")
            assert taken < MEMORY_LIMIT_KIB
            assert peak["all"] < MEMORY_LIMIT_KIB
        scene.target.write_bytes(b"good")
        client = scene.start(SENT)
        scene.wait_until_sending()
        assert _status_kib(scene.server.pid, "VmHWM") < MEMORY_LIMIT_KIB
        client.kill()
        client.communicate()
    finally:
        (root / "random").unlink()
        (root / "sparse").unlink()
    scene.assert_only_the_good_one()
