"""The container runtime with real containers: a busybox root, liblxc, the kernel's namespaces and control groups."""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from holdfast.host import network
from holdfast.host.cgroups import hierarchies
from holdfast.model.errors import BadRequestError, RuntimeFailure
from holdfast.model.kinds import StatusCode
from holdfast.runtime.base import BindMount, ExecSpec, IdMap, Nic, StartSpec
from holdfast.runtime.lxc.naming import Naming
from holdfast.runtime.lxc.runtime import LxcRuntime
from support.busybox_root import build_busybox_root
from support.waiting import LONG_S, await_true

pytestmark = [pytest.mark.root, pytest.mark.needs("busybox", "lxc-start")]

PATH = {"PATH": "/bin:/sbin"}
KEY = "c1"


@dataclass
class Box:
    """One container and its runtime."""

    runtime: LxcRuntime
    spec: StartSpec
    tag: str

    def run(self, *command: str, spec: ExecSpec | None = None, stdin: bytes = b"") -> tuple[int, str, str]:
        """Run a command inside; return code, standard output and error."""
        files = [os.memfd_create(name) for name in ("in", "out", "err")]
        os.write(files[0], stdin)
        os.lseek(files[0], 0, os.SEEK_SET)
        wanted = spec or ExecSpec(command=command, environment=PATH)
        process = self.runtime.exec(self.spec.key, wanted, *files, is_terminal=False)
        code = process.wait()
        texts = [os.pread(file, 1 << 20, 0).decode() for file in files[1:]]
        for file in files:
            os.close(file)
        return code, texts[0], texts[1]


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree below a directory that only root may enter, as the pools are."""
    private = tmp_path_factory.mktemp("pool")
    private.chmod(0o700)
    return build_busybox_root(private / "rootfs")


@pytest.fixture
def stopped(tmp_path: Path, rootfs: Path) -> Iterator[Box]:
    runtime = LxcRuntime(tmp_path / "run")
    spec = StartSpec(
        key=KEY,
        hostname="inside",
        rootfs=rootfs,
        architecture="x86_64",
        idmap=runtime.default_idmap(),
        is_rootfs_shifted=False,
        config={"limits.memory": "256MiB", "environment.GREETING": "hello there"},
        log_dir=tmp_path / "logs",
    )
    yield Box(runtime, spec, Naming.of((tmp_path / "run").resolve()).tag)
    runtime.kill(KEY)
    runtime.close()


@pytest.fixture
def box(stopped: Box) -> Box:
    """It has booted: before, its init heeds no signal but the one that kills."""
    stopped.runtime.start(stopped.spec)
    await_true(lambda: b"ready" in stopped.runtime.console_log(KEY), "the console's first line")
    return stopped


def reboot(box: Box) -> None:
    """Let it reboot, and wait for the program of the new init: its process is there before all is set up for it."""
    before = box.runtime.state(KEY).pid
    box.runtime.reboot(KEY)

    def runs_anew() -> bool:
        pid = box.runtime.state(KEY).pid
        with contextlib.suppress(OSError):
            return pid not in (0, before) and Path(f"/proc/{pid}/comm").read_text() == "init\n"
        return False

    await_true(runs_anew, "a new init")


def groups_left(box: Box) -> list[str]:
    """Those of this box alone: other servers may run here, with instances of the same name."""
    return [str(path) for root in hierarchies().roots() for path in root.glob(f"holdfast.*.{box.tag}.{KEY}")]


def test_start_runs_init_and_stop_leaves_nothing(stopped: Box) -> None:
    assert stopped.runtime.status(KEY) is StatusCode.STOPPED
    stopped.runtime.start(stopped.spec)
    assert stopped.runtime.status(KEY) is StatusCode.RUNNING
    assert stopped.run("cat", "/proc/1/comm")[1] == "init\n"
    assert stopped.run("hostname")[1] == "inside\n"
    stopped.runtime.kill(KEY)
    assert stopped.runtime.status(KEY) is StatusCode.STOPPED
    assert groups_left(stopped) == []
    stopped.runtime.kill(KEY)


def test_root_inside_is_nobody_outside_and_files_stay_unshifted(box: Box, rootfs: Path) -> None:
    assert box.run("sh", "-c", "touch /root/made; stat -c %u /root/made /bin/busybox")[1] == "0\n0\n"
    assert os.stat(rootfs / "root/made").st_uid == 0
    pid = box.runtime.state(KEY).pid
    assert box.spec.idmap is not None
    assert os.stat(f"/proc/{pid}").st_uid == box.spec.idmap.host_base


def test_second_start_is_refused(box: Box) -> None:
    with pytest.raises(BadRequestError, match="already running"):
        box.runtime.start(box.spec)
    assert box.runtime.status(KEY) is StatusCode.RUNNING


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("sh", "-c", "exit 3"), 3),
        (("true",), 0),
        (("no-such-program",), 127),
        (("/no/such/file",), 127),
        (("/etc/passwd",), 126),
        (("/etc",), 126),
        (("sh", "-c", "kill -9 $$"), 137),
        (("sh", "-c", "kill -15 $$"), 143),
    ],
)
def test_exec_exit_codes(box: Box, command: tuple[str, ...], code: int) -> None:
    assert box.run(*command)[0] == code


def test_exec_streams_environment_ids_and_directory(box: Box) -> None:
    spec = ExecSpec(
        command=["sh", "-c", "cat; pwd; id -u; id -g; echo $A; env | wc -l; echo bad >&2"],
        environment={"PATH": "/bin", "A": "x y"},
        user=1000,
        group=1001,
        cwd="/tmp",
    )
    code, out, err = box.run(spec=spec, stdin=b"from outside\n")
    assert (code, err) == (0, "bad\n")
    assert out.split("\n")[:5] == ["from outside", "/tmp", "1000", "1001", "x y"]
    assert box.run(spec=replace(spec, command=["pwd"], cwd="/no/such"))[1] == "/\n"


def test_exec_environment_of_config_is_for_init_and_exec_is_given_whole(box: Box) -> None:
    assert "GREETING=hello there" in box.run("sh", "-c", "tr '\\0' '\\n' </proc/1/environ")[1]
    assert "GREETING" not in box.run("env")[1]


def test_exec_signal_reaches_the_command(box: Box) -> None:
    read, write = os.pipe()
    spec = ExecSpec(
        command=["sh", "-c", "trap 'exit 42' TERM; echo up; while :; do sleep 0.05; done"], environment=PATH
    )
    process = box.runtime.exec(KEY, spec, 0, write, write, is_terminal=False)
    os.close(write)
    assert os.read(read, 10) == b"up\n"
    process.signal(signal.SIGTERM)
    assert process.wait() == 42
    process.signal(signal.SIGTERM)
    os.close(read)


def test_exec_ends_with_its_command_not_with_what_it_left_behind(box: Box) -> None:
    read, write = os.pipe()
    spec = ExecSpec(command=["sh", "-c", "sleep 1000 & echo done"], environment=PATH)
    process = box.runtime.exec(KEY, spec, 0, write, write, is_terminal=False)
    os.close(write)
    assert process.wait() == 0
    assert os.read(read, 10) == b"done\n"
    os.close(read)


def test_exec_closes_stdin_of_a_reader_that_left(box: Box) -> None:
    read, write = os.pipe()
    process = box.runtime.exec(KEY, ExecSpec(command=["true"], environment=PATH), read, 1, 2, is_terminal=False)
    os.close(read)
    assert process.wait() == 0
    with pytest.raises(BrokenPipeError):
        os.write(write, b"x")
    os.close(write)


def test_exec_on_a_terminal_of_the_instance(box: Box) -> None:
    master, slave = box.runtime.open_terminal(KEY, 1000, 1000)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    spec = ExecSpec(command=["sh", "-c", "tty; stty size; : >$(tty) && echo mine >/dev/tty"], user=1000, group=1000)
    process = box.runtime.exec(KEY, replace(spec, environment=PATH), slave, slave, slave, is_terminal=True)
    os.close(slave)
    assert process.wait() == 0
    assert _rest_of(master) == b"/dev/pts/1\r\n33 99\r\nmine\r\n"


def _rest_of(terminal: int) -> bytes:
    """Read to the end: what was written last may reach the other side of a terminal a moment later."""
    seen = b""
    with contextlib.suppress(OSError):  # a terminal whose last user is gone answers EIO
        while part := os.read(terminal, 1000):
            seen += part
    os.close(terminal)
    return seen


def test_exec_when_stopped_or_frozen_is_refused(stopped: Box) -> None:
    spec = ExecSpec(command=["true"])
    with pytest.raises(BadRequestError, match="not running"):
        stopped.runtime.exec(KEY, spec, 0, 1, 2, is_terminal=False)
    stopped.runtime.start(stopped.spec)
    stopped.runtime.freeze(KEY)
    with pytest.raises(BadRequestError, match="frozen"):
        stopped.runtime.exec(KEY, spec, 0, 1, 2, is_terminal=False)


def test_exec_gets_no_descriptor_but_its_three(box: Box) -> None:
    leaked = os.open("/etc/hostname", os.O_RDONLY)
    os.set_inheritable(leaked, True)
    code, out, _ = box.run("ls", "/proc/self/fd")
    os.close(leaked)
    assert code == 0
    assert {int(word) for word in out.split()} == {0, 1, 2, 3}  # 3: the folder that is listed
    assert "hostname" not in box.run("ls", "-l", "/proc/self/fd")[1]


def test_freeze_stops_and_unfreeze_lets_go_on(box: Box) -> None:
    box.runtime.freeze(KEY)
    assert box.runtime.status(KEY) is StatusCode.FROZEN
    assert box.runtime.state(KEY).status is StatusCode.FROZEN
    box.runtime.unfreeze(KEY)
    assert box.runtime.status(KEY) is StatusCode.RUNNING
    assert box.run("true")[0] == 0
    box.runtime.freeze(KEY)
    box.runtime.kill(KEY)
    assert box.runtime.status(KEY) is StatusCode.STOPPED


def test_shutdown_asks_init(box: Box) -> None:
    assert box.runtime.shutdown(KEY, LONG_S)
    assert box.runtime.status(KEY) is StatusCode.STOPPED
    assert b"Requesting system poweroff" in box.runtime.console_log(KEY)
    assert box.runtime.shutdown(KEY, 1.0)


def test_shutdown_gives_up_in_time(stopped: Box, tmp_path: Path) -> None:
    """An init that handles no signal goes on running."""
    config = {"raw.lxc": "lxc.init.cmd = /bin/sleep 1000"}
    stopped.runtime.start(replace(stopped.spec, config=config))
    assert not stopped.runtime.shutdown(KEY, 0.3)
    assert stopped.runtime.status(KEY) is StatusCode.RUNNING


def test_reboot_keeps_it_running_with_a_new_init_and_is_not_a_stop(box: Box) -> None:
    ended: queue.Queue[str] = queue.Queue()
    box.runtime.watch(ended.put)
    reboot(box)
    assert box.run("sh", "-c", "touch /root/after; stat -c %u /root/after")[1] == "0\n"
    assert ended.empty()
    box.runtime.kill(KEY)
    assert ended.get(timeout=LONG_S) == KEY
    assert groups_left(box) == []


def test_state_counts(box: Box) -> None:
    state = box.runtime.state(KEY)
    assert state.status is StatusCode.RUNNING
    assert state.processes >= 1
    assert state.memory_usage > 0
    assert state.cpu_ns > 0
    assert state.network is not None
    assert state.network["lo"].type == "loopback"
    assert "127.0.0.1" in [address.address for address in state.network["lo"].addresses]
    box.runtime.kill(KEY)
    assert box.runtime.state(KEY).pid == 0
    assert box.runtime.state(KEY).network is None


def test_memory_limit_is_set(box: Box) -> None:
    if not hierarchies().is_v1("memory"):
        pytest.skip("version 2 is tested by the rendered configuration")
    group = next(hierarchies().v1["memory"].glob(f"holdfast.payload.{box.tag}.{KEY}"))
    assert (group / "memory.limit_in_bytes").read_text() == f"{256 << 20}\n"


def test_changed_limits_survive_a_reboot_from_inside(box: Box) -> None:
    if not hierarchies().is_v1("memory"):
        pytest.skip("version 2 is tested by the rendered configuration")
    box.runtime.apply_limits(KEY, {"limits.memory": "256MiB"}, {"limits.memory": "128MiB", "limits.processes": "77"})
    reboot(box)
    for controller, file, value in (("memory", "memory.limit_in_bytes", f"{128 << 20}"), ("pids", "pids.max", "77")):
        group = next(hierarchies().v1[controller].glob(f"holdfast.payload.{box.tag}.{KEY}"))
        assert (group / file).read_text().strip() == value


def test_mounts_change_while_it_runs_and_stay_changed_after_a_reboot(box: Box, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(name)
    one, two = (BindMount(source=tmp_path / name, path=f"/mnt/{name}", use_idmap=True) for name in ("one", "two"))
    box.runtime.change_mounts(KEY, [], [one])
    assert box.run("cat", "/mnt/one/name")[1] == "one"
    box.runtime.change_mounts(KEY, [one], [two])
    shown = "cat /mnt/two/name; touch /mnt/two/new; ls /mnt/one"
    assert box.run("sh", "-c", shown)[1] == "two"
    assert (tmp_path / "two/new").stat().st_uid == 0
    reboot(box)
    assert box.run("sh", "-c", shown)[1] == "two"


def test_a_mount_that_fails_brings_back_what_was_taken(box: Box, tmp_path: Path) -> None:
    (tmp_path / "name").write_text("kept")
    kept = BindMount(source=tmp_path, path="/mnt/kept", use_idmap=True)
    box.runtime.change_mounts(KEY, [], [kept])
    bad = BindMount(source=tmp_path, path="/etc/passwd", use_idmap=True)
    with pytest.raises(RuntimeFailure, match="/etc/passwd is a file"):
        box.runtime.change_mounts(KEY, [kept], [bad])
    assert box.run("cat", "/mnt/kept/name")[1] == "kept"


def test_threat_mount_point_is_a_link_out(box: Box, tmp_path: Path) -> None:
    """A link in the way leads inside the container's root only, and what is unmounted is only what we mounted."""
    box.run("ln", "-s", "/proc/1/root/../../../etc", "/mnt/link")
    mount = BindMount(source=tmp_path, path="/mnt/link/holdfast-test", use_idmap=True)
    with contextlib.suppress(RuntimeFailure):
        box.runtime.change_mounts(KEY, [], [mount])
    assert not Path("/etc/holdfast-test").exists()
    box.run("ln", "-sfn", "/proc", "/mnt/link")
    box.runtime.change_mounts(KEY, [BindMount(source=tmp_path, path="/mnt/link", use_idmap=True)], [])
    assert "Name:" in box.run("cat", "/proc/self/status")[1]


def test_nic_on_a_bridge(stopped: Box) -> None:
    bridge = f"hft{os.getpid()}"
    subprocess.run(["ip", "link", "add", bridge, "type", "bridge"], check=True)
    try:
        host_name = f"hfv{os.getpid()}"
        nic = Nic(name="eth0", parent=bridge, hwaddr="00:16:3e:11:22:33", host_name=host_name, mtu=1400)
        stopped.runtime.start(replace(stopped.spec, nics=(nic,)))
        network_state = stopped.runtime.state(KEY).network
        assert network_state is not None
        eth0 = network_state["eth0"]
        assert (eth0.hwaddr, eth0.host_name, eth0.mtu, eth0.type) == (nic.hwaddr, host_name, 1400, "broadcast")
        assert Path(f"/sys/class/net/{host_name}/master").resolve().name == bridge
        stopped.runtime.kill(KEY)
        assert not network.exists(host_name)
    finally:
        subprocess.run(["ip", "link", "del", bridge], check=True)


def test_bind_mounts_are_seen_with_the_ids_inside(stopped: Box, tmp_path: Path) -> None:
    source = tmp_path / "a folder"
    source.mkdir(mode=0o700)
    (source / "file").write_text("text")
    tmp_path.chmod(0o700)
    mounts = (
        BindMount(source=source, path="/mnt/deep er/x", use_idmap=True),
        BindMount(source=source / "file", path="/mnt/single", is_read_only=True, use_idmap=True),
        BindMount(source=tmp_path / "absent", path="/mnt/none", is_optional=True),
    )
    stopped.runtime.start(replace(stopped.spec, mounts=mounts))
    assert stopped.run("stat", "-c", "%u", "/mnt/deep er/x/file")[1] == "0\n"
    assert stopped.run("sh", "-c", "echo new >>'/mnt/deep er/x/file' && cat /mnt/single")[1] == "textnew\n"
    assert stopped.run("sh", "-c", "echo >/mnt/single")[0] != 0


def test_failing_start_tells_why_and_leaves_nothing(stopped: Box) -> None:
    spec = replace(stopped.spec, config={"raw.lxc": "lxc.init.cmd = /no/such/init"})
    with pytest.raises(RuntimeFailure, match="/no/such/init"):
        stopped.runtime.start(spec)
    assert stopped.runtime.status(KEY) is StatusCode.STOPPED
    assert groups_left(stopped) == []
    with pytest.raises(RuntimeFailure, match="no-such-bridge"):
        nic = Nic(name="eth0", parent="no-such-bridge", hwaddr="00:16:3e:11:22:33", host_name="hfvnone")
        stopped.runtime.start(replace(stopped.spec, nics=(nic,)))
    assert not network.exists("hfvnone")
    assert groups_left(stopped) == []
    stopped.runtime.start(stopped.spec)
    assert stopped.run("true")[0] == 0


def test_privileged_container_has_no_map(stopped: Box) -> None:
    stopped.runtime.start(replace(stopped.spec, idmap=None))
    assert stopped.run("cat", "/proc/1/uid_map")[1].split() == ["0", "0", "4294967295"]


def test_map_outside_of_subuid_works_for_root(stopped: Box) -> None:
    """The range that is used where /etc/subuid gives root none."""
    stopped.runtime.start(replace(stopped.spec, idmap=IdMap(host_base=1_000_000, size=1_000_000_000)))
    assert stopped.run("cat", "/proc/1/uid_map")[1].split() == ["0", "1000000", "1000000000"]


def test_shifted_root_needs_no_idmapped_mount(stopped: Box, tmp_path: Path) -> None:
    private = tmp_path / "shifted"
    private.mkdir(mode=0o700)
    root = build_busybox_root(private / "rootfs")
    assert stopped.spec.idmap is not None
    base = stopped.spec.idmap.host_base
    for folder, _, files in os.walk(root):
        for path in (folder, *(os.path.join(folder, file) for file in files)):
            os.lchown(path, base, base)
    stopped.runtime.start(replace(stopped.spec, rootfs=root, is_rootfs_shifted=True))
    assert stopped.run("sh", "-c", "touch /root/x; stat -c %u /root/x")[1] == "0\n"
    assert os.stat(root / "root/x").st_uid == base


_SERVER = """
import sys
from pathlib import Path
from holdfast.runtime.base import ExecSpec, StartSpec
from holdfast.runtime.lxc.naming import Naming
from holdfast.runtime.lxc.runtime import LxcRuntime
runtime = LxcRuntime(Path(sys.argv[1]))
runtime.watch(lambda key: None)
spec = StartSpec(key="c1", hostname="h", rootfs=Path(sys.argv[2]), architecture="x86_64",
                 idmap=runtime.default_idmap(), is_rootfs_shifted=False, config={}, log_dir=Path(sys.argv[3]))
runtime.start(spec)
command = ["sh", "-c", "echo alive >/root/mark; exec sleep 4321"]
null = open("/dev/null", "r+")
fd = null.fileno()
runtime.exec("c1", ExecSpec(command=command, environment={"PATH": "/bin"}), fd, fd, fd, is_terminal=False)
print("up", flush=True)
sys.stdin.read()
"""


def test_instances_and_commands_outlive_a_killed_server(stopped: Box, tmp_path: Path, rootfs: Path) -> None:
    (rootfs / "root/mark").unlink(missing_ok=True)
    arguments = [str(tmp_path / "run"), str(rootfs), str(tmp_path / "logs")]
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"up\n"
    await_true((rootfs / "root/mark").exists, "the command's mark")
    server.kill()
    server.wait()
    ended: queue.Queue[str] = queue.Queue()
    stopped.runtime.watch(ended.put)
    stopped.runtime.track([KEY, "another"])
    assert stopped.runtime.status(KEY) is StatusCode.RUNNING
    assert "sleep 4321" in stopped.run("ps")[1]
    pid = stopped.runtime.state(KEY).pid
    os.kill(pid, signal.SIGKILL)
    assert ended.get(timeout=LONG_S) == KEY
    assert stopped.runtime.status(KEY) is StatusCode.STOPPED


def test_watch_tells_of_every_end_once(box: Box) -> None:
    ended: queue.Queue[str] = queue.Queue()
    box.runtime.watch(ended.put)
    with contextlib.suppress(RuntimeFailure):  # the end may come before the shell's own
        box.run("sh", "-c", "kill -USR2 1")
    assert ended.get(timeout=LONG_S) == KEY
    box.runtime.start(box.spec)
    box.runtime.kill(KEY)
    assert ended.get(timeout=LONG_S) == KEY
    assert ended.empty()


def test_killed_monitor_takes_its_container_along_and_the_next_start_works(box: Box) -> None:
    init = box.runtime.state(KEY).pid
    status = Path(f"/proc/{init}/status").read_text()
    monitor = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))
    os.kill(monitor, signal.SIGKILL)
    await_true(lambda: box.runtime.status(KEY) is StatusCode.STOPPED, "the end")
    await_true(lambda: not Path(f"/proc/{init}").exists(), "the end of init")
    box.runtime.start(box.spec)
    assert box.run("true")[0] == 0


def test_console_shows_and_takes_input(stopped: Box) -> None:
    script = stopped.spec.rootfs / "root/echo.sh"
    script.write_text("while read line; do echo got $line; done </dev/console >/dev/console 2>&1\nexec sleep 1000\n")
    stopped.runtime.start(replace(stopped.spec, config={"raw.lxc": "lxc.init.cmd = /bin/sh /root/echo.sh"}))
    console = stopped.runtime.console(KEY)
    os.write(console, b"something\n")
    seen = b""
    while b"got something" not in seen:
        assert select.select([console], [], [], LONG_S)[0], seen
        seen += os.read(console, 1000)
    os.close(console)
    await_true(lambda: b"got something" in stopped.runtime.console_log(KEY), "the log")
    stopped.runtime.kill(KEY)
    assert b"got something" in stopped.runtime.console_log(KEY)
    stopped.runtime.clear_console_log(KEY)
    assert stopped.runtime.console_log(KEY) == b""


def test_rename_and_forget(box: Box, tmp_path: Path) -> None:
    box.runtime.kill(KEY)
    (tmp_path / "logs").rename(tmp_path / "moved")
    box.runtime.rename(KEY, "c2", tmp_path / "moved")
    assert b"ready" in box.runtime.console_log("c2")
    assert box.runtime.console_log(KEY) == b""
    box.runtime.forget("c2")
    box.runtime.forget("c2")
    assert list((tmp_path / "run").iterdir()) == []


def test_check_host_finds_nothing_missing(stopped: Box) -> None:
    assert stopped.runtime.check_host() == []
    assert stopped.runtime.can_idmap(stopped.spec.rootfs)
    assert not stopped.runtime.can_idmap(Path("/proc"))
