"""Trees by rsync: one run on each side for each tree, their bytes in a stream of the data channel both ways.

The sender's arguments never reach the other side, so both must run with the options that were agreed on. The sender
is rsync's client, which wants to start its other side itself: what it starts is a bridge to our pipes.
The receiver is confined to the tree that it writes, as everything it gets comes from outside; the sender is confined to
the tree that it reads, and sees it read-only.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from holdfast.host.confine import FORMER, INPUT, LOG, confined
from holdfast.host.failures import WORDS, shortage
from holdfast.host.processes import PIPE, Process, run
from holdfast.migration.channels import DataChannel
from holdfast.migration.header import RsyncFeatures
from holdfast.migration.rsync_log import FORMAT, Listing, read_listing
from holdfast.model.errors import CommandError, HoldfastError, MigrationError
from holdfast.streams.copy import BUFFER_BYTES, Progress, pump

_BRIDGE: Final = Path(__file__).with_name("rsync_bridge.sh")
_VANISHED: Final = 24
"""Exit code: files went away while the tree was read."""
_RECEIVER: Final = (
    "--server",
    "-vlogDtpre.iLsfx",
    "--numeric-ids",
    "--devices",
    "--partial",
    "--sparse",
    "--modify-window=-1",
)


@dataclass(frozen=True, slots=True)
class RsyncOptions:
    """What was agreed on, and what is this side's own business."""

    features: RsyncFeatures
    bwlimit: str = ""
    """As rsync takes it; empty for none. Only the sender has a use for it."""
    may_vanish: bool = False


def send_tree(channel: DataChannel, tree: Path, options: RsyncOptions, *, progress: Progress | None = None) -> None:
    """Send what the directory holds, as one stream; raise `MigrationError` with rsync's words if that failed.

    `--blocking-io`: the bridge writes into the socket that rsync gives it as into a pipe.
    """
    limit = [f"--bwlimit={options.bwlimit}"] if options.bwlimit else []
    arguments = [
        "-ar",
        "--blocking-io",
        "--devices",
        "--numeric-ids",
        "--partial",
        "--sparse",
        *limit,
    ]
    arguments += [*_agreed(options), "-e", f"sh {INPUT}", "/target/", "localhost:/target"]
    start = confined(
        "rsync", arguments, tree, given=_BRIDGE, stdin=PIPE, stdout=PIPE, is_read_only=True, spare_pipes=True
    )
    allowed = (0, _VANISHED) if options.may_vanish else (0,)
    _run(start, channel, "Rsync send failed", allowed, out=progress)


def receive_tree(channel: DataChannel, tree: Path, options: RsyncOptions, *, progress: Progress | None = None) -> None:
    """Make the directory hold what the next stream brings."""
    arguments = [*_RECEIVER, *_agreed(options), ".", "/target/"]
    _run(
        confined("rsync", arguments, tree, stdin=PIPE, stdout=PIPE),
        channel,
        "Rsync receive failed",
        (0,),
        into=progress,
        may_lack_space=True,
    )


def receive_differences(
    channel: DataChannel, tree: Path, former: Path, options: RsyncOptions, *, progress: Progress | None = None
) -> Listing:
    """Make in the empty directory what the next stream has that isn't the same in `former`; return what all it has.

    Directories are made all the same. What is different in attributes alone is a copy of the former file.
    """
    with TemporaryDirectory(dir=tree.parent, prefix=f"{tree.name}.") as beside:
        notes = Path(beside) / "notes"
        notes.touch(0o600)
        arguments = [
            *_RECEIVER,
            f"--compare-dest={FORMER}/",
            *_at_once(),
            "--log-format=%i%I",  # every entry is to be noted, not only what isn't the same
            f"--log-file={LOG}",
            f"--log-file-format={FORMAT}",
            *_agreed(options),
            ".",
            "/target/",
        ]
        _run(
            confined("rsync", arguments, tree, former=former, log=notes, stdin=PIPE, stdout=PIPE),
            channel,
            "Rsync receive failed",
            (0,),
            into=progress,
            may_lack_space=True,
        )
        with notes.open("rb") as lines:
            return read_listing(lines)


@cache
def _at_once() -> tuple[str, ...]:
    """Return what makes rsync open paths of `FORMER` at once, where it has such an option (3.5 has).

    Else it goes there step by step, so that others can't put links in its way meanwhile: two thirds of its time where
    nothing changed. Here there are no others; where it gets by links is for `confined` to bound, and who links what is
    unchanged follows none.
    """
    wanted = "--insecure-links"
    return (wanted,) if wanted in run(["rsync", "--help"]).stdout.decode(errors="replace") else ()


def _agreed(options: RsyncOptions) -> list[str]:
    features = options.features
    return [
        *(["--xattrs", "--filter=-x security.selinux"] if features.xattrs else []),
        *(["--delete"] if features.delete else []),
        *(["--compress", "--compress-level=2"] if features.compress else []),
    ]


def _run(
    start: AbstractContextManager[Process],
    channel: DataChannel,
    failure: str,
    allowed_codes: Sequence[int],
    *,
    out: Progress | None = None,
    into: Progress | None = None,
    may_lack_space: bool = False,
) -> None:
    """Bridge a process and the stream until both have ended; who fails first ends the other.

    Only who receives can lack space: whatever rsync says of that where it sends is of the other side.
    """
    try:
        with start as process:
            feeder = _Feeder(channel, process, into)
            feeder.start()
            try:
                pump(_Pipe(process.stdout.fileno()), channel, progress=out)
                channel.end()
                process.wait(allowed_codes=allowed_codes)
            except BaseException:
                first = feeder.error  # before it is woken by what follows
                channel.socket.abort()
                process.kill()
                feeder.join()
                if first is not None:
                    raise first from None
                raise
            feeder.join()
            if feeder.error is not None:
                raise feeder.error
    except CommandError as error:
        lines = [line for line in error.stderr.strip().splitlines() if line.strip()]
        lacking = shortage(error.stderr)
        told = WORDS[lacking] if lacking else lines[0] if lines else error
        kind = lacking if lacking and may_lack_space else MigrationError
        raise kind(f"{failure}: {told} (exit status {error.code})") from error


class _Feeder(threading.Thread):
    """Gives the process what the stream brings; one that has ended early leaves the rest of the stream unread by it."""

    def __init__(self, channel: DataChannel, process: Process, progress: Progress | None) -> None:
        super().__init__(daemon=True, name="migration feeder")
        self._channel, self._process, self._progress = channel, process, progress
        self.error: HoldfastError | None = None

    def run(self) -> None:
        try:
            self._feed()
        except HoldfastError as error:
            self.error = error
            self._process.kill()

    def _feed(self) -> None:
        buffer = memoryview(bytearray(BUFFER_BYTES))
        is_listening, fed_bytes = True, 0
        while count := self._channel.readinto(buffer):
            left = buffer[:count]
            fed_bytes += count
            if self._progress is not None:
                self._progress(fed_bytes)
            while left and is_listening:
                try:
                    left = left[os.write(self._process.stdin.fileno(), left) :]
                except (BrokenPipeError, ValueError):
                    is_listening = False
        self._process.stdin.close()


class _Pipe:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def readinto(self, buffer: memoryview, /) -> int:
        return os.readv(self._descriptor, [buffer])
