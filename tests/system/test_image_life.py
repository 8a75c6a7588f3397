"""Images through the real server, by the real `lxc` and our own command."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
import time
from pathlib import Path

import pytest

from support.holdfast import HoldfastServer
from support.images import make_tiny_image

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "busybox")]


INTO_THE_TREE = re.compile("downloading packages|extracting|installing|unpacking|configuring")
"""What a build says while it fills its tree: each may be over before the next look."""


def left_in_the_store(server: HoldfastServer) -> list[str]:
    """Return what is staged, and what uploads left."""
    staged = list((server.directory / "images/.staging").glob("*"))
    return [str(path) for path in (*staged, *(server.directory / "backups/.incoming").iterdir())]


def fingerprints(server: HoldfastServer) -> set[str]:
    images = json.loads(server.lxc.run("image", "list", "--format", "json"))
    return {image["fingerprint"] for image in images}


def test_a_unified_image_comes_and_goes(server: HoldfastServer, tmp_path: Path) -> None:
    file = make_tiny_image(tmp_path / "tiny.tar.gz")
    fingerprint = hashlib.sha256(file.read_bytes()).hexdigest()
    server.lxc.run("image", "import", file, "--alias", "tiny", "release=other")
    assert fingerprint in fingerprints(server)
    assert "release: other" in server.lxc.run("image", "show", "tiny")
    again = server.lxc.result("image", "import", file)
    assert again.returncode == 1
    assert b"Image with same fingerprint already exists" in again.stderr
    server.lxc.run("image", "export", "tiny", tmp_path / "copy")
    (copy,) = tmp_path.glob("copy*")
    assert copy.read_bytes() == file.read_bytes()
    server.lxc.run("image", "alias", "rename", "tiny", "small/one")
    server.lxc.run("image", "delete", "small/one")
    assert fingerprint not in fingerprints(server)
    assert left_in_the_store(server) == []


@pytest.mark.needs("mksquashfs")
def test_a_split_image_comes_and_goes(server: HoldfastServer, tmp_path: Path) -> None:
    whole = make_tiny_image(tmp_path / "tiny.tar.gz")
    tree = tmp_path / "tree"
    tree.mkdir()
    subprocess.run(["tar", "-xf", whole, "-C", tree], check=True)
    metadata, rootfs = tmp_path / "meta.tar.xz", tmp_path / "rootfs.squashfs"
    with tarfile.open(metadata, "w:xz") as archive:
        archive.add(tree / "metadata.yaml", "metadata.yaml")
    subprocess.run(["mksquashfs", tree / "rootfs", rootfs, "-quiet", "-no-progress"], check=True)
    server.lxc.run("image", "import", metadata, rootfs, "--alias", "split")
    server.lxc.run("init", "split", "from-split")
    assert "root" in server.lxc.run("file", "pull", "from-split/etc/passwd", "-")
    (tmp_path / "out").mkdir()
    server.lxc.run("image", "export", "split", tmp_path / "out")
    contents = {path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert contents == {metadata.read_bytes(), rootfs.read_bytes()}
    server.lxc.run("delete", "from-split")
    server.lxc.run("image", "delete", "split")


@pytest.mark.parametrize("size", [0, 100, 100_000])
def test_a_truncated_file_is_refused_and_leaves_nothing(server: HoldfastServer, tmp_path: Path, size: int) -> None:
    before = fingerprints(server)
    file = make_tiny_image(tmp_path / "tiny.tar.gz")
    file.write_bytes(file.read_bytes()[:size])
    done = server.holdfast("image", "import", file)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert fingerprints(server) == before
    assert left_in_the_store(server) == []


def test_an_instance_is_published_and_launched_again(server: HoldfastServer, busybox_image: Path) -> None:
    server.lxc.run("launch", "busybox", "origin", "-s", "bt")
    server.lxc.run("exec", "origin", "--", "sh", "-c", "echo mine > /root/mark")
    server.lxc.run("snapshot", "origin", "then")
    server.lxc.run("exec", "origin", "--", "rm", "/root/mark")
    assert server.lxc.result("publish", "origin").returncode == 1
    server.lxc.run("publish", "origin/then", "--alias", "golden", "description=with mark", "--compression", "zstd")
    assert "with mark" in server.lxc.run("image", "list")
    server.lxc.run("launch", "golden", "second")
    assert server.lxc.run("exec", "second", "--", "cat", "/root/mark") == "mine\n"
    server.lxc.run("delete", "--force", "origin", "second")
    server.lxc.run("image", "delete", "golden")


def test_names_that_it_cannot_have_leave_no_image(server: HoldfastServer, busybox_image: Path, tmp_path: Path) -> None:
    """A taken alias is named with what helps; one that none can be leaves nothing either."""
    file, before = make_tiny_image(tmp_path / "tiny.tar.gz"), fingerprints(server)
    server.lxc.run("init", "busybox", "origin")
    server.holdfast("snapshot", "origin", "s")
    try:
        for words in (("image", "import", str(file)), ("publish", "origin/s"), ("publish", "--force", "origin")):
            taken = server.holdfast(*words, "--alias", "new", "--alias", "busybox")
            assert taken.returncode == 1
            assert 'The alias "busybox" is that of image' in taken.stderr
            assert "--reuse" in taken.stderr
            unfit = server.holdfast(*words, "--alias", "new", "--alias", "a b")
            assert unfit.returncode == 1
            assert 'Invalid image alias name "a b"' in unfit.stderr
            assert (fingerprints(server), left_in_the_store(server)) == (before, [])
        done = server.holdfast("image", "import", str(file), "--alias", "mine", "--alias", "busybox", "--reuse")
        assert done.returncode == 0, done.stderr
        (made,) = fingerprints(server) - before
        listed = json.loads(server.lxc.run("image", "alias", "list", "--format", "json"))
        assert {each["name"] for each in listed if each["target"] == made} == {"mine", "busybox"}
        again = server.holdfast("image", "import", str(file))
        assert "already exists: `holdfast image list` shows it" in again.stderr
        server.lxc.run("image", "delete", made)
    finally:
        server.lxc.run("delete", "origin")
        server.lxc.run("image", "alias", "delete", "busybox", expect=None)
        server.lxc.run("image", "alias", "create", "busybox", *before)


def test_an_unknown_recipe_is_one_clear_line(server: HoldfastServer) -> None:
    done = server.holdfast("image", "build", "nosuch/1")
    assert done.returncode == 1
    assert done.stderr == 'Error: Unknown image recipe "nosuch/1": Known are debian/12, debian/13, busybox\n'


@pytest.mark.needs("mmdebstrap")
def test_a_cancelled_build_leaves_nothing(server: HoldfastServer) -> None:
    before = fingerprints(server)
    process = subprocess.Popen(
        ["lxc", "query", "--wait", "-X", "POST", "-d", json.dumps({"source": {"type": "build", "recipe": "debian/12"}}),
         "/1.0/images"],
        env=server.lxc.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    operation = wait_for_operation(server, "Building image", INTO_THE_TREE)
    server.lxc.run("operation", "delete", operation)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1, stderr
    assert fingerprints(server) == before
    assert left_in_the_store(server) == []
    mounts = Path("/proc/self/mounts").read_text()
    assert str(server.directory / "images") not in mounts


def wait_for_operation(server: HoldfastServer, description: str, progress: re.Pattern[str]) -> str:
    """Return the id of the running operation of that description, once its progress says that."""
    deadline = time.monotonic() + 200
    seen: list[str] = []
    while time.monotonic() < deadline:
        listed = json.loads(server.lxc.run("operation", "list", "--format", "json"))
        for operation in listed:
            if operation["description"] == description and operation["status"] == "Running":
                seen.append(str(operation["metadata"]))
                if progress.search(seen[-1]):
                    return str(operation["id"])
        time.sleep(0.05)
    raise AssertionError(f"no operation {description!r} was at that: {list(dict.fromkeys(seen))}")


@pytest.mark.needs("mmdebstrap")
@pytest.mark.timeout(900)
def test_the_debian_image_is_a_system_that_boots_clean(server: HoldfastServer) -> None:
    done = server.holdfast("image", "build", "debian/12", "--alias", "debian/12", timeout_s=600)
    if "could not build" in done.stderr and "Failed to fetch" in done.stderr:
        pytest.skip(f"needs a Debian mirror that answers: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr
    server.lxc.run("launch", "debian/12", "system", "-s", "bt")
    assert booted(server, "system") == "running", server.lxc.run("exec", "system", "--", "systemctl", "--failed")
    assert server.lxc.run("exec", "system", "--", "hostname") == "system\n"
    assert "Debian GNU/Linux 12" in server.lxc.run("exec", "system", "--", "cat", "/etc/os-release")
    server.lxc.run("copy", "system", "twin")
    server.lxc.run("stop", "system", "--timeout", "120")
    server.lxc.run("delete", "system")
    server.lxc.run("delete", "twin")
    server.lxc.run("image", "delete", "debian/12")
    assert left_in_the_store(server) == []


def booted(server: HoldfastServer, name: str) -> str:
    """Return systemd's verdict once it has finished booting."""
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        done = server.lxc.result("exec", name, "--", "systemctl", "is-system-running", "--wait")
        verdict = done.stdout.decode().strip()
        if verdict in ("running", "degraded", "maintenance"):
            return verdict
        time.sleep(0.2)
    raise AssertionError(f"{name} has not booted: {done}")
