import os
import signal
import threading

import pytest

from holdfast.host import processes
from holdfast.model.errors import CancelledOperationError, CommandError


def test_run_returns_output_of_both_streams():
    done = processes.run(["sh", "-c", "cat; echo warned >&2"], input=b"words")
    assert (done.stdout, done.stderr, done.code) == (b"words", "warned\n", 0)


def test_run_reads_nothing_unless_given_an_input():
    assert processes.run(["cat"]).stdout == b""


def test_failure_names_a_command_line_that_can_be_pasted():
    with pytest.raises(CommandError, match=r"exit code 3: sh -c 'echo no good >&2; exit 3': no good") as caught:
        processes.run(["sh", "-c", "echo no good >&2; exit 3"])
    assert caught.value.code == 3


def test_other_exit_codes_are_allowed_by_name():
    assert processes.run(["sh", "-c", "exit 1"], allowed_codes=(0, 1)).code == 1


def test_missing_program_is_code_127():
    with pytest.raises(CommandError, match="not found") as caught:
        processes.run(["no-such-program-here"])
    assert caught.value.code == 127


def test_locale_is_c_and_env_is_added(monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("KEPT", "yes")
    done = processes.run(["sh", "-c", "echo $LC_ALL $KEPT $MORE"], env={"MORE": "added"})
    assert done.stdout == b"C yes added\n"


def test_timeout_kills_grandchildren_too():
    with pytest.raises(CommandError, match="killed after"):
        processes.run(["sh", "-c", "sleep 600 & echo $!; wait"], timeout_s=0.2)


def test_cancel_ends_a_running_process():
    wish = threading.Event()
    wish.set()
    with pytest.raises(CancelledOperationError):
        processes.run(["sleep", "600"], cancelled=wish.is_set)


def test_only_passed_descriptors_are_inherited(tmp_path):
    with (tmp_path / "data").open("w+b") as data:
        data.write(b"inside")
        data.flush()
        assert processes.run(["cat", f"/proc/self/fd/{data.fileno()}"], pass_fds=[data.fileno()]).stdout == b"inside"
        with pytest.raises(CommandError):
            processes.run(["cat", f"/proc/self/fd/{data.fileno()}"])


def test_pipe_streams_both_ways():
    with processes.pipe(["tr", "a-z", "A-Z"], stdin=processes.PIPE, stdout=processes.PIPE) as process:
        process.stdin.write(b"quiet")
        process.stdin.close()
        assert process.stdout.read() == b"QUIET"


def test_pipe_raises_when_the_process_failed():
    with pytest.raises(CommandError, match="broken"), processes.pipe(["sh", "-c", "printf bro%s ken >&2; exit 2"]):
        pass


def test_pipe_with_allowed_code_is_no_failure():
    with processes.pipe(["sh", "-c", "exit 1"]) as process:
        assert process.wait(allowed_codes=(0, 1)) == 1


def test_pipe_kills_the_process_when_the_body_fails():
    with pytest.raises(RuntimeError), processes.pipe(["sleep", "600"]) as process:
        pid = process.pid
        raise RuntimeError("the body failed")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_much_standard_error_never_blocks_and_keeps_its_end():
    with processes.pipe(["sh", "-c", "seq 1 200000 >&2; echo the end >&2"]) as process:
        process.wait()
        assert process.stderr.endswith("the end\n")
        assert len(process.stderr) <= 64 * 1024


def test_a_listener_hears_all_of_standard_error():
    heard = []
    with processes.pipe(["sh", "-c", "seq 100000 >&2"], listener=heard.append):
        pass
    assert b"".join(heard).split() == [b"%d" % number for number in range(1, 100001)]


def test_the_last_words_are_whole_also_when_who_reads_them_is_late(monkeypatch):
    """On a busy machine a thread may get no turn for longer than a second."""
    read = os.read

    def read_late(descriptor, size):
        if threading.current_thread().name.startswith("stderr of"):
            threading.Event().wait(1.2)
        return read(descriptor, size)

    monkeypatch.setattr(os, "read", read_late)
    with pytest.raises(CommandError, match="broken"), processes.pipe(["sh", "-c", "printf bro%s ken >&2; exit 2"]):
        pass


def test_who_inherited_standard_error_is_not_waited_for():
    with processes.pipe(["sh", "-c", "echo the end >&2; sleep 600 >&2 &"]) as process:
        process.wait()
        assert process.stderr == "the end\n"
        os.killpg(process.pid, signal.SIGKILL)


def test_a_long_run_with_input_survives_the_looks_at_cancel():
    done = processes.run(["sh", "-c", "sleep 0.4; cat"], input=b"x" * 300_000, cancelled=lambda: False)
    assert len(done.stdout) == 300_000


def test_programs_of_the_administrator_are_found_without_them_in_path(monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert processes.find_program("losetup") is not None
    assert b"util-linux" in processes.run(["losetup", "--version"]).stdout
