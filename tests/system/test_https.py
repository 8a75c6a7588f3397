"""Two real servers and the real command elsewhere: everything over HTTPS, whatever happens to the connection."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pylxd
import pytest

from support.cli import Cli, working_day
from support.cutting_proxy import CuttingProxy
from support.holdfast import HoldfastServer, short_directory
from support.images import make_tiny_image
from support.ports import free_port

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "busybox")]
BIG_BYTES = 96 * 2**20


@dataclass(frozen=True)
class Scene:
    """`far` is known to the command `cli` under that name, and its default; `local` is the socket of the same."""

    far: HoldfastServer
    port: int
    cli: Cli
    local: Cli
    directory: Path

    def user(self, name: str, *words: str) -> Cli:
        """Return the command of another user, whom the server trusts by a token."""
        cli = Cli(self.directory / "no.socket", self.directory / name)
        output = self.local.run("config", "trust", "add", "--name", name, *words)
        cli.run("remote", "add", "far", output.strip().splitlines()[-1])
        return cli


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    directory = short_directory()
    with HoldfastServer(directory / "f") as far:
        port, local = free_port(), Cli(far.socket)
        local.run("config", "set", f"core.https_address=127.0.0.1:{port}")
        local.run("image", "import", make_tiny_image(directory / "tiny.tar.gz"), "--alias", "tiny")
        made = Scene(far, port, Cli(directory / "no.socket", directory / "conf"), local, directory)
        token = local.run("config", "trust", "add", "--name", "me").strip().splitlines()[-1]
        made.cli.run("remote", "add", "far", token)
        made.cli.run("remote", "switch", "far")
        yield made
    shutil.rmtree(directory)


def test_a_working_day(scene: Scene, tmp_path: Path) -> None:
    working_day(scene.cli, tmp_path, "bt")


def test_terminal(scene: Scene) -> None:
    scene.cli.run("launch", "tiny", "screen")
    try:
        script = "stty size; read word; echo got-$word; exit 5"
        terminal = scene.cli.start_on_terminal("exec", "screen", "--", "sh", "-c", script)
        terminal.expect(b"30 100")
        terminal.write(b"pong\n")
        assert terminal.end() == 5
        assert b"got-pong" in terminal.seen
    finally:
        scene.cli.run("delete", "--force", "screen")


@pytest.fixture(scope="module")
def big(scene: Scene) -> Iterator[str]:
    """An instance with a large file that doesn't repeat; its SHA-256 is in the name of a file beside."""
    (scene.directory / "big").write_bytes(os.urandom(BIG_BYTES))
    scene.cli.run("init", "tiny", "big")
    scene.cli.run("file", "push", scene.directory / "big", "big/root/big")
    yield "big"
    scene.cli.run("delete", "big")


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_large_files_and_exports_cross_whole(scene: Scene, big: str, tmp_path: Path) -> None:
    scene.cli.run("file", "pull", f"{big}/root/big", tmp_path / "back")
    assert digest(tmp_path / "back") == digest(scene.directory / "big")
    scene.cli.run("export", big, tmp_path / "e.tar", "--compression", "none")
    scene.cli.run("backup", "verify", tmp_path / "e.tar")
    scene.cli.run("import", tmp_path / "e.tar", "twin")
    try:
        scene.cli.run("file", "pull", "twin/root/big", tmp_path / "again")
        assert digest(tmp_path / "again") == digest(scene.directory / "big")
    finally:
        scene.cli.run("delete", "twin")


def test_upload_goes_on_after_cuts(scene: Scene, big: str, tmp_path: Path) -> None:
    """TLS in the way: what was cut is sent again on a new connection, and nothing of it twice."""
    scene.cli.run("export", big, tmp_path / "e.tar", "--compression", "none")
    places = [3000, 70_000, 2**20, 3 * 2**20, 8 * 2**20 - 1, 8 * 2**20 + 4096]
    cuts = itertools.chain.from_iterable(((place, None), (None, None), (None, 900)) for place in places)
    limits = itertools.chain([(None, None)] * 2, cuts)  # what the server can do is asked first, and the upload begun
    user, port = scene.user("cut"), free_port()
    with CuttingProxy(port, scene.port, limits) as proxy:
        user.run("remote", "set-url", "far", f"127.0.0.1:{port}")
        user.run("import", tmp_path / "e.tar", "far:twin")
        assert proxy.cuts >= len(places)
    try:
        scene.cli.run("file", "pull", "twin/root/big", tmp_path / "again")
        assert digest(tmp_path / "again") == digest(scene.directory / "big")
    finally:
        scene.cli.run("delete", "twin")


def test_download_that_is_cut_leaves_no_file(scene: Scene, big: str, tmp_path: Path) -> None:
    user, port = scene.user("cut2"), free_port()
    limits = itertools.chain([(None, None)], itertools.repeat((None, 30 * 2**20)))
    with CuttingProxy(port, scene.port, limits) as proxy:
        user.run("remote", "set-url", "far", f"127.0.0.1:{port}")
        assert user.result("export", f"far:{big}", tmp_path / "e.tar", "--compression", "none").returncode == 1
        assert proxy.cuts
    assert list(tmp_path.iterdir()) == []


def test_restart_keeps_address_certificate_and_trust(scene: Scene) -> None:
    before = ssl.get_server_certificate(("127.0.0.1", scene.port))
    scene.far.kill()
    assert "No server answers at https://127.0.0.1" in scene.cli.fails("list")
    scene.far.start()
    assert ssl.get_server_certificate(("127.0.0.1", scene.port)) == before
    assert scene.cli.run("project", "list", "--format", "csv").startswith("default")


def test_threat_another_server_answers_at_the_address(scene: Scene, tmp_path: Path) -> None:
    certificate, key = scene.far.directory / "server.crt", scene.far.directory / "server.key"
    kept = certificate.read_text(), key.read_text()
    scene.far.stop()
    certificate.unlink()
    key.unlink()
    scene.far.start()
    told = scene.cli.fails("list")
    assert "is not the one that is known" in told
    assert "remove the remote and add it again" in told
    scene.far.stop()
    certificate.write_text(kept[0])
    key.write_text(kept[1])
    scene.far.start()
    scene.cli.run("list")


def test_restricted_user(scene: Scene) -> None:
    scene.local.run("project", "create", "lab")
    try:
        user = scene.user("tenant", "--restricted", "--projects", "lab")
        assert "lab" in user.run("remote", "list", "--format", "json"), "its only project is the remote's"
        assert user.run("project", "list", "far:", "--format", "csv").split(",")[0] == "lab (current)"
        user.run("init", "--empty", "far:inside", "-s", "bt")
        assert user.run("list", "far:", "--format", "csv", "-c", "n") == "inside\n"
        assert user.fails("list", "far:", "--project", "default") == "not authorized"
        assert user.fails("config", "set", "far:", "user.x=y") == "not authorized"
        assert user.fails("storage", "delete", "far:bt") == "not authorized"
        assert user.fails("config", "trust", "add", "far:", "--name", "friend") == "not authorized"
        assert scene.local.run("config", "trust", "list", "--format", "csv").count("tenant") == 1
        assert "core.https" not in user.run("config", "show", "far:")
        assert user.run("config", "get", "far:", "core.https_address") == "\n"
        assert "/" not in user.run("storage", "list", "far:", "--format", "csv"), "where pools are is not told"
        user.run("snapshot", "far:inside", "s0")
        user.run("export", "far:inside", scene.directory / "inside.tar.gz")
        user.run("import", scene.directory / "inside.tar.gz", "far:again", "-s", "bt")
        assert user.run("list", "far:", "--format", "csv", "-c", "n") == "again\ninside\n"
    finally:
        for name in ("inside", "again"):
            scene.local.result("delete", "--force", name, "--project", "lab")
        scene.local.run("project", "delete", "lab")


def test_questions_on_a_terminal(scene: Scene) -> None:
    scene.local.run("config", "set", "core.trust_password", "open sesame")
    cli = Cli(scene.directory / "no.socket", scene.directory / "asked")
    terminal = cli.start_on_terminal("remote", "add", "far", f"127.0.0.1:{scene.port}")
    terminal.expect(b"(y/n/[fingerprint])")
    fingerprint = ssl.PEM_cert_to_DER_cert((scene.far.directory / "server.crt").read_text())
    assert hashlib.sha256(fingerprint).hexdigest().encode() in terminal.seen
    terminal.write(b"n\n")
    assert terminal.end() == 1
    assert [remote for remote in cli.run("remote", "list", "--format", "csv").splitlines() if "far" in remote] == []
    terminal = cli.start_on_terminal("remote", "add", "far", f"127.0.0.1:{scene.port}")
    terminal.expect(b"(y/n/[fingerprint])")
    terminal.write(hashlib.sha256(fingerprint).hexdigest().encode() + b"\n")
    terminal.answer_unseen(b"Token or password of far", b"open sesame\n")
    assert terminal.end() == 0
    assert b"open sesame" not in terminal.seen, "what is typed isn't shown"
    cli.run("list", "far:")
    scene.local.run("config", "unset", "core.trust_password")


def test_nobody_is_asked_without_a_terminal(scene: Scene) -> None:
    cli = Cli(scene.directory / "no.socket", scene.directory / "silent")
    address = f"127.0.0.1:{scene.port}"
    assert "Nobody is there to say" in cli.result("remote", "add", "far", address).stderr.decode()
    assert "doesn't know you" in cli.result("remote", "add", "far", address, "--accept-certificate").stderr.decode()
    token = scene.local.run("config", "trust", "add", "--name", "silent").strip().splitlines()[-1]
    assert 'no project "nope"' in cli.fails("remote", "add", "far", token, "--project", "nope")
    assert not (scene.directory / "silent" / "config.yml").exists()
    assert list((scene.directory / "silent").glob("servercerts/*")) == []


def test_a_token_for_metrics_makes_no_remote(scene: Scene) -> None:
    cli = Cli(scene.directory / "no.socket", scene.directory / "scraper")
    said = scene.local.run("config", "trust", "add", "--name", "scraper", "--type", "metrics")
    told = cli.fails("remote", "add", "m", said.strip().splitlines()[-1])
    assert "is for scraping /1.0/metrics alone" in told
    (listed,) = [each for each in _trusted(scene) if each["name"] == "scraper"]
    assert listed["fingerprint"][:12] in told
    assert "m" not in json.loads(cli.run("remote", "list", "--format", "json"))
    scene.local.run("config", "trust", "remove", listed["fingerprint"])


def _trusted(scene: Scene) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(scene.local.run("config", "trust", "list", "--format", "json"))
    return found


def test_threat_a_token_leads_to_another_server(scene: Scene) -> None:
    """The token says which certificate its server has; whoever answers with another one is told nothing."""
    with HoldfastServer(scene.directory / "o") as other:
        port, local = free_port(), Cli(other.socket)
        local.run("config", "set", f"core.https_address=127.0.0.1:{port}")
        token = scene.local.run("config", "trust", "add", "--name", "led").strip().splitlines()[-1]
        cli = Cli(scene.directory / "no.socket", scene.directory / "led")
        told = cli.fails("remote", "add", "x", f"127.0.0.1:{port}", "--token", token)
        assert "is not the server that the token is of" in told
        cli.run("remote", "add", "x", f"127.0.0.1:{scene.port}", "--token", token)
        # two servers, one command line
        cli.run("remote", "add", "other", local.run("config", "trust", "add", "--name", "b").splitlines()[-1])
        cli.run("project", "create", "other:there")
        assert "there" in cli.run("project", "list", "other:", "--format", "csv")
        assert "there" not in cli.run("project", "list", "x:", "--format", "csv")
        assert '"x" and "other" are two' in cli.result("start", "x:a", "other:b").stderr.decode()
        cli.run("init", "--empty", "x:a", "-s", "bt", "-c", "user.mark=1")
        cli.run("copy", "x:a", "other:b", "-s", "default")
        assert cli.run("config", "get", "other:b", "user.mark") == "1\n"
        cli.run("delete", "x:a", "--force")
        cli.run("project", "delete", "other:there")
        local.run("config", "unset", "core.https_address")


def test_a_socket_is_a_remote(scene: Scene) -> None:
    cli = Cli(scene.directory / "no.socket", scene.directory / "unix")
    cli.run("remote", "add", "here", f"unix://{scene.far.socket}")
    assert cli.run("query", "here:/1.0/projects").strip().startswith("[")
    assert "file access" in cli.run("remote", "list")
    assert "No server answers" in cli.fails("list"), "the default is still the server of this machine"


def test_pylxd(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # with one of them, its library doesn't heed verify=False
        monkeypatch.delenv(name, raising=False)
    conf = scene.directory / "conf"
    client = pylxd.Client(
        endpoint=f"https://127.0.0.1:{scene.port}",
        cert=(str(conf / "client.crt"), str(conf / "client.key")),
        verify=False,
    )
    assert client.trusted
    assert [each.name for each in client.storage_pools.all()] == ["bt", "default"]
    scene.cli.run("launch", "tiny", "py")
    try:
        ran = client.instances.get("py").execute(["sh", "-c", "cat; exit 4"], stdin_payload="in")
        assert (ran.exit_code, ran.stdout) == (4, "in")
    finally:
        scene.cli.run("delete", "--force", "py")
    stranger = pylxd.Client(endpoint=f"https://127.0.0.1:{scene.port}", verify=False)
    assert not stranger.trusted
