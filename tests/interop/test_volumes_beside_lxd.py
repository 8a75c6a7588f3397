"""`lxc storage volume …` against us and against the distribution's real LXD, word by word: the same comes of it.

Every command of a day with volumes goes to both servers; exit code, output and error text must agree, and in the end
what the API shows. What can't agree is taken out by name: times of creation (LXD 5.0 shows year 1) and the id maps that
LXD notes where it has rewritten owners.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.holdfast import HoldfastServer, short_directory
from support.http import ask
from support.images import make_tiny_image
from support.lxd import LxcClient, LxdServer, require_lxd
from support.missed_end import MissedEndError

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs")]

EDITED = "description: edited\nconfig:\n  user.note: by hand\n"
SNAPSHOT_EDITED = "description: a note\nexpires_at: 2030-01-02T03:04:05Z\n"
# Words with POOL and OTHER for the pools; the text after `<` is standard input.
DAY: list[tuple[str, str]] = [
    ("create POOL v1", ""),
    ("create POOL v1", ""),
    ("create POOL a/b", ""),
    ("create POOL bad nope=1", ""),
    ("create POOL bad size=abc", ""),
    ("create POOL bad security.shifted=maybe", ""),
    ("create nosuch v1", ""),
    ("create POOL volb size=100MiB snapshots.expiry=1d", ""),
    ("create POOL blk --type=block size=4MiB", ""),
    ("show POOL v1", ""),
    ("show POOL nosuch", ""),
    ("edit POOL v1", EDITED),
    ("show POOL v1", ""),
    ("set POOL v1 snapshots.schedule=@daily", ""),
    ("get POOL v1 snapshots.schedule", ""),
    ("set POOL v1 snapshots.schedule foo", ""),
    ("set POOL v1 user.k v", ""),
    ("unset POOL v1 snapshots.schedule", ""),
    ("get POOL v1 snapshots.schedule", ""),
    ("set POOL v1 size=50MiB", ""),
    ("attach POOL v1 box data /data", ""),
    ("attach POOL v1 box data /data2", ""),
    ("attach POOL nosuch box /x", ""),
    ("attach POOL blk box", ""),
    ("show POOL v1", ""),
    ("delete POOL v1", ""),
    ("snapshot POOL v1", ""),
    ("snapshot POOL v1 vs1", ""),
    ("snapshot POOL v1 vs1", ""),
    ("snapshot POOL v1 vs1 --reuse", ""),
    ("snapshot POOL volb vs1 --no-expiry", ""),
    ("snapshot POOL nosuch vs1", ""),
    ("show POOL v1/vs1", ""),
    ("show POOL volb/vs1", ""),
    ("edit POOL v1/vs1", SNAPSHOT_EDITED),
    ("show POOL v1/vs1", ""),
    ("rename POOL v1/snap0 v1/vs0", ""),
    ("restore POOL v1 vs1", ""),
    ("restore POOL v1 nosuch", ""),
    ("delete POOL v1/vs0", ""),
    ("delete POOL v1/vs0", ""),
    ("list POOL -f csv", ""),
    ("copy POOL/v1 POOL/copied", ""),
    ("copy POOL/v1 POOL/copied", ""),
    ("copy POOL/v1 POOL/copied --refresh", ""),
    ("copy POOL/v1 POOL/only --volume-only", ""),
    ("copy POOL/v1/vs1 POOL/fromsnap", ""),
    ("copy POOL/v1 OTHER/copied", ""),
    ("show POOL fromsnap", ""),
    ("move POOL/only POOL/moved", ""),
    ("move POOL/moved OTHER/moved", ""),
    ("rename OTHER moved renamed", ""),
    ("rename OTHER renamed copied", ""),
    ("rename POOL v1 v2", ""),
    ("detach POOL v2 box", ""),
    ("detach POOL v2 box", ""),
    ("attach-profile POOL v2 shared /shared", ""),
    ("show POOL v2", ""),
    ("detach-profile POOL v2 shared", ""),
    ("delete OTHER renamed", ""),
    ("delete OTHER nosuch", ""),
    ("list OTHER -f csv", ""),
    ("list POOL -f csv", ""),
]
# Where LXD on btrfs tells a path of its own instead of the reason: only the exit code must agree.
UNLIKE = ("restore POOL v1 nosuch",)


@dataclass(frozen=True)
class Pair:
    """Both servers, each with an image `tiny`, a stopped instance `box` and a profile `shared`."""

    ours: LxcClient
    theirs: LxcClient


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    require_lxd()
    directory = short_directory()
    with HoldfastServer(directory / "h") as ours, LxdServer(directory / "l") as theirs:
        image = make_tiny_image(directory / "tiny.tar.gz")
        for lxc in (ours.lxc, theirs.lxc):
            lxc.run("image", "import", image, "--alias", "tiny")
            lxc.run("profile", "create", "shared")
        yield Pair(ours.lxc, theirs.lxc)
        for lxc in (ours.lxc, theirs.lxc):
            _clear(lxc)
    shutil.rmtree(directory)


def _clear(lxc: LxcClient) -> None:
    lxc.run("delete", "--force", "box", expect=None)
    for pool in ("default", "bt"):
        for volume in _listed(lxc, pool):
            if "/" not in volume["name"]:
                lxc.run("storage", "volume", "delete", pool, volume["name"])


def _listed(lxc: LxcClient, pool: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(lxc.run("query", f"/1.0/storage-pools/{pool}/volumes/custom?recursion=1"))
    return found


def _as_far_as_lxd_goes(ours: tuple[int, str, str], theirs: tuple[int, str, str]) -> tuple[int, str, str]:
    """Cut an error of ours that begins as LXD's does, and goes on with the name of the thing or the remedy."""
    code, out, error = ours
    return code, out, error[: len(theirs[2])] if code and theirs[2] else error


@pytest.mark.parametrize(("pool", "other"), [("default", "bt"), ("bt", "default")])
def test_a_day_with_volumes(pair: Pair, pool: str, other: str) -> None:
    for lxc in (pair.ours, pair.theirs):
        _clear(lxc)
        lxc.run("init", "tiny", "box", "-s", pool)
    for words, given in DAY:
        command = [{"POOL": pool, "OTHER": other}.get(word, word) for word in words.split()]
        command = [word.replace("POOL/", f"{pool}/").replace("OTHER/", f"{other}/") for word in command]
        try:
            answers = [_said(lxc, command, given) for lxc in (pair.ours, pair.theirs)]
        except MissedEndError:
            continue  # what LXD has done is seen by what comes later, and in the end
        if words in UNLIKE and pool == "bt":
            answers = [(code, "", "") for code, _, _ in answers]
        answers[0] = _as_far_as_lxd_goes(*answers)
        assert answers[0] == answers[1], f"lxc storage volume {' '.join(command)}"
    for each in (pool, other):
        assert _comparable(pair.ours, each) == _comparable(pair.theirs, each)


def _said(lxc: LxcClient, command: list[str], given: str) -> tuple[int, str, str]:
    done = lxc.result("storage", "volume", *command, stdin=given)
    out = "\n".join(line for line in done.stdout.decode().splitlines() if _is_common(line))
    return done.returncode, out.replace("config: {}", "config:").strip(), _reason(done.stderr.decode())


def _is_common(line: str) -> bool:
    """Leave out times of creation, id maps, and progress, which LXD doesn't tell of copies on one server."""
    left_out = ("created_at:", "Copying the storage volume:", "Moving the storage volume:")
    return bool(line.strip()) and not line.startswith(left_out) and "volatile.idmap" not in line


def _reason(text: str) -> str:
    """Return the error up to where ours goes on with a name or a remedy that LXD leaves out."""
    text = text.strip()
    for known in ("Storage volume not found", "Invalid value: abc"):
        text = text.partition(known)[0] + known if known in text else text
    return text


def _comparable(lxc: LxcClient, pool: str) -> list[dict[str, Any]]:
    volumes = []
    for volume in _listed(lxc, pool):
        config = {key: value for key, value in volume["config"].items() if not key.startswith("volatile.")}
        volumes.append({**volume, "config": config, "created_at": ""})
    return sorted(volumes, key=lambda volume: str(volume["name"]))


V = "/1.0/storage-pools/default/volumes/custom"
# method, path, body: both answer with the same status
TABLE: list[tuple[str, str, object]] = [
    ("POST", V, {}),
    ("POST", V, {"name": "a/b"}),
    ("POST", V, {"name": "vol"}),
    ("POST", V, {"name": "x", "content_type": "bogus"}),
    ("POST", V, {"name": "x", "config": {"nope": "1"}}),
    ("POST", "/1.0/storage-pools/nosuch/volumes/custom", {"name": "x"}),
    ("POST", "/1.0/storage-pools/default/volumes/container", {"name": "x"}),
    ("POST", "/1.0/storage-pools/default/volumes", {"name": "x", "type": "image"}),
    ("GET", f"{V}/nosuch", None),
    ("GET", "/1.0/storage-pools/default/volumes/bogus/vol", None),
    ("GET", f"{V}/nosuch/snapshots/x", None),
    ("GET", f"{V}/vol/snapshots/nosuch", None),
    ("GET", f"{V}/vol/state", None),
    ("PUT", f"{V}/nosuch", {"config": {}}),
    ("PUT", f"{V}/vol", {"config": {"nope": "1"}}),
    ("PUT", f"{V}/vol", {"restore": "nosuch"}),
    ("PATCH", f"{V}/nosuch", {"config": {}}),
    ("PATCH", f"{V}/vol", {"config": {"snapshots.schedule": "foo"}}),
    ("PATCH", f"{V}/vol", {"config": {"security.unmapped": "true", "security.shifted": "true"}}),
    ("PATCH", f"{V}/vol", {"config": {"user.a": "b"}}),
    ("POST", f"{V}/nosuch", {"name": "y"}),
    ("POST", f"{V}/vol", {"name": "a/b"}),
    ("POST", f"{V}/vol", {"name": "vol"}),
    ("DELETE", f"{V}/nosuch", None),
    ("POST", f"{V}/vol/snapshots", {"name": "one"}),
    ("POST", f"{V}/vol/snapshots", {"name": "a/b"}),
    ("POST", f"{V}/nosuch/snapshots", {"name": "one"}),
    ("DELETE", f"{V}/vol/snapshots/nosuch", None),
    ("PUT", f"{V}/vol/snapshots/one", {"description": "x"}),
    ("PUT", f"{V}/vol/snapshots/nosuch", {"description": "x"}),
    ("DELETE", "/1.0/storage-pools/default", None),
]


def test_statuses(pair: Pair) -> None:
    for lxc in (pair.ours, pair.theirs):
        _clear(lxc)
        lxc.run("storage", "volume", "create", "default", "vol")
        lxc.run("storage", "volume", "snapshot", "default", "vol", "one")
    different = {}
    for method, path, body in TABLE:
        statuses = [
            ask(Path(lxc.environment["LXD_SOCKET"]), method, path, body).status for lxc in (pair.ours, pair.theirs)
        ]
        if statuses[0] != statuses[1]:
            different[method, path, json.dumps(body)] = statuses
    assert different == {}
    tag = ask(Path(pair.ours.environment["LXD_SOCKET"]), "GET", f"{V}/vol").headers["etag"]
    changed = {"config": {"user.c": "d"}}
    for etag, status in (("nosuchtag", 412), (tag, 200), (tag, 412)):
        socket = Path(pair.ours.environment["LXD_SOCKET"])
        assert ask(socket, "PUT", f"{V}/vol", changed, headers={"If-Match": etag}).status == status


def test_a_running_container_and_its_volume(pair: Pair) -> None:
    """The same words on both: attach, write inside, snapshot, write, restore, look."""
    for lxc in (pair.ours, pair.theirs):
        _clear(lxc)
        lxc.run("launch", "tiny", "box")
        lxc.run("storage", "volume", "create", "bt", "vol", "size=20MiB")
        lxc.run("storage", "volume", "attach", "bt", "vol", "box", "/data")
        lxc.run("exec", "box", "--", "sh", "-c", "echo old > /data/x; chown 5:6 /data/x")
        lxc.run("storage", "volume", "snapshot", "bt", "vol", "one")
        lxc.run("exec", "box", "--", "sh", "-c", "echo new > /data/x")
        too_much = "dd if=/dev/zero of=/data/big bs=1048576 count=40 2>&1 || true"
        assert "quota" in lxc.heard("box", "sh", "-c", too_much).lower()
        lxc.run("storage", "volume", "detach", "bt", "vol", "box")
        assert lxc.result("exec", "box", "--", "cat", "/data/x").returncode != 0
        lxc.run("storage", "volume", "restore", "bt", "vol", "one")
        lxc.run("storage", "volume", "attach", "bt", "vol", "box", "/data")
        assert lxc.heard("box", "sh", "-c", "cat /data/x; stat -c %u:%g /data/x") == "old\n5:6\n"
