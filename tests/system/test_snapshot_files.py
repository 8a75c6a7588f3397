"""A look into snapshots: the API answers as for an instance's files, `holdfast file` reads them, nothing is written."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from holdfast.service.tree_files import TreeName
from support.cli import Cli
from support.holdfast import HoldfastServer
from support.http import Answer, ask
from support.images import make_tiny_image
from support.world import POOLS, PlainRuntime, furnished_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]


@pytest.fixture(scope="module")
def cli(server: HoldfastServer, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    cli = Cli(server.socket)
    cli.run("image", "import", make_tiny_image(tmp_path_factory.mktemp("image") / "tiny.tar.gz"), "--alias", "tiny")
    return cli


@pytest.fixture(params=["default", "bt"])
def box(request: pytest.FixtureRequest, cli: Cli) -> Iterator[str]:
    """A running instance with "new" in /root/data; its snapshot `one` has "old" there, and a directory and a link."""
    cli.run("launch", "tiny", "box", "-s", request.param)
    script = "mkdir -p /srv/tree/sub; echo -n deep >/srv/tree/sub/file; ln -s sub/file /srv/tree/link; echo -n old"
    cli.run("exec", "box", "--", "sh", "-c", f"{script} >/root/data; chown 7:8 /root/data; chmod 0640 /root/data")
    cli.run("snapshot", "box", "one")
    cli.run("exec", "box", "--", "sh", "-c", "echo -n new >/root/data; rm -r /srv/tree")
    yield "box"
    cli.run("delete", "--force", "box")


def _get(server: HoldfastServer, path: str, method: str = "GET", *, raw: bytes | None = None) -> Answer:
    return ask(server.socket, method, f"/1.0/instances/box/snapshots/one/files?path={quote(path)}", raw=raw)


def test_what_has_no_content_is_left_out_of_a_whole_tree(box: str, cli: Cli, tmp_path: Path) -> None:
    script = "mkdir /srv/odd; mkfifo /srv/odd/fifo; echo -n x >/srv/odd/other; ln -s nowhere /srv/odd/link"
    cli.run("exec", box, "--", "sh", "-c", script)
    pulled = cli.result("file", "pull", "-r", f"{box}/srv/odd", tmp_path)
    assert (pulled.returncode, pulled.stderr.strip()) == (
        0,
        b"Left out: /srv/odd/fifo in box is neither file, directory nor symbolic link",
    )
    assert sorted(path.name for path in (tmp_path / "odd").iterdir()) == ["link", "other"]
    assert "is neither file" in cli.fails("file", "pull", f"{box}/srv/odd/fifo", tmp_path)
    os.mkfifo(tmp_path / "odd/fifo")
    pushed = cli.result("file", "push", "-rp", tmp_path / "odd", f"{box}/srv/again")
    assert (pushed.returncode, pushed.stderr.strip()) == (
        0,
        f"Left out: {tmp_path}/odd/fifo is neither file, directory nor symbolic link".encode(),
    )
    assert cli.run("exec", box, "--", "ls", "/srv/again/odd").split() == ["link", "other"]
    assert "is neither file" in cli.fails("file", "push", tmp_path / "odd/fifo", f"{box}/srv/fifo")


ODD = b"caf\xe9"
"""Text of another time, which isn't UTF-8."""


def test_names_that_are_no_text_keep_their_bytes(box: str, cli: Cli, server: HoldfastServer, tmp_path: Path) -> None:
    """Of the running instance, of a snapshot and of the stopped one; there and back."""
    script = r"cd /srv; mkdir names; cd names; o=$(printf 'caf\351'); echo -n x >$o; mkdir d$o; echo -n y >d$o/$o"
    cli.run("exec", box, "--", "sh", "-c", f"{script}; ln -s $o link; touch \"$(printf 'a\\033[1mb')\"")
    cli.run("snapshot", box, "odd")

    def check(place: str, into: Path) -> None:
        assert cli.run("file", "list", f"{place}/srv/names") == "a\\x1b[1mb\ncaf\\xe9\ndcaf\\xe9\nlink\n"
        cli.run("file", "pull", "-r", f"{place}/srv/names", into)
        found = os.fsencode(into / "names")
        assert sorted(os.listdir(found)) == [b"a\x1b[1mb", ODD, b"d" + ODD, b"link"]
        with open(found + b"/d" + ODD + b"/" + ODD, "rb") as file:
            assert file.read() == b"y"
        assert os.readlink(found + b"/link") == ODD

    check(box, tmp_path / "running")
    check(f"{box}/odd", tmp_path / "snapshot")
    cli.run("file", "push", "-r", tmp_path / "running/names", f"{box}/srv/names/")
    script = r"cd /srv/names/names; o=$(printf 'caf\351'); cat $o d$o/$o"
    assert cli.run("exec", box, "--", "sh", "-c", script) == "xy"
    cli.run("file", "delete", b"/".join((box.encode(), b"srv/names/names", ODD)).decode(errors="surrogateescape"))
    assert "caf" not in cli.run("file", "list", f"{box}/srv/names/names").replace("dcaf", "")
    cli.run("stop", "--force", box)
    cli.run("file", "delete", f"{box}/srv/names/names/link")
    check_stopped = cli.run("file", "list", f"{box}/srv/names/names")
    assert check_stopped == "a\\x1b[1mb\ndcaf\\xe9\n"
    names = ask(server.socket, "GET", f"/1.0/instances/{box}/files?path=/srv/names/names/dcaf%E9").body["metadata"]
    assert names == [os.fsdecode(ODD)]
    assert r'"caf\udce9"' in cli.run("query", f"/1.0/instances/{box}/files?path=/srv/names/names/dcaf%E9")


def test_directories_are_pulled_with_the_mode_they_have_inside(box: str, cli: Cli, tmp_path: Path) -> None:
    script = "cd /srv; mkdir -p modes/open modes/shut; echo -n x >modes/shut/x; chmod 700 modes; chmod 1777 modes/open"
    cli.run("exec", box, "--", "sh", "-c", f"{script}; chmod 555 modes/shut")
    cli.run("file", "pull", "-r", f"{box}/srv/modes", tmp_path)
    modes = [path.stat().st_mode & 0o7777 for path in (tmp_path / "modes", tmp_path / "modes/open")]
    assert [*modes, (tmp_path / "modes/shut").stat().st_mode & 0o7777] == [0o700, 0o1777, 0o555]
    (tmp_path / "modes").chmod(0o750)
    cli.run("file", "delete", f"{box}/srv/modes/shut/x")
    cli.run("file", "pull", "-r", f"{box}/srv/modes", tmp_path)
    assert (tmp_path / "modes").stat().st_mode & 0o7777 == 0o750, "a directory that was there is the user's own"


@pytest.mark.usefixtures("box")
def test_answers_are_those_of_an_instance(server: HoldfastServer) -> None:
    file, directory, link = _get(server, "/root/data"), _get(server, "/srv/tree"), _get(server, "/srv/tree/link")
    assert (file.raw, file.headers["x-lxd-type"]) == (b"old", "file")
    assert [file.headers[f"x-lxd-{name}"] for name in ("uid", "gid", "mode")] == ["7", "8", "0640"]
    assert (directory.body["metadata"], directory.headers["x-lxd-type"]) == (["link", "sub"], "directory")
    assert (link.raw, link.headers["x-lxd-type"]) == (b"sub/file", "symlink")
    head = _get(server, "/root/data", "HEAD")
    assert (head.status, head.headers["x-lxd-mode"], head.raw) == (200, "0640", b"")
    assert _get(server, "/nosuch").status == 404
    assert _get(server, "/dev").status == 200
    assert ask(server.socket, "GET", "/1.0/instances/box/snapshots/two/files?path=/").status == 404
    assert ask(server.socket, "GET", "/1.0/instances/nosuch/snapshots/one/files?path=/").status == 404
    assert ask(server.socket, "GET", "/1.0/instances/box/snapshots/one/files").status == 400


@pytest.mark.usefixtures("box")
def test_threat_a_snapshot_is_not_written_to(server: HoldfastServer) -> None:
    for method in ("POST", "DELETE"):
        refused = _get(server, "/root/data", method, raw=b"changed")
        assert (refused.status, "can't be changed" in refused.body["error"]) == (400, True)
    assert _get(server, "/root/data").raw == b"old"


def _tree(server: HoldfastServer, path: str) -> Answer:
    return ask(server.socket, "GET", f"/1.0/instances/box/snapshots/one/tree?path={quote(path)}")


def _members(answer: Answer) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(answer.raw)) as archive:
        return {each.name: each for each in archive.getmembers()}


@pytest.mark.usefixtures("box")
def test_a_folder_as_an_archive(server: HoldfastServer) -> None:
    answer = _tree(server, "/srv/tree/")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''tree.tar"
    assert (answer.headers["content-type"], answer.headers["transfer-encoding"]) == (
        "application/octet-stream",
        "chunked",
    )
    members = _members(answer)
    assert sorted(members) == ["tree", "tree/link", "tree/sub", "tree/sub/file"]
    assert (members["tree/link"].linkname, members["tree/sub/file"].size) == ("sub/file", 4)
    data = _members(_tree(server, "/root"))["root/data"]
    assert (data.uid, data.gid, data.mode) == (7, 8, 0o640)
    whole = _members(_tree(server, "/"))
    assert {"one", "one/root/data", "one/etc"} <= whole.keys()
    for path, status in (("/nosuch", 404), ("/root/data", 400), ("", 400)):
        assert _tree(server, path).status == status, path
    assert ask(server.socket, "GET", "/1.0/instances/box/snapshots/two/tree?path=/").status == 404


def test_threat_a_link_leads_an_archive_out(server: HoldfastServer, cli: Cli, box: str) -> None:
    script = "ln -s / /srv/out; ln -s ../../../../../../../../etc /srv/up; ln -s /proc/self/root /srv/magic"
    cli.run("exec", box, "--", "sh", "-c", f"{script}; echo inside >/etc/hostname")
    cli.run("snapshot", box, "one", "--reuse")
    found = _tree(server, "/srv/up")
    assert found.status == 200, found.raw
    with tarfile.open(fileobj=io.BytesIO(found.raw)) as archive:
        hostname = archive.extractfile("etc/hostname")
        assert hostname is not None
        assert hostname.read() == b"inside\n"
    assert {"one/srv/out", "one/srv/up"} <= _members(_tree(server, "/srv/out")).keys(), "the root inside"
    assert _members(_tree(server, "/srv"))["srv/out"].issym()
    assert _tree(server, "/srv/magic").status == 404


def test_threat_links_of_a_snapshot_stay_inside(server: HoldfastServer, cli: Cli, box: str) -> None:
    script = "ln -s / /root/out; ln -s ../../../../../etc /root/up; ln -s /proc/self/root /root/magic; mkfifo /root/p"
    cli.run("exec", box, "--", "sh", "-c", f"{script}; echo inside >/etc/hostname")
    cli.run("snapshot", box, "one", "--reuse")
    for path in ("/root/out/etc/hostname", "/root/up/hostname", "/../../etc/hostname"):
        assert _get(server, path).raw == b"inside\n", path
    for path in ("/root/magic/etc/hostname", "/root/out/root/.ssh"):
        assert _get(server, path).status == 404, path
    assert _get(server, "/root/p").status == 400


def test_one_file_is_got_back_without_a_restore(cli: Cli, box: str, tmp_path: Path) -> None:
    assert cli.run("file", "pull", f"{box}/one/root/data", "-") == "old"
    assert cli.run("file", "pull", "--snapshot", "one", f"{box}/root/data", "-") == "old"
    assert cli.run("file", "pull", f"{box}/root/data", "-") == "new"
    assert cli.run("file", "list", f"{box}/one/srv/tree").split() == ["link", "sub"]
    assert cli.run("file", "list", f"{box}/one").split() == cli.run("file", "list", f"{box}/one/").split()
    cli.run("file", "pull", "-r", f"{box}/one/srv/tree", tmp_path / "got")
    assert (tmp_path / "got/tree/sub/file").read_text() == "deep"
    assert os.readlink(tmp_path / "got/tree/link") == "sub/file"


def test_threat_a_place_that_could_mean_two_things_is_refused(cli: Cli, box: str) -> None:
    cli.run("exec", box, "--", "sh", "-c", "mkdir -p /one/root; echo -n mine >/one/root/data")
    assert f"{box}//one/root/data" in cli.fails("file", "pull", f"{box}/one/root/data", "-")
    assert "could mean" in cli.fails("file", "list", f"{box}/one")
    assert cli.run("file", "pull", f"{box}//one/root/data", "-") == "mine"
    assert cli.run("file", "pull", "--snapshot", "one", f"{box}/root/data", "-") == "old"


def test_writing_into_a_snapshot_is_refused(cli: Cli, box: str) -> None:
    for words in (("push", "-"), ("push", "-p", "-"), ("delete",), ("mkdir",)):
        assert "snapshots can't be changed" in cli.fails("file", *words, f"{box}/one/root/data", stdin="changed"), words
    assert cli.run("file", "pull", f"{box}/one/root/data", "-") == "old"
    cli.run("file", "push", "-p", "-", f"{box}//one/root/data", stdin="mine")
    assert cli.run("exec", box, "cat", "/one/root/data") == "mine"


def test_ids_are_those_seen_inside_where_the_disk_is_shifted() -> None:
    """Hosts without idmapped mounts keep shifted owners on the disk; a snapshot keeps them, too."""
    with furnished_world(PlainRuntime) as world:
        for pool in POOLS:
            world.create(pool, pool, start=True)
            world.run(pool, "sh", "-c", "echo x >/root/data; chown 7:8 /root/data")
            world.snapshot(pool, "one")
            driver = world.services.pools.driver(pool)
            assert (driver.mount / f"containers-snapshots/{pool}/one/rootfs/root/data").stat().st_uid > 7
            found = world.services.tree_files.stat("default", TreeName(name=pool, snapshot="one"), "/root/data")
            assert (found.uid, found.gid) == (7, 8)
