"""Our own command line against a server's socket, on a pipe or on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from support.waiting import LONG_S, await_true

COMMAND = Path(sys.executable).with_name("holdfast")
_LOCAL_FLAGS = 3


class Cli:
    """The `holdfast` command, pointed at one socket; `conf` is where its user's remotes are."""

    def __init__(self, socket: Path, conf: Path | None = None) -> None:
        self.environment = {**os.environ, "HOLDFAST_SOCKET": str(socket), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        if conf is not None:
            self.environment["HOLDFAST_CONF"] = str(conf)

    def result(self, *words: str | Path, stdin: str | bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command and return what happened."""
        return subprocess.run(
            [COMMAND, *map(str, words)],
            env=self.environment,
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=600,
            check=False,
        )

    def run(self, *words: str | Path, stdin: str | bytes = b"") -> str:
        """Run a command that must succeed; return its standard output."""
        done = self.result(*words, stdin=stdin)
        assert done.returncode == 0, f"holdfast {' '.join(map(str, words))}: {done.stderr.decode()}"
        return done.stdout.decode()

    def fails(self, *words: str | Path, stdin: str | bytes = b"") -> str:
        """Run a command that must fail with one line; return that line without its `Error: `."""
        done = self.result(*words, stdin=stdin)
        text = done.stderr.decode()
        assert done.returncode == 1, f"holdfast {' '.join(map(str, words))}: exit {done.returncode}: {text}"
        assert text.startswith("Error: ") and text.count("\n") == 1, text
        return text.removeprefix("Error: ").strip()

    def start_on_terminal(self, *words: str, columns: int = 100, rows: int = 30) -> Terminal:
        """Start a command on a terminal of its own."""
        return Terminal([str(COMMAND), *words], self.environment, columns, rows)


class Terminal:
    """A process on a pseudo terminal."""

    def __init__(self, words: list[str], environment: dict[str, str], columns: int, rows: int) -> None:
        self.master, slave = pty.openpty()
        self.resize(columns, rows)
        self.process = subprocess.Popen(
            words, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)
        self.seen = b""

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def write(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def expect(self, wanted: bytes, timeout_s: float = LONG_S) -> None:
        """Read until the text appears; fail when it doesn't come in time."""
        deadline = time.monotonic() + timeout_s
        while wanted not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{wanted!r} did not come: {self.seen!r}"
            try:
                self.seen += os.read(self.master, 65536)
            except OSError:
                raise AssertionError(f"{wanted!r} did not come before the end: {self.seen!r}") from None

    def answer_unseen(self, question: bytes, answer: bytes) -> None:
        """Type what isn't to be shown once the terminal shows nothing: what was typed before is thrown away then."""
        self.expect(question)
        await_true(lambda: not termios.tcgetattr(self.master)[_LOCAL_FLAGS] & termios.ECHO, "what is typed is hidden")
        self.write(answer)

    def end(self) -> int:
        """Read the rest, wait for the end and return the exit code."""
        try:
            while chunk := os.read(self.master, 65536):
                self.seen += chunk
        except OSError:
            pass  # a terminal whose last user is gone answers EIO
        code = self.process.wait(timeout=LONG_S)
        os.close(self.master)
        return code


def working_day(cli: Cli, tmp_path: Path, pool: str) -> None:
    """Say every common word once, on an image `tiny`, and check what each has done; leave nothing behind."""
    try:
        _day(cli, tmp_path, pool)
    finally:
        for name in ("day", "back", "twin", "twin2"):
            cli.result("delete", "--force", name)
        cli.result("profile", "delete", "extra")
        cli.result("image", "delete", "made")


def _day(cli: Cli, tmp_path: Path, pool: str) -> None:
    assert "tiny" in cli.run("image", "list", "--format", "csv")
    cli.run("launch", "tiny", "day", "-s", pool, "-c", "user.mark=1")
    assert cli.run("list", "day", "-c", "nsb", "--format", "csv") == f"day,RUNNING,{pool}\n"
    done = cli.result("exec", "day", "--", "sh", "-c", "cat; echo err >&2; exit 3", stdin="in")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"in", b"err\n")
    assert cli.result("exec", "day", "no-such-command").returncode == 127
    payload = os.urandom(1_000_000)
    assert cli.result("exec", "day", "cat", stdin=payload).stdout == payload
    cli.run("file", "push", "-", "day/root/data", "--uid", "1000", "--mode", "0640", stdin="precious")
    assert cli.run("exec", "day", "--", "stat", "-c", "%u %a", "/root/data").split() == ["1000", "640"]
    _files(cli, tmp_path)
    _configuration(cli)
    cli.run("snapshot", "day", "one")
    cli.run("snapshot", "day", "one", "--reuse")
    cli.run("exec", "day", "rm", "/root/data")
    cli.run("restore", "day", "one")
    assert cli.run("file", "pull", "day/root/data", "-") == "precious"
    assert "| one" in cli.run("info", "day")
    cli.run("export", "day", tmp_path / "day.tar.gz")
    assert sorted(path.name for path in tmp_path.glob("day*")) == ["day.tar.gz"]
    cli.run("import", tmp_path / "day.tar.gz", "back", "-s", pool)
    assert cli.run("file", "pull", "back/root/data", "-") == "precious"
    cli.run("copy", "day/one", "twin")
    cli.run("rename", "twin", "twin2")
    cli.run("publish", "day/one", "--alias", "made", "description=from a test")
    assert "from a test" in cli.run("image", "info", "made")
    cli.run("image", "delete", "made")
    assert "is running" in cli.fails("delete", "day")
    cli.run("pause", "day")
    cli.run("start", "day")
    cli.run("restart", "day", "--force")
    cli.run("stop", "day", "--force")
    cli.run("delete", "day", "back", "twin2")
    assert cli.run("list", "--format", "csv") == ""
    assert cli.fails("info", "day") == "Instance not found"


def _files(cli: Cli, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    (tree / "sub" / "file").write_text("content")
    (tree / "link").symlink_to("sub/file")
    cli.run("file", "push", "-r", tree, "day/root/")
    cli.run("file", "pull", "-r", "day/root/tree", tmp_path / "pulled")
    assert (tmp_path / "pulled/tree/sub/file").read_text() == "content"
    assert os.readlink(tmp_path / "pulled/tree/link").endswith("sub/file")  # real LXD tells links as absolute paths
    assert cli.run("file", "list", "day/root/tree").split() == ["link", "sub"]
    cli.run("file", "delete", "day/root/tree/link")
    assert "ot" in cli.fails("file", "pull", "day/root/tree/link", "-")


def _configuration(cli: Cli) -> None:
    cli.run("config", "set", "day", "user.word=one", "user.other=two")
    cli.run("config", "set", "day", "user.word", "three")
    assert cli.run("config", "get", "day", "user.word") == "three\n"
    cli.run("config", "unset", "day", "user.word")
    shown = cli.run("config", "show", "day")
    assert "user.word" not in shown
    cli.run("config", "edit", "day", stdin=shown.replace('description: ""', "description: edited"))
    assert "description: edited" in cli.run("config", "show", "day", "--expanded")
    assert "nope.key" in cli.fails("config", "set", "day", "nope.key=1")
    cli.run("config", "device", "add", "day", "shared", "disk", "source=/usr/share", "path=/mnt")
    assert cli.run("config", "device", "get", "day", "shared", "path") == "/mnt\n"
    cli.run("config", "device", "remove", "day", "shared")
    cli.run("profile", "create", "extra", stdin="config:\n  user.from: profile\n")
    cli.run("profile", "add", "day", "extra")
    assert cli.run("config", "get", "day", "user.from", "--expanded") == "profile\n"
    cli.run("profile", "remove", "day", "extra")
    cli.run("profile", "delete", "extra")
