"""Which signal asks an init to end: seen on real processes that handle signals as the inits do."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from holdfast.runtime.lxc.signals import halt_signal, reboot_signal

Start = Callable[[str], int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a Python process that runs a preparation and then waits; give its pid."""
    started: list[subprocess.Popen[str]] = []

    def run(preparation: str) -> int:
        code = f"import signal, time\n{preparation}\nprint('ready', flush=True)\ntime.sleep(1000)"
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process.pid

    yield run
    for process in started:
        process.kill()
        process.wait()


def test_systemd_blocks_its_signals(start: Start) -> None:
    pid = start("signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN + 3])")
    assert halt_signal(pid, "") == signal.SIGRTMIN + 3
    assert reboot_signal(pid, "") == signal.SIGRTMIN + 5


def test_classic_init_catches_sigpwr(start: Start) -> None:
    assert halt_signal(start("signal.signal(signal.SIGPWR, print)"), "") == signal.SIGPWR


def test_others_catch_sigterm(start: Start) -> None:
    pid = start("signal.signal(signal.SIGTERM, print)")
    assert halt_signal(pid, "") == signal.SIGTERM
    assert reboot_signal(pid, "") == signal.SIGINT


def test_an_init_that_handles_nothing_yet_is_not_asked(start: Start) -> None:
    assert halt_signal(start(""), "") is None


@pytest.mark.parametrize(
    ("text", "number"),
    [("SIGUSR1", 10), ("USR2", 12), ("37", 37), ("SIGRTMIN+3", 37), ("SIGRTMAX-1", 63), ("rubbish", None)],
)
def test_configured_signal_wins(start: Start, text: str, number: int | None) -> None:
    pid = start("")
    config = f"lxc.signal.halt = SIGHUP\nlxc.signal.halt = {text}\nlxc.signal.reboot={text}\n"
    assert halt_signal(pid, config) == number
    assert reboot_signal(pid, config) == (number or signal.SIGINT)
