"""`holdfast backup verify`, `list` and `extract`, as a person uses them: on files, without a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support.cli import COMMAND, Cli
from support.holdfast import HoldfastServer
from support.images import make_tiny_image
from support.nobody import AS_NOBODY

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]
GOLDEN = Path(__file__).parents[1] / "golden/exports"
NO_SERVER = Cli(Path("/nonexistent/unix.socket"))


@pytest.fixture(scope="module")
def made(server: HoldfastServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`web.tar.gz` with the file beside it, of an instance with a snapshot."""
    cli, folder = Cli(server.socket), tmp_path_factory.mktemp("exports")
    folder.chmod(0o755)
    cli.run("image", "import", make_tiny_image(folder / "tiny.tar.gz"), "--alias", "tiny")
    cli.run("init", "tiny", "web")
    cli.run("snapshot", "web", "before")
    said = cli.run("export", "web", folder / "web.tar.gz", "--manifest")
    assert "web.tar.gz.manifest" in said
    return folder / "web.tar.gz"


def test_verify_says_what_is_in_it(made: Path) -> None:
    text = NO_SERVER.run("backup", "verify", made)
    assert "is whole" in text and "container web of project default" in text and "before" in text
    assert "SHA-256 beside the file fits" in text
    document = json.loads(NO_SERVER.run("backup", "verify", made, "--format", "json"))
    assert document["checksums"] and document["checked_beside"] and document["compression"] == "gzip"
    assert [each["name"] for each in document["snapshots"]] == ["before"]
    assert document["size"] == made.stat().st_size
    assert document == yaml.safe_load(NO_SERVER.run("backup", "verify", made, "--format", "yaml"))


def test_verify_takes_a_pipe(made: Path) -> None:
    assert "container web" in NO_SERVER.run("backup", "verify", "-", stdin=made.read_bytes())
    assert "-" in NO_SERVER.fails("backup", "verify", "-", stdin=made.read_bytes()[:-1])


def test_verify_fails_for_what_is_not_good(made: Path, tmp_path: Path) -> None:
    for name, data in {
        "cut": made.read_bytes()[:-100],
        "changed": made.read_bytes()[:5000] + b"\0" + made.read_bytes()[5001:],
        "empty": b"",
        "text": b"hello\n" * 1000,
    }.items():
        (tmp_path / name).write_bytes(data)
        assert NO_SERVER.fails("backup", "verify", tmp_path / name).startswith(str(tmp_path / name))
    for name in (tmp_path / "missing", ".", "/", tmp_path):
        assert "is not a file" in NO_SERVER.fails("backup", "verify", name)


def test_verify_of_a_file_of_lxd(tmp_path: Path) -> None:
    text = NO_SERVER.run("backup", "verify", GOLDEN / "instance-dir.tar.gz")
    assert "written by LXD" in text and "container t1" in text and "first" in text


def test_the_file_beside_it(made: Path, tmp_path: Path) -> None:
    """`sha256sum` reads it, and `verify` notices when it tells of another file."""
    subprocess.run(["sha256sum", "--check", "--strict", f"{made.name}.manifest"], cwd=made.parent, check=True)
    other = tmp_path / "other.tar.gz"
    other.write_bytes(made.read_bytes())
    beside = Path(f"{made}.manifest").read_text()
    changed = "".join(
        line if line.startswith("#") else line.translate(str.maketrans("0123456789", "1234567890"))
        for line in beside.splitlines(keepends=True)
    )
    (tmp_path / "other.tar.gz.manifest").write_text(changed)
    assert "SHA-256" in NO_SERVER.fails("backup", "verify", other)


def test_the_file_beside_it_is_renewed_with_the_export(server: HoldfastServer, made: Path, tmp_path: Path) -> None:
    """One that tells of the former export would make the new one look damaged."""
    cli, target = Cli(server.socket), tmp_path / "web.tar.zst"
    cli.run("export", "web", target, "--compression", "zstd", "--manifest")
    before = (tmp_path / "web.tar.zst.manifest").read_text()
    cli.run("export", "web", target, "--compression", "zstd", "--instance-only")
    assert (tmp_path / "web.tar.zst.manifest").read_text() != before
    assert "beside the file fits" in NO_SERVER.run("backup", "verify", target)
    assert cli.result("export", "web", "-", "--manifest").returncode != 0
    before = (tmp_path / "web.tar.zst.manifest").read_text()
    cli.run("backup", "stored", "create", "web", "kept")
    cli.run("backup", "stored", "download", "web", "kept", target)
    assert (tmp_path / "web.tar.zst.manifest").read_text() != before
    assert "beside the file fits" in NO_SERVER.run("backup", "verify", target)
    cli.run("backup", "stored", "download", "web", "kept", tmp_path / "alone")
    assert not (tmp_path / "alone.manifest").exists()
    cli.run("backup", "stored", "delete", "web", "kept")


@pytest.mark.needs("ssh-keygen")
@pytest.mark.usefixtures("made")
def test_an_encrypted_file(server: HoldfastServer, tmp_path: Path) -> None:
    cli, key, target = Cli(server.socket), tmp_path / "key", tmp_path / "web.tar.gz.age"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    cli.run("export", "web", target, "--encrypt", f"{key}.pub", "--manifest")
    subprocess.run(["sha256sum", "--check", "--strict", f"{target.name}.manifest"], cwd=tmp_path, check=True)
    assert "--identity" in NO_SERVER.fails("backup", "verify", target)
    text = NO_SERVER.run("backup", "verify", target, "--identity", key)
    assert "container web" in text and "beside the file fits" in text
    piped = target.read_bytes()
    assert "container web" in NO_SERVER.run("backup", "verify", "-", "--identity", key, stdin=piped)
    assert "hostname" in NO_SERVER.run("backup", "list", "-", "etc", "--identity", key, stdin=piped)
    assert "standard input is encrypted with age" in NO_SERVER.fails("backup", "verify", "-", stdin=piped)
    NO_SERVER.run("backup", "extract", target, "bin/sh", "etc/hostname", "--to", tmp_path / "x", "--identity", key)
    assert (tmp_path / "x/etc/hostname").read_text() == "image\n"
    assert "comes up" in cli.run("backup", "test", target, "--identity", key)
    data = bytearray(target.read_bytes())
    data[-5] ^= 1
    target.write_bytes(data)
    NO_SERVER.fails("backup", "verify", target, "--identity", key)


@pytest.mark.usefixtures("made")
def test_an_optimized_file(server: HoldfastServer, tmp_path: Path) -> None:
    """It can be checked and tried; single files can't be had out of it."""
    cli, target = Cli(server.socket), tmp_path / "fast.tar.gz"
    cli.run("init", "tiny", "fast", "-s", "bt")
    cli.run("snapshot", "fast", "one")
    cli.run("export", "fast", target, "--optimized-storage", "--manifest")
    assert "streams of btrfs" in NO_SERVER.run("backup", "verify", target)
    assert "comes up" in cli.run("backup", "test", target, "-s", "bt")
    for words in (["list", target], ["extract", target, "--to", tmp_path / "x"]):
        assert "holds streams of" in NO_SERVER.fails("backup", *words)
    assert not (tmp_path / "x").exists()
    data = target.read_bytes()
    for place in range(0, len(data), len(data) // 20):
        target.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        NO_SERVER.fails("backup", "verify", target)


def test_list(made: Path) -> None:
    top = NO_SERVER.run("backup", "list", made, "--format", "csv")
    assert {line.rpartition(",")[2] for line in top.splitlines()} >= {"etc", "bin", "root"}
    assert "etc/passwd" not in top
    found = json.loads(NO_SERVER.run("backup", "list", made, "/etc", "--snapshot", "before", "--format", "json"))
    assert {each["name"] for each in found} >= {"etc", "etc/passwd"}
    passwd = next(each for each in found if each["name"] == "etc/passwd")
    assert (passwd["type"], passwd["mode"], passwd["uid"]) == ("file", "0644", 0)
    everything = NO_SERVER.run("backup", "list", made, "--recursive")
    assert "bin/sh -> busybox" in everything and "-rw-r--r--" in everything
    assert "no/such" in NO_SERVER.fails("backup", "list", made, "no/such")
    assert '"two"' in NO_SERVER.fails("backup", "list", made, "--snapshot", "two")


def test_extract(made: Path, tmp_path: Path) -> None:
    said = NO_SERVER.run("backup", "extract", made, "etc/hostname", "bin", "--to", tmp_path / "found")
    assert "files" in said
    assert (tmp_path / "found/etc/hostname").read_text() == "image\n"
    assert (tmp_path / "found/bin/sh").is_symlink()
    assert (
        "already there"
        in NO_SERVER.fails("backup", "extract", made, "etc/hostname", "--to", tmp_path / "found").lower()
    )
    NO_SERVER.run("backup", "extract", made, "etc/hostname", "--to", tmp_path / "found", "--overwrite")
    NO_SERVER.fails("backup", "extract", made, "no/such", "--to", tmp_path / "none")
    assert sorted(os.listdir(tmp_path)) == ["found"]


def test_who_is_not_root_extracts_for_himself(made: Path, short_tmp_path: Path) -> None:
    target = short_tmp_path / "mine"
    target.mkdir()
    os.chown(target, 65534, 65534)
    made.chmod(0o644)
    words = [COMMAND, "backup", "extract", made, "etc", "bin/sh", "--to", target]
    done = subprocess.run([*AS_NOBODY, *words], env=NO_SERVER.environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (target / "etc/hostname").read_text() == "image\n"
    assert {path.lstat().st_uid for path in target.rglob("*")} == {65534}
    for option in ("--same-owner", "--devices"):
        refused = subprocess.run(
            [*AS_NOBODY, *words, option], env=NO_SERVER.environment, capture_output=True, check=False
        )
        assert refused.returncode == 1 and b"take root" in refused.stderr


@pytest.mark.parametrize("words", [["list"], ["backup", "test", "none"], ["export", "--help"]])
def test_other_commands_do_not_load_the_reader(words: list[str]) -> None:
    """It takes a tenth of a second that no other command should wait for."""
    script = "import sys; from holdfast.cli.main import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script, *words], env=NO_SERVER.environment, capture_output=True, check=False
    )
    assert b"holdfast.cli.main" in done.stderr
    assert b"holdfast.archive" not in done.stderr and b"holdfast.streams" not in done.stderr
