"""Time export and import files on Holdfast and on the distribution's real LXD, beside tar and `btrfs send` as limits.

    benchmarks/exports.py [--image FILE] [--pools dir btrfs] [--compressions gzip zstd none] [--rounds 3]
                          [--markdown OUT]

FILE is a unified image tarball (`holdfast image export`); without it the Debian 12 image is built first. The instance
gets large files, until it holds about 1 GB, and a sparse file of 256 MiB; two snapshots with changes between them.
Each server has an ext4 of its own for its dir pool, as ext4 works around inodes that others freed in the last minutes.
Both servers work through `lxc`; the lines marked "holdfast" use our own command, which streams. Rounds alternate
between the servers; before each piece of work the disk is synced, and btrfs has cleared away what was deleted. The
server's peak memory is that of its process.
The limits are what tar, zstd on two threads and `btrfs send` need, into a pipe and to a file on stable storage.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from compare_lxd import Times, build_image, report, timed
from support.holdfast import COMMAND, HoldfastServer
from support.lxd import LxdServer

Server = HoldfastServer | LxdServer
POOLS = {"dir": "plain", "btrfs": "big"}
DISK_BYTES = 40 * 2**30
LARGE_BYTES = 700 * 2**20
SPARSE_BYTES = 256 * 2**20
COMPRESSIONS = ("gzip", "zstd", "none")


def rootfs(server: Server, kind: str, name: str) -> Path:
    """Return where a stopped instance's root file system is."""
    return server.directory / "storage-pools" / POOLS[kind] / "containers" / name / "rootfs"


def fill(top: Path) -> None:
    """Add large files, of programs and libraries (which compress as such files do) and noise, and a sparse one."""
    folder = top / "srv/large"
    folder.mkdir(parents=True)
    programs = sorted(path for path in Path("/usr/lib").rglob("*.so*") if path.is_file() and not path.is_symlink())
    written, number = 0, 0
    noise = random.Random(1)
    while written < LARGE_BYTES:
        with (folder / f"large{number}").open("wb") as file:
            while file.tell() < 64 * 2**20:
                file.write(programs[noise.randrange(len(programs))].read_bytes()[: 8 * 2**20])
                file.write(noise.randbytes(2**20))
            written += file.tell()
        number += 1
    with (folder / "sparse").open("wb") as file:
        for position in range(0, SPARSE_BYTES, 32 * 2**20):
            file.seek(position)
            file.write(noise.randbytes(4096))
        file.truncate(SPARSE_BYTES)


def change(top: Path, number: int) -> None:
    """Make what a snapshot later differs by: one large file new, some small ones longer."""
    (top / f"srv/large/new{number}").write_bytes(random.Random(number).randbytes(16 * 2**20))
    for path in list(top.glob("usr/share/doc/*/copyright"))[:100]:
        with path.open("ab") as file:
            file.write(b"changed\n")


def prepare(server: Server, kind: str) -> None:
    """Make the instance `work` with its snapshots."""
    server.lxc.run("init", "bench", "work", "-s", POOLS[kind])
    fill(rootfs(server, kind, "work"))
    for number, name in enumerate(("one", "two")):
        server.lxc.run("snapshot", "work", name)
        change(rootfs(server, kind, "work"), number)
    os.sync()


@contextlib.contextmanager
def disk(image: Path, top: Path) -> Iterator[Path]:
    """Give a new ext4 on a loop file; all of its tables are written before."""
    with image.open("wb") as file:
        file.truncate(DISK_BYTES)
    at_once = ("-E", "lazy_itable_init=0,lazy_journal_init=0", "-i", "65536")
    subprocess.run(["mkfs.ext4", "-q", *at_once, image], check=True)
    loop = ["losetup", "--find", "--show", "--direct-io=on", image]
    device = subprocess.run(loop, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    try:
        top.mkdir(mode=0o711)
        subprocess.run(["mount", device, top], check=True)
        try:
            (top / "pool").mkdir(mode=0o711)
            yield top / "pool"
        finally:
            subprocess.run(["umount", top], check=True)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
        image.unlink()


class Bench:
    """One server's part of the run."""

    def __init__(self, server: Server, files: Path, pools: list[Path]) -> None:
        """`pools` are the btrfs pools of both servers, which share a disk."""
        self.server, self.lxc, self.files, self._pools = server, server.lxc, files, pools
        self.times: Times = {}
        self.sizes: dict[str, int] = {}
        self._taken: list[str] = []
        files.mkdir()

    @contextlib.contextmanager
    def timed(self, work: str) -> Iterator[None]:
        """Time work that nothing which was done before disturbs."""
        for pool in self._pools:
            subprocess.run(["btrfs", "-q", "subvolume", "sync", pool], check=True)
        with timed(self.times, work):
            yield

    def export(self, kind: str, name: str, *options: str) -> Path:
        """Time `lxc export`, and ours by our own command too; return the file."""
        file = self.files / f"{kind}-{name.replace(' ', '-')}"
        work = f"export {name}, {kind}"
        with self.timed(work):
            self.lxc.run("export", "work", file, *options)
        self.sizes[work] = file.stat().st_size
        if isinstance(self.server, HoldfastServer):
            with self.timed(f"{work} (holdfast)"):
                done = self.server.holdfast("export", "work", file.with_suffix(".own"), *options)
            assert done.returncode == 0, done.stderr
        return file

    def bring(self, kind: str, name: str, file: Path) -> None:
        """Time `lxc import`, and ours by our own command too, which sends nothing on one machine.

        And how long until what came is on stable storage, which LXD leaves to the kernel.
        """
        work = f"import {name}, {kind}"
        taken = self._next_taken()
        with self.timed(work):
            self.lxc.run("import", file, taken, "-s", POOLS[kind])
        since_s = synced_s(rootfs(self.server, kind, taken))
        self.times.setdefault(f"{work}, and synced", []).append(self.times[work][-1] + since_s)
        if isinstance(self.server, HoldfastServer):
            taken = self._next_taken()
            with self.timed(f"{work} (holdfast)"):
                done = self.server.holdfast("import", file, taken, "-s", POOLS[kind])
            assert done.returncode == 0, done.stderr

    def _next_taken(self) -> str:
        """Return the name of the next import. All stay until `remove_taken`: ext4 avoids inodes freed lately."""
        self._taken.append(f"taken{len(self._taken)}")
        return self._taken[-1]

    def remove_taken(self) -> None:
        while self._taken:
            self.lxc.run("delete", self._taken.pop())

    def round(self, kind: str, compressions: list[str]) -> None:
        for compression in compressions:
            file = self.export(kind, compression, "--instance-only", "--compression", compression)
            self.bring(kind, compression, file)
        if "gzip" in compressions:
            file = self.export(kind, "gzip with 2 snapshots")
            self.bring(kind, "gzip with 2 snapshots", file)
        if kind == "btrfs":
            for compression in set(compressions) & {"gzip", "none"}:
                options = ("--optimized-storage", "--compression", compression)
                file = self.export(kind, f"optimized {compression} with 2 snapshots", *options)
                self.bring(kind, f"optimized {compression} with 2 snapshots", file)


def synced_s(place: Path) -> float:
    """Put the file system of a place on stable storage; return how long that took."""
    begin = time.perf_counter()
    subprocess.run(["sync", "--file-system", place], check=True)
    return time.perf_counter() - begin


def drain(*argv: str | Path) -> None:
    """Read all that a program writes, through a pipe: into the null device tar reads nothing at all."""
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while process.stdout.read(2**20):
            pass
    assert process.returncode == 0


def shell(script: str) -> None:
    """Run a pipeline whose output is the file `$OUT`, and put that on stable storage."""
    with tempfile.NamedTemporaryFile(prefix="hf-bench-") as out:
        environment = {**os.environ, "OUT": out.name}
        subprocess.run(["bash", "-c", f"set -e -o pipefail; {script}; sync $OUT"], check=True, env=environment)


def limits(server: Server, kind: str, times: Times) -> None:
    """Time what the file system and tar need by themselves."""
    top = rootfs(server, kind, "work").parent
    tar = f"tar -cS --xattrs --numeric-owner -C {top} ."
    with timed(times, f"limit: tar to a pipe, {kind}"):
        drain(*tar.split())
    with timed(times, f"limit: tar to a file, {kind}"):
        shell(f"{tar} >$OUT")
    with timed(times, f"limit: tar and zstd -3 -T2 to a file, {kind}"):
        shell(f"{tar} | zstd -q -3 -T2 >$OUT")
    if kind == "btrfs":
        snapshots = server.directory / "storage-pools/big/containers-snapshots/work"
        main = top.with_name("bench-read-only")
        subprocess.run(["btrfs", "-q", "subvolume", "snapshot", "-r", top, main], check=True)
        with timed(times, f"limit: btrfs send, 2 snapshots, {kind}"):
            drain("btrfs", "-q", "send", snapshots / "one")
            drain("btrfs", "-q", "send", "-p", snapshots / "one", snapshots / "two")
            drain("btrfs", "-q", "send", "-p", snapshots / "two", main)
        with timed(times, f"limit: btrfs send to a file, 2 snapshots, {kind}"):
            sends = (f"{snapshots}/one", f"-p {snapshots}/one {snapshots}/two", f"-p {snapshots}/two {main}")
            shell(f"({'; '.join(f'btrfs -q send {each}' for each in sends)}) >$OUT")
        subprocess.run(["btrfs", "-q", "subvolume", "delete", main], check=True)


def peak_mib(pid: int) -> float:
    """Return the most memory that a process had resident since it started."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no VmHWM for {pid}")


def measure(
    image: Path | None, kinds: list[str], compressions: list[str], rounds: int
) -> tuple[Bench, Bench, Times, float]:
    """Run both servers side by side; return their times, the limits, and our peak memory in MiB."""
    scratch = Path(tempfile.mkdtemp(prefix="hf-bench-"))
    scratch.chmod(0o711)  # real LXD starts containers as a user that must reach its directory
    found: Times = {}
    try:
        with (
            disk(scratch / "lxd.img", scratch / "disk-lxd") as lxd_disk,
            disk(scratch / "holdfast.img", scratch / "disk-holdfast") as our_disk,
            LxdServer(scratch / "lxd") as lxd,
            HoldfastServer(scratch / "holdfast") as ours,
        ):
            image = image or build_image(ours, scratch / "debian")
            pools = [server.directory / "storage-pools" / POOLS["btrfs"] for server in (lxd, ours)]
            benches = (Bench(lxd, scratch / "files-lxd", pools), Bench(ours, scratch / "files-holdfast", pools))
            for bench, place in zip(benches, (lxd_disk, our_disk), strict=True):
                bench.lxc.run("storage", "create", "plain", "dir", f"source={place}")
                bench.lxc.run("storage", "create", "big", "btrfs", "size=20GiB")
                bench.lxc.run("image", "import", image, "--alias", "bench")
            for kind in kinds:
                for bench in benches:
                    prepare(bench.server, kind)
                for number in range(rounds):
                    for bench in benches if number % 2 == 0 else reversed(benches):
                        bench.round(kind, compressions)
                    limits(ours, kind, found)
                for bench in benches:
                    bench.remove_taken()
                    bench.lxc.run("delete", "work")
            peak = peak_mib(ours.pid)
            for bench in benches:
                bench.lxc.run("image", "delete", "bench")
                for pool in POOLS.values():
                    bench.lxc.run("storage", "delete", pool)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return *benches, found, peak


def table(theirs: Bench, ours: Bench, found: Times, peak: float) -> str:
    """Return Markdown: medians in seconds, sizes in MiB."""
    lines = [
        "| work | LXD, s | Holdfast, s | LXD / Holdfast | LXD, MiB | Holdfast, MiB |",
        "|---|---|---|---|---|---|",
    ]
    for work, times in ours.times.items():
        mine = statistics.median(times)
        plain = work.removesuffix(" (holdfast)")
        other = statistics.median(theirs.times[plain])
        sizes = [f"{bench.sizes[plain] / 2**20:.0f}" if plain in bench.sizes else "" for bench in (theirs, ours)]
        lines.append(f"| {work} | {other:.2f} | {mine:.2f} | {other / mine:.1f} | {' | '.join(sizes)} |")
    lines += ["", "| limit | s |", "|---|---|"]
    lines += [f"| {name.removeprefix('limit: ')} | {statistics.median(times):.2f} |" for name, times in found.items()]
    return "\n".join([*lines, "", f"Peak memory of the server: {peak:.0f} MiB ({COMMAND.name} server)."])


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--pools", nargs="+", choices=list(POOLS), default=list(POOLS))
    parser.add_argument("--compressions", nargs="+", choices=COMPRESSIONS, default=list(COMPRESSIONS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--markdown", type=Path)
    options = parser.parse_args()
    text = table(*measure(options.image, options.pools, options.compressions, options.rounds))
    report(text, options.rounds, options.markdown)


if __name__ == "__main__":
    main()
