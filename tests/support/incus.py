"""Start a real Incus beside ours, installed or unpacked into the clone, and speak to it with real `incus`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import yaml

from support.missed_end import MissedEndError, run_watched

_UNPACKED = Path(__file__).parents[2] / ".incus"
_ROOTS = (Path("/"), _UNPACKED)
SEARCHED = ":".join(str(root / place) for root in _ROOTS for place in ("usr/libexec/incus", "usr/bin"))
"""Where its programs are: the daemon is in no path."""


def _environment(directory: Path) -> dict[str, str]:
    libraries = [str(path.parent) for path in _UNPACKED.glob("usr/lib/*/libcowsql.so.0")]
    return {
        "PATH": f"{SEARCHED}:{os.environ['PATH']}",
        "HOME": str(directory.with_name(directory.name + "-client")),
        "INCUS_DIR": str(directory),
        "INCUS_CONF": str(directory.with_name(directory.name + "-client")),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
        **({"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {}),
    }


class IncusServer:
    """A real Incus with a dir pool `default`, a btrfs pool `bt` (loop file) and a root disk in its default profile."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._environment = _environment(directory)
        self._daemon = str(shutil.which("incusd", path=SEARCHED))
        self._client = str(shutil.which("incus", path=SEARCHED))

    def run(self, *arguments: str | Path, expect: int | None = 0) -> str:
        """Run `incus ARGUMENTS`; return its output, or what it says of a failure that is expected.

        Where it missed the end of an operation it goes on, or is asked again.
        """
        command = [self._client, *map(str, arguments)]
        try:
            done = run_watched(command, self._environment, b"", [self.directory / "unix.socket"])
        except MissedEndError as missed:
            return self._go_on(missed, arguments, expect)
        shown = f"incus {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stdout!r}\n{done.stderr!r}"
        assert expect is None or done.returncode == expect, shown
        return (done.stdout if expect in (0, None) else done.stderr).decode(errors="surrogateescape")

    def _go_on(self, missed: MissedEndError, arguments: tuple[str | Path, ...], expect: int | None) -> str:
        words = [str(argument) for argument in arguments]
        if words[0] == "export" or words[:3] == ["storage", "volume", "export"] or expect == 1:
            return self.run(*arguments, expect=expect)
        if words[0] == "delete":
            return self.run(*arguments, expect=None)
        return bytes(missed.output or b"").decode(errors="surrogateescape")

    def __enter__(self) -> IncusServer:
        self.directory.mkdir(parents=True)
        Path(self._environment["INCUS_CONF"]).mkdir(parents=True)
        self._log = self.directory.with_suffix(".log").open("wb")
        self._process = subprocess.Popen(
            [self._daemon, "--group", "root"],
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        try:
            wait = [self._daemon, "waitready", "--timeout", "120"]
            subprocess.run(wait, env=self._environment, check=True, capture_output=True)
            self.run("storage", "create", "default", "dir")
            self.run("storage", "create", "bt", "btrfs", "size=2GiB")
            self.run("profile", "device", "add", "default", "root", "disk", "path=/", "pool=default")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Remove every instance, image and pool, then stop the daemon, so that no mount or loop device stays."""
        for instance in yaml.safe_load(self.run("list", "--format", "json", expect=None) or "[]") or []:
            self.run("delete", "--force", instance["name"], expect=None)
        for image in yaml.safe_load(self.run("image", "list", "--format", "json", expect=None) or "[]") or []:
            self.run("image", "delete", image["fingerprint"], expect=None)
        self.run("profile", "device", "remove", "default", "root", expect=None)
        for pool in ("default", "bt"):
            self.run("storage", "delete", pool, expect=None)
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for name in ("guestapi", "shmounts"):
            subprocess.run(["umount", "-l", self.directory / name], check=False, capture_output=True)
        self._log.close()
