"""Files of custom volumes and their snapshots: by the API, by `holdfast storage volume file`, and nothing leads out."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from support.cli import Cli
from support.holdfast import HoldfastServer
from support.http import Answer, ask
from support.images import make_tiny_image

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]

FILE = ("storage", "volume", "file")


@pytest.fixture(scope="module")
def cli(server: HoldfastServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """Our command; the running instance `keeper` is there to write into volumes from within."""
    cli = Cli(server.socket)
    cli.run("image", "import", make_tiny_image(tmp_path_factory.mktemp("image") / "tiny.tar.gz"), "--alias", "tiny")
    cli.run("launch", "tiny", "keeper")
    yield cli
    cli.run("delete", "--force", "keeper")


@pytest.fixture(params=["default", "bt"])
def pool(request: pytest.FixtureRequest, cli: Cli) -> Iterator[str]:
    """A pool whose volume `data` has "new" in /letter and a directory and a link less than its snapshot `one`."""
    pool: str = request.param
    cli.run("storage", "volume", "create", pool, "data")
    cli.run("storage", "volume", "attach", pool, "data", "keeper", "/data")
    inside(cli, "mkdir -p tree/sub; echo -n deep >tree/sub/file; ln -s sub/file tree/link; echo -n old >letter")
    inside(cli, "chown 7:8 letter; chmod 0640 letter")
    cli.run("storage", "volume", "snapshot", pool, "data", "one")
    inside(cli, "echo -n new >letter; rm -r tree")
    yield pool
    cli.run("storage", "volume", "detach", pool, "data", "keeper")
    cli.run("storage", "volume", "delete", pool, "data")


def inside(cli: Cli, script: str) -> str:
    return cli.run("exec", "keeper", "--", "sh", "-c", f"cd /data; {script}")


def get(server: HoldfastServer, pool: str, path: str, what: str = "snapshots/one/files", method: str = "GET") -> Answer:
    query = f"path={quote(path)}"
    return ask(server.socket, method, f"/1.0/storage-pools/{pool}/volumes/custom/data/{what}?{query}", raw=b"changed")


def test_answers_are_those_of_an_instance(server: HoldfastServer, pool: str) -> None:
    file, directory, link = (get(server, pool, path) for path in ("/letter", "/tree", "/tree/link"))
    assert (file.raw, file.headers["x-lxd-type"]) == (b"old", "file")
    assert [file.headers[f"x-lxd-{name}"] for name in ("uid", "gid", "mode")] == ["7", "8", "0640"]
    assert (directory.body["metadata"], directory.headers["x-lxd-type"]) == (["link", "sub"], "directory")
    assert (link.raw, link.headers["x-lxd-type"]) == (b"sub/file", "symlink")
    assert get(server, pool, "/letter", what="files").raw == b"new"
    assert get(server, pool, "/nosuch").status == 404
    entries = ask(server.socket, "GET", f"/1.0/storage-pools/{pool}/volumes/custom/data/files?path=/&recursion=1").body[
        "metadata"
    ]
    assert [(each["name"], each["size"]) for each in entries] == [("letter", 3)]
    head = get(server, pool, "/letter", method="HEAD")
    assert (head.status, head.headers["x-lxd-mode"], head.raw) == (200, "0640", b"")
    for what in ("snapshots/two/files", "snapshots/two/tree"):
        assert get(server, pool, "/", what=what).status == 404
    for volume in ("custom/nosuch", "container/keeper"):
        path = f"/1.0/storage-pools/{pool}/volumes/{volume}/files?path=/"
        assert ask(server.socket, "GET", path).status == (404 if volume == "custom/nosuch" else 400)


def test_threat_a_snapshot_of_a_volume_is_not_written_to(server: HoldfastServer, pool: str) -> None:
    for method in ("POST", "DELETE"):
        refused = get(server, pool, "/letter", method=method)
        assert (refused.status, "can't be changed" in refused.body["error"]) == (400, True)
    assert get(server, pool, "/letter").raw == b"old"


def test_a_folder_of_a_snapshot_as_an_archive(server: HoldfastServer, pool: str) -> None:
    answer = get(server, pool, "/tree", what="snapshots/one/tree")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''tree.tar"
    with tarfile.open(fileobj=io.BytesIO(answer.raw)) as archive:
        assert sorted(archive.getnames()) == ["tree", "tree/link", "tree/sub", "tree/sub/file"]
    assert get(server, pool, "/letter", what="snapshots/one/tree").status == 400
    assert get(server, pool, "/", what="tree").status == 404, "only of what nobody writes to"


def test_threat_links_and_devices_of_a_volume_lead_nowhere(server: HoldfastServer, cli: Cli, pool: str) -> None:
    inside(cli, "ln -s / out; ln -s ../../../../../../../../etc up; ln -s /proc/self/root magic; mkfifo pipe")
    inside(cli, "mkdir etc; echo inside >etc/hostname")
    cli.run("storage", "volume", "snapshot", pool, "data", "one", "--reuse")
    for what in ("files", "snapshots/one/files"):
        for path in ("/out/etc/hostname", "/up/hostname", "/../../etc/hostname"):
            assert get(server, pool, path, what=what).raw == b"inside\n", path
        assert get(server, pool, "/magic/etc/hostname", what=what).status == 404
        assert get(server, pool, "/pipe", what=what).status == 400
    with tarfile.open(fileobj=io.BytesIO(get(server, pool, "/up", what="snapshots/one/tree").raw)) as archive:
        assert archive.getnames() == ["etc", "etc/hostname"]
    assert get(server, pool, "/magic", what="snapshots/one/tree").status == 404
    assert get(server, pool, "/out/made", what="files", method="POST").status == 200
    assert inside(cli, "cat made") == "changed", "an absolute link starts at the top of the volume"


def test_threat_the_volume_of_export_files_is_read_by_files(server: HoldfastServer, cli: Cli) -> None:
    """It holds the exports of all projects."""
    cli.run("storage", "volume", "create", "default", "data")
    cli.run("config", "set", "storage.backups_volume=default/data")
    for method in ("GET", "POST", "DELETE"):
        refused = get(server, "default", "/", what="files", method=method)
        assert (refused.status, "used by the server itself" in refused.body["error"]) == (400, True)
    cli.run("config", "unset", "storage.backups_volume")
    cli.run("storage", "volume", "delete", "default", "data")


def test_disks_have_no_files(server: HoldfastServer, cli: Cli) -> None:
    cli.run("storage", "volume", "create", "default", "data", "--type=block", "size=1MiB")
    assert "not disks" in get(server, "default", "/", what="files").body["error"]
    cli.run("storage", "volume", "delete", "default", "data")


def test_one_file_is_got_back_without_a_restore(cli: Cli, pool: str, tmp_path: Path) -> None:
    assert cli.run(*FILE, "pull", pool, "data/one/letter", "-") == "old"
    assert cli.run(*FILE, "pull", pool, "--snapshot", "one", "data/letter", "-") == "old"
    assert cli.run(*FILE, "pull", pool, "data/letter", "-") == "new"
    assert cli.run(*FILE, "list", pool, "data/one/tree").split() == ["link", "sub"]
    cli.run(*FILE, "pull", "-r", pool, "data/one/tree", "data/one/letter", tmp_path / "got")
    assert (tmp_path / "got/tree/sub/file").read_text() == "deep"
    assert os.readlink(tmp_path / "got/tree/link") == "sub/file"
    cli.run(*FILE, "push", pool, "--uid", "7", "--gid", "8", tmp_path / "got/letter", "data/letter")
    assert inside(cli, "cat letter; stat -c ' %u %g' letter") == "old 7 8\n"
    cli.run(*FILE, "push", "-p", "-r", pool, tmp_path / "got/tree", "data/again/")
    assert inside(cli, "cat again/tree/sub/file") == "deep"


def test_files_are_made_changed_and_deleted(cli: Cli, pool: str) -> None:
    cli.run(*FILE, "mkdir", pool, "data/papers", "--mode", "0750")
    cli.run(*FILE, "push", pool, "-", "data/papers/note", stdin="first")
    cli.run(*FILE, "edit", pool, "data/papers/note", stdin="second")
    assert inside(cli, "cat papers/note; stat -c ' %a' papers") == "second 750\n"
    cli.run(*FILE, "delete", pool, "data/papers/note", "data/papers")
    assert inside(cli, "ls") == "letter\n"
    for words in (("push", pool, "-"), ("delete", pool), ("mkdir", pool), ("edit", pool)):
        assert "snapshots can't be changed" in cli.fails(*FILE, *words, "data/one/letter", stdin="changed"), words
    cli.run(*FILE, "mkdir", pool, "data//one")
    assert "data//one" in cli.fails(*FILE, "list", pool, "data/one")
