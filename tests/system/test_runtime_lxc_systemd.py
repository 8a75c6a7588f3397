"""A real Debian with systemd as an unprivileged container: it boots, reboots and shuts down cleanly."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from holdfast.model.kinds import StatusCode
from holdfast.runtime.base import ExecSpec, StartSpec
from holdfast.runtime.lxc.runtime import LxcRuntime

pytestmark = [
    pytest.mark.root,
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.needs("mmdebstrap", "lxc-start"),
]
KEY = "debian"
PATH = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


@dataclass
class Debian:
    runtime: LxcRuntime
    spec: StartSpec

    def output(self, *command: str) -> str:
        """Run a command inside and return what it wrote."""
        out = os.memfd_create("out")
        spec = ExecSpec(command=command, environment=PATH)
        with open(os.devnull, "r+b") as null:
            self.runtime.exec(KEY, spec, null.fileno(), out, null.fileno(), is_terminal=False).wait()
        text = os.pread(out, 1 << 20, 0).decode()
        os.close(out)
        return text

    def await_boot(self) -> None:
        deadline = time.monotonic() + 200
        while self.output("systemctl", "is-system-running").strip() not in ("running", "degraded"):
            assert time.monotonic() < deadline, self.runtime.console_log(KEY).decode(errors="replace")
            time.sleep(0.1)


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    private = tmp_path_factory.mktemp("debian")
    private.chmod(0o700)
    target = private / "rootfs"
    command = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=systemd-sysv,dbus", "bookworm", str(target)]
    subprocess.run(command, check=True)
    return target


@pytest.fixture
def debian(tmp_path: Path, rootfs: Path) -> Iterator[Debian]:
    runtime = LxcRuntime(tmp_path / "run")
    spec = StartSpec(
        key=KEY,
        hostname=KEY,
        rootfs=rootfs,
        architecture="x86_64",
        idmap=runtime.default_idmap(),
        is_rootfs_shifted=False,
        config={},
        log_dir=tmp_path / "logs",
    )
    runtime.start(spec)
    yield Debian(runtime, spec)
    runtime.kill(KEY)
    runtime.close()


def test_systemd_boots_without_a_failed_unit(debian: Debian) -> None:
    debian.await_boot()
    assert debian.output("systemctl", "--failed", "--plain", "--no-legend") == ""
    assert debian.output("systemctl", "is-active", "dbus.service") == "active\n"
    assert debian.output("systemd-detect-virt") == "lxc\n"


def _runs_systemd(pid: int, before: int) -> bool:
    """Tell whether this is a new first process, and is systemd by now: it is there before all is set up for it."""
    with suppress(OSError):
        return pid not in (0, before) and Path(f"/proc/{pid}/comm").read_text() == "systemd\n"
    return False


def test_systemd_reboots(debian: Debian) -> None:
    debian.await_boot()
    before = debian.runtime.state(KEY).pid
    debian.runtime.reboot(KEY)
    deadline = time.monotonic() + 200
    while not _runs_systemd(debian.runtime.state(KEY).pid, before):
        assert debian.runtime.status(KEY) is StatusCode.RUNNING
        assert time.monotonic() < deadline, "no second boot"
        time.sleep(0.01)
    debian.await_boot()
    assert debian.output("stat", "-c", "%u", "/etc/passwd") == "0\n"


@pytest.mark.parametrize("has_booted", [True, False])
def test_systemd_shuts_down_cleanly_also_right_after_the_start(debian: Debian, has_booted: bool) -> None:
    if has_booted:
        debian.await_boot()
    assert debian.runtime.shutdown(KEY, 200.0)
    assert debian.runtime.status(KEY) is StatusCode.STOPPED
    assert b"Halting system" in debian.runtime.console_log(KEY)
