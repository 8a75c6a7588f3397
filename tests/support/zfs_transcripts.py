"""Transcripts of the `zfs` and `zpool` command lines: taken where the kernel has ZFS, played back where it hasn't.

A transcript is text. `# words` says what is done, `$ words` is a command line, `< text` a line of what it printed,
`<< base64` compressed bytes of a stream, `! code text` its failure; `>> size` is what was fed into it. `DIR` stands for
the test's directory. A failure that the taker made instead of running the command ends in `(injected)`.

Playing back is strict: each command line must be the next one of the transcript. So that code that looks at trees sees
some, directories follow the commands: a dataset is a directory, a snapshot a copy of it.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shlex
import shutil
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from holdfast.host import processes, zfs
from holdfast.host.processes import Argument, Completed
from holdfast.model.errors import CommandError

GOLDEN = Path(__file__).parents[1] / "golden" / "zfs"
INJECTED = "cannot do that: pool I/O is currently suspended"
_READING = (("zfs", "get"), ("zfs", "list"), ("zpool", "list"))
Fails = Callable[[Sequence[str]], bool]


@dataclass
class Entry:
    """One command line with what came of it."""

    words: list[str]
    output: list[str] = field(default_factory=list)
    stream: bytes | None = None
    fed_bytes: int | None = None
    code: int = 0
    error: str = ""

    def text(self) -> str:
        lines = [f"$ {shlex.join(self.words)}", *(f"< {line}" for line in self.output)]
        if self.stream is not None:
            lines.append(f"<< {base64.b64encode(zlib.compress(self.stream, 9)).decode()}")
        if self.fed_bytes is not None:
            lines.append(f">> {self.fed_bytes}")
        if self.code:
            lines += [f"! {self.code} {line}" for line in self.error.splitlines() or [""]]
        return "\n".join(lines)


class Teller:
    """What takers and players have in common: headings, and failures that a scenario asks for."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.failing: Fails | None = None
        self.failure = ""

    def say(self, words: str) -> None:
        raise NotImplementedError

    @contextlib.contextmanager
    def failure_of(self, *words: str, text: str = INJECTED) -> Iterator[None]:
        """Let the next command line that begins so fail."""
        self.failure = f"{text} (injected)"
        self.failing = lambda argv: list(argv[: len(words)]) == list(words)
        yield
        assert self.failing is None, f"{words} was never run"

    def is_to_fail(self, argv: Sequence[str]) -> bool:
        if self.failing is None or not self.failing(argv):
            return False
        self.failing = None
        return True

    def general(self, text: str) -> str:
        return text.replace(str(self.directory), "DIR")


class Taker(Teller):
    """Runs the commands, and writes down what came of them."""

    def __init__(self, directory: Path, file: Path) -> None:
        super().__init__(directory)
        self._file = file
        self._parts: list[str] = []

    def say(self, words: str) -> None:
        self._parts.append(f"# {words}")

    def close(self) -> None:
        self._file.write_text("\n".join(self._parts) + "\n")

    def run(
        self, argv: Sequence[Argument], *, allowed_codes: Collection[int] = (0,), stdin: IO[bytes] | None = None
    ) -> Completed:
        entry = Entry([self.general(str(word)) for word in argv])
        try:
            self._fail_if_asked(argv)
            done = processes.run(argv, allowed_codes=allowed_codes, stdin=stdin)
            entry.output = self.general(done.stdout.decode()).splitlines()
            return done
        except CommandError as error:
            entry.code, entry.error = error.code, self.general(error.stderr)
            raise
        finally:
            self._parts.append(entry.text())

    def _fail_if_asked(self, argv: Sequence[Argument]) -> None:
        if self.is_to_fail([str(word) for word in argv]):
            raise CommandError([str(word) for word in argv], 1, self.failure)

    @contextlib.contextmanager
    def pipe(
        self, argv: Sequence[Argument], *, stdin: int | None = None, stdout: int | None = None
    ) -> Iterator[StoredProcess]:
        entry = Entry([self.general(str(word)) for word in argv])
        fed = _memory()
        try:
            self._fail_if_asked(argv)
            if stdout is not None:
                with processes.pipe(argv, stdout=stdout) as process:
                    entry.stream = process.stdout.read()
                yield StoredProcess(entry.stream, fed)
            else:
                yield StoredProcess(b"", fed)
                fed.seek(0)
                entry.fed_bytes = len(fed.read())
                fed.seek(0)
                processes.run(argv, stdin=fed)
        except CommandError as error:
            entry.code, entry.error = error.code, self.general(error.stderr)
            raise
        finally:
            self._parts.append(entry.text())


class StoredProcess:
    """Stands for a process whose streams are files."""

    def __init__(self, output: bytes, fed: IO[bytes]) -> None:
        self.stdin = fed
        self.stdout = _memory()
        self.stdout.write(output)
        self.stdout.seek(0)


class Player(Teller):
    """Gives the answers of a transcript, and fails at the first command line that isn't the next one."""

    def __init__(self, directory: Path, text: str) -> None:
        super().__init__(directory)
        self._entries = list(_parsed(text))
        self._trees = Trees(directory)

    def say(self, words: str) -> None:
        found = self._entries.pop(0)
        assert found == words, f"the scenario goes on with {words!r}, the transcript with {found!r}"

    def close(self) -> None:
        assert not self._entries, f"the transcript goes on with {self._entries[0]!r}"

    def run(self, argv: Sequence[Argument], *, allowed_codes: Collection[int] = (0,)) -> Completed:
        entry = self._next(argv)
        if entry.code not in allowed_codes:
            raise CommandError([str(word) for word in argv], entry.code, self._special(entry.error))
        if not entry.code:
            self._trees.follow([str(word) for word in argv])
        output = "".join(f"{self._special(line)}\n" for line in entry.output)
        return Completed(stdout=output.encode(), stderr=entry.error, code=entry.code)

    @contextlib.contextmanager
    def pipe(
        self, argv: Sequence[Argument], *, stdin: int | None = None, stdout: int | None = None
    ) -> Iterator[StoredProcess]:
        entry = self._next(argv)
        if entry.code and entry.stream is None and entry.fed_bytes is None:
            raise CommandError([str(word) for word in argv], entry.code, self._special(entry.error))
        fed = _memory()
        yield StoredProcess(entry.stream or b"", fed)
        if entry.fed_bytes is not None:
            fed.seek(0)
            assert len(fed.read()) == entry.fed_bytes
        if entry.code:
            raise CommandError([str(word) for word in argv], entry.code, self._special(entry.error))

    def _next(self, argv: Sequence[Argument]) -> Entry:
        words = [self.general(str(word)) for word in argv]
        self.is_to_fail([str(word) for word in argv])
        found = self._entries.pop(0) if self._entries else None
        wanted = found.words if isinstance(found, Entry) else found
        assert words == wanted, f"ran {shlex.join(words)!r}, where the transcript has {wanted!r}"
        assert isinstance(found, Entry)
        return found

    def _special(self, text: str) -> str:
        return text.replace("DIR", str(self.directory))


class Trees:
    """Directories that follow the commands, as mounted datasets would."""

    def __init__(self, directory: Path) -> None:
        self._tops: dict[str, Path] = {}
        self._kept = directory / "kept-by-snapshots"

    def follow(self, argv: Sequence[str]) -> None:
        if tuple(argv[:2]) in _READING:
            return
        program, verb, *rest = argv
        given = dict(word.split("=", 1) for word in rest if "=" in word and not word.startswith("-"))
        if program == "zpool":
            if verb == "create":
                self._tops[rest[-2]] = Path(given["mountpoint"])
                self._tops[rest[-2]].mkdir(exist_ok=True)
            elif verb == "destroy":
                shutil.rmtree(self._tops.pop(rest[-1]))
        elif verb == "create":
            if "mountpoint" in given:
                self._tops[rest[-1]] = Path(given["mountpoint"])
            self._tree(rest[-1]).mkdir(exist_ok=True)
        elif verb == "snapshot":
            shutil.copytree(self._tree(rest[0].partition("@")[0]), self._copy(rest[0]), symlinks=True)
        elif verb == "clone":
            self._clone(self._copy(rest[-2]), self._tree(rest[-1]))
        elif verb == "rename":
            if "@" in rest[0]:
                self._copy(rest[0]).rename(self._copy(rest[1]))
            else:
                self._tree(rest[0]).rename(self._tree(rest[1]))
        elif verb == "destroy":
            shutil.rmtree(self._copy(rest[-1]) if "@" in rest[-1] else self._tree(rest[-1]), ignore_errors=True)

    def _clone(self, kept: Path, tree: Path) -> None:
        """Show what a snapshot holds; of one that was received nothing is known."""
        if kept.exists():
            shutil.copytree(kept, tree, symlinks=True)
        else:
            tree.mkdir()

    def _tree(self, dataset: str) -> Path:
        top = max((top for top in self._tops if f"{dataset}/".startswith(f"{top}/")), key=len)
        return self._tops[top] / dataset.removeprefix(top).lstrip("/")

    def _copy(self, snapshot: str) -> Path:
        """Snapshots change their dataset by a promotion, but not their name, which is used once in a scenario."""
        self._kept.mkdir(exist_ok=True)
        return self._kept / snapshot.partition("@")[2]


def _memory() -> IO[bytes]:
    return os.fdopen(os.memfd_create("stream", os.MFD_CLOEXEC), "w+b")


def _parsed(text: str) -> Iterator[str | Entry]:
    entry: Entry | None = None
    for line in text.splitlines():
        sign, _, rest = line.partition(" ")
        if sign in "#$" and entry is not None:
            yield entry
            entry = None
        if sign == "#":
            yield rest
        elif sign == "$":
            entry = Entry(shlex.split(rest))
        elif entry is not None and sign == "<":
            entry.output.append(rest)
        elif entry is not None and sign == "<<":
            entry.stream = zlib.decompress(base64.b64decode(rest))
        elif entry is not None and sign == ">>":
            entry.fed_bytes = int(rest)
        elif entry is not None and sign == "!":
            code, _, error = rest.partition(" ")
            entry.code, entry.error = int(code), f"{entry.error}{error}\n"
    if entry is not None:
        yield entry


def real_streams() -> list[bytes]:
    """Return streams that ZFS made: of snapshots s0 and s1 and of the volume, each a difference to the one before."""
    entries = _parsed((GOLDEN / "streams.transcript").read_text())
    found = [entry.stream for entry in entries if isinstance(entry, Entry) and entry.stream is not None]
    return list(dict.fromkeys(found))[:3]


@contextlib.contextmanager
def in_place(teller: Taker | Player, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let all commands of ZFS go through a taker or player."""
    with monkeypatch.context() as patch:
        patch.setattr(zfs, "run", teller.run)
        patch.setattr(zfs, "pipe", teller.pipe)
        yield
    teller.close()
