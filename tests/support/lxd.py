"""Start a real LXD of the distribution beside ours, in a directory of its own, and speak to servers with real `lxc`."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.missed_end import MissedEndError, run_watched


def require_lxd() -> None:
    """Skip, by name, where the distribution's LXD or its client is not installed."""
    for program in ("lxd", "lxc"):
        if shutil.which(program) is None:
            pytest.skip(
                f"needs {program} of the distribution (package {program if program == 'lxd' else 'lxd-client'})"
            )


class LxcClient:
    """The real `lxc` command, pointed at one unix socket, with a configuration directory of its own."""

    def __init__(self, socket: Path, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LXD_CONF": str(home),
            "LXD_SOCKET": str(socket),
            "LXD_DIR": str(socket.parent),
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
        }
        (home / "config.yml").write_text("default-remote: local\nremotes: {}\naliases: {}\n")

    def run(self, *arguments: str | Path, stdin: str | bytes | None = None, expect: int | None = 0) -> str:
        """Run `lxc ARGUMENTS`; return standard output; fail the test on another exit code than `expect` (None: any)."""
        done = self.result(*arguments, stdin=stdin)
        shown = f"lxc {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout!r}\n{done.stderr!r}"
        assert expect is None or done.returncode == expect, shown
        return done.stdout.decode(errors="surrogateescape")

    def result(
        self, *arguments: str | Path, stdin: str | bytes | None = None, timeout_s: float = 600
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `lxc ARGUMENTS` and return what happened."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        return subprocess.run(
            ["lxc", *map(str, arguments)],
            env=self.environment,
            input=data if data is not None else b"",
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )

    def heard(self, instance: str, *command: str) -> str:
        """Return what a command in an instance writes."""
        return self.run("exec", instance, "--", *command)

    def yaml(self, *arguments: str | Path) -> Any:
        """Run a command that prints YAML or JSON and return the document."""
        return yaml.safe_load(self.run(*arguments))


class LxdClient(LxcClient):
    """`lxc` at a real LXD 5.0.2, or between one and others.

    It may miss the end of what it waits for (`support.missed_end`). Then `run` goes on with what such a command does
    after its first operation, so that the test's next look at the server tells whether all was done.
    """

    def __init__(
        self, socket: Path, home: Path, *, asked: tuple[Path, ...] = (), remotes: tuple[str, ...] = ()
    ) -> None:
        """`asked` are the sockets of the servers that take part, the one at `socket` if there are none.

        With `remotes`, LXD has these names here, and takes part where one of them is in the command: a client that
        misses an end elsewhere waits for ever, and fails.
        """
        super().__init__(socket, home)
        self._servers, self._remotes = asked or (socket,), tuple(f"{remote}:" for remote in remotes)

    def run(self, *arguments: str | Path, stdin: str | bytes | None = None, expect: int | None = 0) -> str:
        try:
            return super().run(*arguments, stdin=stdin, expect=expect)
        except MissedEndError as missed:
            if expect not in (0, None):
                raise
            self._go_on([str(argument) for argument in arguments])
            return bytes(missed.output or b"").decode(errors="surrogateescape")

    def _go_on(self, words: list[str]) -> None:
        match words:
            case ["export", *_] | ["storage", "volume", "export", *_]:
                self.run(*words)  # the file is written after the end
            case ["delete", *_]:
                self.run(*words, expect=None)  # one that ran was only stopped, maybe
            case ["launch", _, name, *_]:
                self.run("start", name, expect=None)
            case ["image", "import", *_]:
                self._forget_nameless_images()
                self.run(*words)  # aliases are given after the end

    def _forget_nameless_images(self) -> None:
        for image in json.loads(self.run("image", "list", "--format", "json")):
            if not image["aliases"] and not image["cached"]:
                self.run("image", "delete", image["fingerprint"])

    def result(
        self, *arguments: str | Path, stdin: str | bytes | None = None, timeout_s: float = 600
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `lxc ARGUMENTS` and return what happened; raise `MissedEndError` where it will never end."""
        words = [str(argument) for argument in arguments]
        if self._remotes and not any(word.startswith(self._remotes) for word in words):
            return super().result(*words, stdin=stdin, timeout_s=timeout_s)
        data = stdin.encode() if isinstance(stdin, str) else stdin or b""
        return run_watched(["lxc", *words], self.environment, data, self._servers, timeout_s=timeout_s)

    def refused(self, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
        """Run what is refused, and return what was said; where the client missed that, ask again."""
        for _ in range(10):
            with contextlib.suppress(MissedEndError):
                return self.result(*arguments)
        raise AssertionError(f"lxc {' '.join(map(str, arguments))}: the client waited for ever each time")

    def heard(self, instance: str, *command: str) -> str:
        """Return what a command in an instance writes; LXD 5.0.2 now and then loses all of it, and is asked again."""
        return next(filter(None, (super(LxdClient, self).heard(instance, *command) for _ in range(4))), "")


class LxdServer:
    """A real LXD with a dir pool `default`, a btrfs pool `bt` (loop file) and a default profile with a root disk."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.socket = directory / "unix.socket"
        self.lxc = LxdClient(self.socket, directory.with_name(directory.name + "-client"))

    def __enter__(self) -> LxdServer:
        self.directory.mkdir(parents=True)
        self._log = self.directory.with_suffix(".log").open("wb")
        environment = {**os.environ, "LXD_DIR": str(self.directory)}
        self._process = subprocess.Popen(
            ["lxd", "--group", "root"], env=environment, stdout=self._log, stderr=self._log, start_new_session=True
        )
        try:
            subprocess.run(["lxd", "waitready", "--timeout", "120"], env=environment, check=True, capture_output=True)
            self.lxc.run("storage", "create", "default", "dir")
            self.lxc.run("storage", "create", "bt", "btrfs", "size=4GiB")
            self.lxc.run("profile", "device", "add", "default", "root", "disk", "path=/", "pool=default")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Remove every instance, image and pool, then stop the daemon, so that no mount or loop device stays."""
        for instance in self._names("list"):
            self.lxc.run("delete", "--force", instance, expect=None)
        for image in yaml.safe_load(self.lxc.run("image", "list", "--format", "json", expect=None) or "[]") or []:
            self.lxc.run("image", "delete", image["fingerprint"], expect=None)
        self.lxc.run("profile", "device", "remove", "default", "root", expect=None)
        for pool in ("default", "bt"):
            self.lxc.run("storage", "delete", pool, expect=None)
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for name in ("devlxd", "shmounts", "guestapi"):
            subprocess.run(["umount", "-l", self.directory / name], check=False, capture_output=True)
        self._log.close()

    def _names(self, *command: str) -> list[str]:
        text = self.lxc.run(*command, "--format", "json", expect=None)
        return [item["name"] for item in yaml.safe_load(text or "[]") or []]
