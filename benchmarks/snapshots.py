"""Time snapshots and restores on Holdfast and on the distribution's real LXD, in one run, with the same `lxc` client.

    benchmarks/snapshots.py [--image FILE] [--pools ext4 xfs btrfs] [--rounds 3] [--due 200] [--markdown OUT]

FILE is a unified image tarball (`holdfast image export`); without it the Debian 12 image is built first. The pools:
`ext4` and `xfs` are dir pools on loop files, `btrfs` is a loop file; each server has file systems of its own, so that
none works around what the other one has just deleted (ext4 doesn't use an inode again for minutes). Rounds alternate
between the servers; tables show medians. Before each piece of work the disk is synced.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from compare_lxd import build_image, report
from support.holdfast import HoldfastServer
from support.images import make_tiny_image
from support.lxd import LxcClient, LxdServer

Server = HoldfastServer | LxdServer
Times = dict[str, list[float]]
POOLS = {"ext4": "e", "xfs": "x", "btrfs": "bt"}
MAKERS = {"ext4": ("mkfs.ext4", "-q"), "xfs": ("mkfs.xfs", "-q")}
"""What makes the file systems below dir pools."""
IN_A_ROW = 20
CHANGE = (
    "find /usr -type f | awk 'NR % 100 == 0' | while read -r file; do echo changed >> \"$file\"; done;"
    " rm -rf /usr/share/doc/a*; head -c 4000000 /dev/urandom > /root/data; sync"
)
"""Some 1 % of the files get longer, some go, one comes."""


class Peak:
    """Watches how much of a file system is in use, every 20 ms, while the block runs."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.most = self._before = self._used()

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def extra_mib(self) -> float:
        return (self.most - self._before) / 2**20

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.most = max(self.most, self._used())

    def _used(self) -> int:
        facts = os.statvfs(self._directory)
        return (facts.f_blocks - facts.f_bfree) * facts.f_frsize


class Bench:
    """One server's part of the run."""

    def __init__(self, server: Server, name: str, scratch: Path) -> None:
        self.server, self.name, self.lxc = server, name, server.lxc
        self.times: Times = {}
        self.extra_mib: Times = {}
        self._scratch = scratch
        self._mounts: dict[str, Path] = {}

    @contextlib.contextmanager
    def timed(self, work: str, pool: str) -> Iterator[None]:
        os.sync()
        directory = self._mounts.get(pool, self.server.directory / "storage-pools" / pool)
        with Peak(directory) as peak:
            begin = time.perf_counter()
            yield
            self.times.setdefault(work, []).append(time.perf_counter() - begin)
        self.extra_mib.setdefault(work, []).append(peak.extra_mib)

    def make_dir_pool(self, kind: str) -> None:
        """Add the dir pool of this kind, on a file system of its own."""
        pool, image, top = POOLS[kind], self._scratch / f"{self.name}.{kind}", self._scratch / f"{self.name}-{kind}"
        with image.open("wb") as file:
            file.truncate(10 * 2**30)
        subprocess.run([*MAKERS[kind], image], check=True)
        top.mkdir()
        subprocess.run(["mount", "-o", "loop", image, top], check=True)
        self._mounts[pool] = top
        (top / "pool").mkdir()
        self.lxc.run("storage", "create", pool, "dir", f"source={top / 'pool'}")

    def remove_dir_pools(self) -> None:
        for pool, top in self._mounts.items():
            self.lxc.run("storage", "delete", pool, expect=None)
            subprocess.run(["umount", top], check=True)

    def round(self, kind: str, number: int) -> None:
        """Snapshot and restore one instance of the Debian image, stopped and running."""
        lxc, pool, work = self.lxc, POOLS[kind], f"work{number}"
        lxc.run("init", "bench", work, "-s", pool)
        with self.timed(f"snapshot, stopped, {kind}", pool):
            lxc.run("snapshot", work, "stopped")
        lxc.run("start", work)
        with self.timed(f"snapshot, running, {kind}", pool):
            lxc.run("snapshot", work, "running")
        lxc.run("exec", work, "--", "sh", "-c", CHANGE)
        with self.timed(f"restore, running, 1 % changed, {kind}", pool):
            lxc.run("restore", work, "running")
        lxc.run("exec", work, "--", "sh", "-c", CHANGE)
        lxc.run("stop", work, "--force")
        with self.timed(f"restore, stopped, 1 % changed, {kind}", pool):
            lxc.run("restore", work, "running")
        if number == 0:
            with self.timed(f"{IN_A_ROW} snapshots in a row, stopped, {kind}", pool):
                for _ in range(IN_A_ROW):
                    lxc.run("snapshot", work)
        lxc.run("delete", work)

    def due_at_once(self, kind: str, count: int) -> float:
        """Return snapshots per second when so many tiny instances are due in the same minute."""
        lxc, pool = self.lxc, POOLS[kind]
        lxc.run("profile", "create", "due")
        lxc.run("profile", "device", "add", "due", "root", "disk", "path=/", f"pool={pool}")
        lxc.run("profile", "set", "due", "snapshots.schedule.stopped", "true")
        for number in range(count):
            lxc.run("init", "tiny", f"due{number}", "-p", "due")
        moments = self._moments(lxc, count)
        for number in range(count):
            lxc.run("delete", f"due{number}")
        lxc.run("profile", "delete", "due")
        return (count - 1) / (moments[-1] - moments[0]).total_seconds()

    @staticmethod
    def _moments(lxc: LxcClient, count: int) -> list[datetime]:
        """Set the schedule, and return when each snapshot was told to be there."""
        with subprocess.Popen(
            ["lxc", "monitor", "--type", "lifecycle", "--format", "json"],
            env=lxc.environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as monitor:
            assert monitor.stdout is not None
            lxc.run("profile", "set", "due", "snapshots.schedule", "* * * * *")
            moments: list[datetime] = []
            for line in monitor.stdout:
                event = json.loads(line) if line.strip() else {"metadata": {"action": ""}}
                if event["metadata"]["action"] == "instance-snapshot-created":
                    moments.append(datetime.fromisoformat(event["timestamp"][:26].rstrip("Z") + "+00:00"))
                if len(moments) == count:
                    break
            lxc.run("profile", "unset", "due", "snapshots.schedule")
            monitor.terminate()
        return sorted(moments)


def measure(image: Path | None, kinds: list[str], rounds: int, due: int) -> tuple[list[Bench], dict[str, list[float]]]:
    """Run both servers side by side; return their times, and per kind of pool the rates of due snapshots."""
    scratch = Path(tempfile.mkdtemp(prefix="hf-bench-"))
    scratch.chmod(0o711)  # real LXD starts containers as a user that must reach its directory
    rates: dict[str, list[float]] = {}
    try:
        with LxdServer(scratch / "lxd") as lxd, HoldfastServer(scratch / "holdfast") as ours:
            benches = [Bench(lxd, "LXD", scratch), Bench(ours, "Holdfast", scratch)]
            image = image or build_image(ours, scratch / "debian")
            tiny = make_tiny_image(scratch / "tiny.tar.gz")
            try:
                for bench in benches:
                    bench.lxc.run("image", "import", image, "--alias", "bench")
                    bench.lxc.run("image", "import", tiny, "--alias", "tiny")
                    for kind in sorted(MAKERS.keys() & set(kinds)):
                        bench.make_dir_pool(kind)
                for kind in kinds:
                    for number in range(rounds):
                        for bench in benches if number % 2 == 0 else reversed(benches):
                            bench.round(kind, number)
                    if due:
                        rates[kind] = [bench.due_at_once(kind, due) for bench in benches]
            finally:
                for bench in benches:
                    bench.remove_dir_pools()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return benches, rates


def tables(benches: list[Bench], rates: dict[str, list[float]], due: int) -> str:
    """Return Markdown: medians in seconds, how many times faster we are, the most disk in use beyond the start."""
    theirs, ours = benches
    lines = [
        "| work | LXD, s | Holdfast, s | LXD / Holdfast | LXD, extra MiB | Holdfast, extra MiB |",
        "|---|---|---|---|---|---|",
    ]
    for work, times in theirs.times.items():
        one, other = statistics.median(times), statistics.median(ours.times[work])
        extra = (statistics.median(bench.extra_mib[work]) for bench in benches)
        lines.append(
            f"| {work} | {one:.3f} | {other:.3f} | {one / other:.1f} | "
            + " | ".join(map("{:.0f}".format, extra))
            + " |"
        )
    lines += ["", f"| {due} tiny instances due at once | LXD, 1/s | Holdfast, 1/s |", "|---|---|---|"]
    lines += [f"| {kind} | {pair[0]:.0f} | {pair[1]:.0f} |" for kind, pair in rates.items()]
    return "\n".join(lines)


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--pools", nargs="+", choices=list(POOLS), default=list(POOLS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--due", type=int, default=200)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    text = tables(*measure(options.image, options.pools, options.rounds, options.due), options.due)
    report(text, options.rounds, options.markdown)


if __name__ == "__main__":
    main()
