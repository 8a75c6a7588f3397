"""Start a real LXD of the distribution beside ours, in a directory of its own, and speak to servers with real `lxc`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml


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
        self, *arguments: str | Path, stdin: str | bytes | None = None, timeout_s: float = 240
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

    def yaml(self, *arguments: str | Path) -> Any:
        """Run a command that prints YAML or JSON and return the document."""
        return yaml.safe_load(self.run(*arguments))


class MissedEndError(subprocess.TimeoutExpired):
    """The client waits for the end of an operation that the server has no more."""


class LxdClient(LxcClient):
    """`lxc` at a real LXD 5.0.2.

    In about one of 15 tries the server is done with a quick operation before the client listens to its events, and the
    client waits for ever. Here it is ended as soon as it idles and the server works at nothing. Whether the operation
    was a success can't be asked any more: `run` goes on, so that the test's next look at the server tells.
    """

    _LOOK_EACH_S = 10

    def run(self, *arguments: str | Path, stdin: str | bytes | None = None, expect: int | None = 0) -> str:
        try:
            return super().run(*arguments, stdin=stdin, expect=expect)
        except MissedEndError as missed:
            if expect not in (0, None):
                raise
            return bytes(missed.output or b"").decode(errors="surrogateescape")

    def result(
        self, *arguments: str | Path, stdin: str | bytes | None = None, timeout_s: float = 240
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `lxc ARGUMENTS` and return what happened; raise `MissedEndError` where it will never end."""
        command = ["lxc", *map(str, arguments)]
        data: bytes | None = stdin.encode() if isinstance(stdin, str) else stdin or b""
        latest = time.monotonic() + timeout_s
        pipe = subprocess.PIPE
        with subprocess.Popen(command, env=self.environment, stdin=pipe, stdout=pipe, stderr=pipe) as process:
            while True:
                left = latest - time.monotonic()
                try:
                    out, err = process.communicate(data, timeout=min(left, self._LOOK_EACH_S))
                    return subprocess.CompletedProcess(command, process.returncode, out, err)
                except subprocess.TimeoutExpired as waited:
                    data = None  # the rest of it, if any, is sent by the next call
                    has_missed = left > self._LOOK_EACH_S and self._has_missed(process)
                    if left <= self._LOOK_EACH_S or has_missed:
                        process.kill()
                        error = MissedEndError if has_missed else subprocess.TimeoutExpired
                        raise error(command, timeout_s, waited.output, waited.stderr) from None

    def _has_missed(self, process: subprocess.Popen[bytes]) -> bool:
        """Tell whether the client does nothing, and the server has nothing running, for three seconds."""
        before = _cpu_ticks(process.pid)
        for _ in range(3):
            asked = super().result("operation", "list", "--format", "csv")
            if asked.returncode != 0 or asked.stdout.strip():
                return False
            time.sleep(1)
        return process.poll() is None and _cpu_ticks(process.pid) == before


def _cpu_ticks(pid: int) -> list[str]:
    """Return the time that a process used in user and kernel mode, or nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:
        return []


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
