"""Time the same work on Holdfast and on the distribution's real LXD, in one run, with the same `lxc` client.

    benchmarks/compare_lxd.py [--image FILE] [--pools dir btrfs] [--rounds 3] [--instances 100] [--markdown OUT]

FILE is a unified image tarball (`holdfast image export`); without it the Debian 12 image is built first.
Both servers get a dir pool on the same file system and a btrfs pool on a loop file of the same size. Rounds alternate
between the servers; the table shows medians in seconds. Before each piece of work the disk is synced.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.holdfast import HoldfastServer
from support.lxd import LxcClient, LxdServer

POOLS = {"dir": "default", "btrfs": "bt"}
Times = dict[str, list[float]]


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket, one connection per request as Go's client does it."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


@contextlib.contextmanager
def timed(times: Times, name: str) -> Iterator[None]:
    """Add the block's wall-clock seconds to the list of that name; data written before is synced first."""
    os.sync()
    begin = time.perf_counter()
    yield
    times.setdefault(name, []).append(time.perf_counter() - begin)


def work_on_pool(lxc: LxcClient, kind: str, pool: str, scratch: Path, times: Times, number: int) -> list[str]:
    """One round: create, start, snapshot, restore, export, import. Return the instances that are left, to be deleted.

    The caller deletes, on dir only at the end: ext4 avoids inodes that were freed in the last minutes, at a high price.
    """
    work = f"work{number}"
    with timed(times, f"create, {kind}"):
        lxc.run("init", "bench", work, "-s", pool)
    with timed(times, f"start, {kind}"):
        lxc.run("start", work)
    with timed(times, f"exec true, {kind}"):
        lxc.run("exec", work, "--", "true")
    lxc.run("exec", work, "--", "sh", "-c", "head -c 20000000 /dev/urandom > /root/data; sync")
    with timed(times, f"snapshot running, {kind}"):
        lxc.run("snapshot", work, "one")
    lxc.run("exec", work, "--", "sh", "-c", "rm -rf /root/data /usr/share/doc")
    with timed(times, f"stop --force, {kind}"):
        lxc.run("stop", work, "--force")
    with timed(times, f"restore stopped, {kind}"):
        lxc.run("restore", work, "one")
    with timed(times, f"snapshot stopped, {kind}"):
        lxc.run("snapshot", work, "two")
    for compression in ("gzip", "zstd", "none"):
        with timed(times, f"export {compression}, no snapshots, {kind}"):
            lxc.run("export", work, scratch / f"{kind}.{compression}", "--instance-only", "--compression", compression)
    file = scratch / f"{kind}.all"
    with timed(times, f"export gzip, 2 snapshots, {kind}"):
        lxc.run("export", work, file)
    left = [work]
    for compression in ("gzip", "zstd"):
        left.append(f"{compression}{number}")
        with timed(times, f"import {compression}, no snapshots, {kind}"):
            lxc.run("import", scratch / f"{kind}.{compression}", left[-1], "-s", pool)
    left.append(f"all{number}")
    with timed(times, f"import gzip, 2 snapshots, {kind}"):
        lxc.run("import", file, left[-1], "-s", pool)
    return left


def delete_all(lxc: LxcClient, kind: str, names: list[str], times: Times) -> None:
    """Delete what the rounds left; those with two snapshots are timed."""
    for name in names:
        is_timed = name.startswith("all")
        with timed(times, f"delete with 2 snapshots, {kind}") if is_timed else contextlib.nullcontext():
            lxc.run("delete", name)


def list_many(lxc: LxcClient, unix_socket: Path, count: int, times: Times) -> None:
    """Time GET /1.0/instances?recursion=2 with `count` stopped instances, ten times."""
    for number in range(count):
        lxc.run("init", "--empty", f"many{number}")
    for _ in range(10):
        connection = UnixConnection(unix_socket)
        with timed(times, f"GET instances?recursion=2, {count} instances"):
            connection.request("GET", "/1.0/instances?recursion=2")
            body = connection.getresponse().read()
        assert len(json.loads(body)["metadata"]) == count
        connection.close()
    for number in range(count):
        lxc.run("delete", f"many{number}")


def build_image(server: HoldfastServer, target: Path) -> Path:
    """Build the Debian 12 image from the mirror of this machine; return it as a file."""
    done = server.holdfast("image", "build", "debian/12", "--alias", "built")
    assert done.returncode == 0, done.stderr
    server.lxc.run("image", "export", "built", target)
    server.lxc.run("image", "delete", "built")
    return target.with_name(target.name + ".tar.gz")


def measure(image: Path | None, kinds: list[str], rounds: int, instances: int) -> dict[str, Times]:
    """Run both servers side by side; return server name -> work -> seconds of each round."""
    results: dict[str, Times] = {"LXD": {}, "Holdfast": {}}
    scratch = Path(tempfile.mkdtemp(prefix="holdfast-bench-"))
    scratch.chmod(0o711)  # real LXD starts containers as a user that must reach its directory
    try:
        with LxdServer(scratch / "lxd") as lxd, HoldfastServer(scratch / "holdfast") as ours:
            servers = {"LXD": lxd, "Holdfast": ours}
            image = image or build_image(ours, scratch / "debian")
            for name, server in servers.items():
                with timed(results[name], "image import"):
                    server.lxc.run("image", "import", image, "--alias", "bench")
                files = scratch / f"files-{name}"
                files.mkdir()
            for kind in kinds:
                left: dict[str, list[str]] = {name: ["warm"] for name in servers}
                for server in servers.values():  # a first, unmeasured creation unpacks the image volume on both
                    server.lxc.run("init", "bench", "warm", "-s", POOLS[kind])
                for number in range(rounds):
                    order = list(servers) if number % 2 == 0 else list(reversed(servers))
                    for name in order:
                        lxc, files = servers[name].lxc, scratch / f"files-{name}"
                        left[name] += work_on_pool(lxc, kind, POOLS[kind], files, results[name], number)
                        if kind == "btrfs":  # its loop file is small
                            delete_all(lxc, kind, left[name], results[name])
                            left[name] = []
                for name, server in servers.items():
                    delete_all(server.lxc, kind, left[name], results[name])
            for name, server in servers.items():
                list_many(server.lxc, server.socket, instances, results[name])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return results


def table(results: dict[str, Times]) -> str:
    """Return the Markdown table: medians, and how many times faster we are."""
    lines = ["| work | LXD 5.0.2, s | Holdfast, s | LXD / Holdfast |", "|---|---|---|---|"]
    median: Callable[[list[float]], float] = statistics.median
    for work, theirs in results["LXD"].items():
        ours = results["Holdfast"][work]
        lines.append(f"| {work} | {median(theirs):.3f} | {median(ours):.3f} | {median(theirs) / median(ours):.1f} |")
    return "\n".join(lines)


def report(text: str, rounds: int, markdown: Path | None) -> None:
    """Print tables with where and how they were measured; write them to a file, too, if one is wanted."""
    version = subprocess.run(["lxd", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    head = f"LXD {version}, kernel {platform.release()}, {os.cpu_count()} cores, {rounds} rounds, medians.\n\n"
    print(head + text)
    if markdown:
        markdown.write_text(head + text + "\n")


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--pools", nargs="+", choices=list(POOLS), default=list(POOLS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--instances", type=int, default=100)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    text = table(measure(options.image, options.pools, options.rounds, options.instances))
    report(text, options.rounds, options.markdown)


if __name__ == "__main__":
    main()
