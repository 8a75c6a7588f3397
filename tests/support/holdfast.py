"""Start a real Holdfast daemon for a test, kill it, start it again; everything it made is removed at the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from holdfast.service.crashpoints import FAILURE_VARIABLE, FILE_MARK, VARIABLE
from support.lxd import LxcClient
from support.waiting import LONG_S

COMMAND = Path(sys.executable).with_name("holdfast")


class HoldfastServer:
    """A daemon on its own directory. `start` and `kill` may be called again and again; `lxc` speaks to its socket."""

    def __init__(self, directory: Path, *, with_pools: bool = True, enter: tuple[str, ...] = ()) -> None:
        """`enter` is a command that runs another one elsewhere, in a namespace for example."""
        self.directory, self._enter = directory, enter
        self.socket = directory / "unix.socket"
        self.lxc = LxcClient(self.socket, directory.with_name(directory.name + "-client"))
        self.log = directory.with_name(directory.name + ".log")
        self._crash_at = directory.with_name(directory.name + ".crash-at")
        self._fail_at = directory.with_name(directory.name + ".fail-at")
        self._with_pools = with_pools
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> HoldfastServer:
        self.directory.mkdir(parents=True, exist_ok=True)
        try:
            self.start()
            if self._with_pools:
                self.lxc.run("storage", "create", "default", "dir")
                self.lxc.run("storage", "create", "bt", "btrfs", "size=4GiB")
                self.lxc.run("profile", "device", "add", "default", "root", "disk", "path=/", "pool=default")
        except BaseException:
            self.__exit__()
            raise
        return self

    @property
    def pid(self) -> int:
        """The daemon's process id."""
        assert self._process is not None
        return self._process.pid

    def start(self, **environment: str) -> None:
        """Start the daemon and wait until it answers; the given variables are added to its environment."""
        self._crash_at.unlink(missing_ok=True)
        told = {VARIABLE: f"{FILE_MARK}{self._crash_at}", FAILURE_VARIABLE: f"{FILE_MARK}{self._fail_at}"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._enter, COMMAND, "server"],
                env={**os.environ, "HOLDFAST_DIR": str(self.directory), **told, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        done = self.holdfast("waitready", "--timeout", "120")
        assert done.returncode == 0, f"{done.stderr}\n{self.log.read_text()[-3000:]}"

    def holdfast(
        self, *arguments: str | Path, stdin: str = "", timeout_s: float = 600, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run our own command against this daemon; the given variables are added to its environment."""
        return subprocess.run(
            [COMMAND, *map(str, arguments)],
            env={**os.environ, "HOLDFAST_DIR": str(self.directory), **environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def crash_at(self, point: str) -> None:
        """Have the running daemon kill itself at this point, until it is started again."""
        self._crash_at.write_text(point)

    def fail_at(self, point: str, errno_name: str) -> None:
        """Have the step at this point fail, once."""
        self._fail_at.write_text(f"{point}={errno_name}")

    def has_failed(self) -> bool:
        """Tell whether the step has failed that was told to."""
        return not self._fail_at.exists()

    def kill(self) -> None:
        """End the daemon as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def wait_for_death(self, timeout_s: float = LONG_S) -> int:
        """Wait until the daemon has ended by itself; return its exit code (-9 after a crash point)."""
        assert self._process is not None
        return self._process.wait(timeout=timeout_s)

    def stop(self) -> int:
        """End the daemon in the clean way; return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=LONG_S)

    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def __exit__(self, *_: object) -> None:
        if not self.is_alive():
            self.start()
        for protection in json.loads(self.lxc.run("query", "/1.0/protections", expect=None) or "[]"):
            self.lxc.run("query", "-X", "DELETE", protection, expect=None)
        for project in [each["name"] for each in self._json("project", "list")]:
            self._clear(f"--project={project}")
        for pool in self._json("storage", "list"):
            for volume in self._volumes(pool["name"]):
                project = f"--project={volume['project']}"
                self.lxc.run("storage", "volume", "delete", pool["name"], volume["name"], project, expect=None)
        for pool in self._json("storage", "list"):
            self.lxc.run("storage", "delete", pool["name"], expect=None)
        self.stop()

    def _clear(self, project: str) -> None:
        """Remove what keeps pools in use: a container that runs holds on to their mounts and loop devices."""
        for instance in self._json("list", project):
            self.lxc.run("delete", "--force", instance["name"], project, expect=None)
        for image in self._json("image", "list", project):
            self.lxc.run("image", "delete", image["fingerprint"], project, expect=None)
        self.lxc.run("profile", "device", "remove", "default", "root", project, expect=None)

    def _volumes(self, pool: str) -> list[dict[str, str]]:
        path = f"/1.0/storage-pools/{pool}/volumes/custom?recursion=1&all-projects=true"
        found: list[dict[str, str]] = json.loads(self.lxc.run("query", path, expect=None) or "[]")
        return [volume for volume in found if "/" not in volume["name"]]

    def _json(self, *command: str) -> list[dict[str, str]]:
        text = self.lxc.run(*command, "--format", "json", expect=None)
        found: list[dict[str, str]] = json.loads(text or "[]")
        return found or []


def build_busybox_image(server: HoldfastServer, file_stem: Path) -> Path:
    """Have the server build the small busybox image, alias `busybox`; return it exported as a file."""
    done = server.holdfast("image", "build", "busybox", "--alias", "busybox")
    assert done.returncode == 0, done.stderr
    server.lxc.run("image", "export", "busybox", file_stem)
    return next(file_stem.parent.glob(f"{file_stem.name}*"))


def short_directory() -> Path:
    """Return a fresh directory with a short path (unix socket addresses end at 107 bytes)."""
    directory = Path(tempfile.mkdtemp(prefix="hf-"))
    directory.chmod(0o711)  # real LXD starts containers as a user that must reach its directory
    return directory
