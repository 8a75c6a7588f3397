"""Time copies and refreshes between servers: Holdfast to Holdfast, LXD to LXD, and each to the other, over HTTPS.

    benchmarks/copies.py [--image FILE] [--pools dir btrfs] [--pairs ll hh lh hl] [--rounds 3] [--markdown OUT]

The instance is that of benchmarks/exports.py (about 1 GB, a sparse file of 256 MiB in it), without snapshots at first;
each pair of servers has one of its own in each round. `lxc` conducts, in mode pull, on 127.0.0.1; rounds alternate
between the pairs, and before each piece of work the disk is synced. Nothing is deleted before the end, as ext4 is slow
for a while after deletions. Bytes on the wire are those of the loopback device, so let nothing else use it meanwhile.
The limits are what tar, rsync and btrfs need by themselves. "Synced" is when what came is on stable storage, which LXD
leaves to the kernel. `--pairs` leaves some out, by letters of source and target.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from compare_lxd import Times, build_image, report, timed
from exports import POOLS, Server, disk, fill, rootfs, synced_s
from support.holdfast import HoldfastServer
from support.lxd import LxcClient, LxdServer
from support.relay import add_https, relaying

CHANGED_BYTES = 10 * 2**20
"""One percent, in ten files."""
PLACES = ["l1", "l2", "h1", "h2"]
PAIRS = ["ll", "hh", "lh", "hl"]


@dataclass
class Pair:
    """Two servers that instances go between; `name` is "LXD to LXD" and so on."""

    name: str
    source: Server
    target: Server
    lxc: LxcClient
    words: tuple[str, str]
    times: Times = field(default_factory=dict)
    wire_bytes: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    synced: Times = field(default_factory=lambda: defaultdict(list))

    @property
    def letters(self) -> str:
        """Return how `--pairs` calls it."""
        return "".join(word[0] for word in self.words)

    def instance(self, number: int) -> str:
        """Return the name of what is copied in a round."""
        return f"work-{'-'.join(self.words)}-{number}"

    def copy(self, work: str, kind: str, name: str, *options: str) -> None:
        """Time one `lxc copy`, and note what went over the wire."""
        title = f"{work}, {kind}"
        os.sync()
        before = _loopback_bytes()
        with timed(self.times, title):
            self.lxc.run("copy", f"{self.words[0]}:{name}", f"{self.words[1]}:copy-{name}", "-s", POOLS[kind], *options)
        self.wire_bytes[title].append(_loopback_bytes() - before)
        self.synced[title].append(self.times[title][-1] + synced_s(rootfs(self.target, kind, f"copy-{name}")))

    def round(self, kind: str, number: int) -> None:
        """First copy, refreshes of a plain state, and refreshes by snapshots."""
        name = self.instance(number)
        self.copy("first copy", kind, name)
        self.copy("refresh, nothing changed", kind, name, "--refresh")
        change(rootfs(self.source, kind, name), number)
        self.copy("refresh, 1 % changed", kind, name, "--refresh")
        self.source.lxc.run("snapshot", name, "base")
        self.copy("refresh, first snapshot", kind, name, "--refresh")
        change(rootfs(self.source, kind, name), number + 1000)
        self.source.lxc.run("snapshot", name, "next")
        self.copy("refresh, 1 % changed and a new snapshot", kind, name, "--refresh")

    def clear(self, number: int) -> None:
        """Delete what a round left."""
        self.target.lxc.run("delete", f"copy-{self.instance(number)}")
        self.source.lxc.run("delete", self.instance(number))


def change(top: Path, number: int) -> None:
    """Write one percent anew, in place, in files that are there."""
    noise = random.Random(number)
    for file in sorted((top / "srv/large").glob("large*"))[:10]:
        with file.open("r+b") as opened:
            opened.seek(noise.randrange(0, file.stat().st_size - CHANGED_BYTES // 10))
            opened.write(noise.randbytes(CHANGED_BYTES // 10))


def _loopback_bytes() -> int:
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, colon, rest = line.partition(":")
        if colon and name.strip() == "lo":
            return int(rest.split()[0])
    raise RuntimeError("no loopback device")


def limits(server: Server, kind: str, name: str, times: Times) -> None:
    """Time what has to be done by any means: read and write the trees on the file system that the pool is on."""
    top = rootfs(server, kind, name).parent
    beside = top.with_name("bench-limit")
    if kind == "btrfs":
        main = top.with_name("bench-read-only")
        subprocess.run(["btrfs", "-q", "subvolume", "snapshot", "-r", top, main], check=True)
        receive = f"btrfs -q send {main} | btrfs -q receive {beside}"
        beside.mkdir()
        with timed(times, f"limit: btrfs send | receive, {kind}"):
            subprocess.run(["sh", "-c", f"{receive} && sync"], check=True)
        for made in (*beside.iterdir(), main):
            subprocess.run(["btrfs", "-q", "subvolume", "delete", made], check=True)
        beside.rmdir()
        return
    beside.mkdir()
    with timed(times, f"limit: tar to tar, {kind}"):
        subprocess.run(["sh", "-c", f"tar -cS --xattrs -C {top} . | tar -xS --xattrs -C {beside} && sync"], check=True)
    with timed(times, f"limit: rsync, nothing changed, {kind}"):
        subprocess.run(["rsync", "-aXS", f"{top}/", f"{beside}/"], check=True)
    shutil.rmtree(beside)


def measure(image: Path | None, kinds: list[str], letters: list[str], rounds: int) -> tuple[list[Pair], Times]:
    """Run the pairs side by side; return them with their times, and the limits."""
    scratch = Path(tempfile.mkdtemp(prefix="hf-bench-"))
    scratch.chmod(0o711)  # real LXD starts containers as a user that must reach its directory
    found: Times = {}
    try:
        with ExitStack() as stack:
            disks = [stack.enter_context(disk(scratch / f"{name}.img", scratch / f"disk-{name}")) for name in PLACES]
            theirs = [stack.enter_context(LxdServer(scratch / f"l{number}")) for number in (1, 2)]
            ours = [stack.enter_context(HoldfastServer(scratch / f"h{number}")) for number in (1, 2)]
            lxc = relaying(scratch / "relay", local1=ours[0].socket)
            add_https(lxc, l1=theirs[0], l2=theirs[1], h1=ours[0], h2=ours[1])
            image = image or build_image(ours[0], scratch / "debian")
            for server, place in zip((*theirs, *ours), disks, strict=True):
                server.lxc.run("storage", "create", "plain", "dir", f"source={place}")
                server.lxc.run("storage", "create", "big", "btrfs", "size=24GiB")
            for server in (theirs[0], ours[0]):
                server.lxc.run("image", "import", image, "--alias", "bench")
            pairs = [
                Pair("LXD to LXD", theirs[0], theirs[1], lxc, ("l1", "l2")),
                Pair("Holdfast to Holdfast", ours[0], ours[1], lxc, ("h1", "h2")),
                Pair("LXD to Holdfast", theirs[0], ours[1], lxc, ("l1", "h2")),
                Pair("Holdfast to LXD", ours[0], theirs[1], lxc, ("h1", "l2")),
            ]
            pairs = [pair for pair in pairs if pair.letters in letters]
            for kind in kinds:
                for number, pair in itertools.product(range(rounds), pairs):
                    pair.source.lxc.run("init", "bench", pair.instance(number), "-s", POOLS[kind])
                    fill(rootfs(pair.source, kind, pair.instance(number)))
                for number in range(rounds):
                    for pair in pairs if number % 2 == 0 else reversed(pairs):
                        pair.round(kind, number)
                    limits(pairs[-1].source, kind, pairs[-1].instance(number), found)
                for number, pair in itertools.product(range(rounds), pairs):
                    pair.clear(number)
            for server in (theirs[0], ours[0]):
                server.lxc.run("image", "delete", "bench")
            for server in (*theirs, *ours):
                for pool in POOLS.values():
                    server.lxc.run("storage", "delete", pool)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return pairs, found


def table(pairs: list[Pair], found: Times) -> str:
    """Return Markdown: medians in seconds, until it was told done and until it was synced, and MB on the wire."""
    has_ratio = [pair.letters for pair in pairs][:2] == ["ll", "hh"]
    lines = [
        "| work | " + " | ".join(f"{pair.name}, s / synced (MB)" for pair in pairs) + " | LXD / Holdfast |" * has_ratio
    ]
    lines.append("|---|" + "---|" * (len(pairs) + has_ratio))
    for work in pairs[0].times:
        medians = [statistics.median(pair.times[work]) for pair in pairs]
        cells = [
            f"{median:.2f} / {statistics.median(pair.synced[work]):.2f} "
            f"({statistics.median(pair.wire_bytes[work]) / 1e6:.0f})"
            for pair, median in zip(pairs, medians, strict=True)
        ]
        ratio = f" {medians[0] / medians[1]:.1f} |" if has_ratio else ""
        lines.append(f"| {work} | {' | '.join(cells)} |{ratio}")
    lines += ["", "| limit | s |", "|---|---|"]
    lines += [f"| {name.removeprefix('limit: ')} | {statistics.median(times):.2f} |" for name, times in found.items()]
    return "\n".join(lines)


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--pools", nargs="+", choices=list(POOLS), default=list(POOLS))
    parser.add_argument("--pairs", nargs="+", choices=PAIRS, default=PAIRS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    text = table(*measure(options.image, options.pools, options.pairs, options.rounds))
    report(text, options.rounds, options.markdown)


if __name__ == "__main__":
    main()
