"""`holdfast console`: attach to the console of an instance, or show its log."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress

import click

from holdfast.cli.groups import command
from holdfast.cli.references import INSTANCE, InstanceReference
from holdfast.cli.session import Session, pass_session
from holdfast.client.errors import OperationFailedError

CTRL_A = b"\x01"


@command(
    "console",
    "Attach to the console of a running instance. To leave, press ctrl+a and then q.",
    examples=("holdfast console web", "holdfast console web --show-log"),
)
@click.argument("instance", type=INSTANCE)
@click.option("--show-log", is_flag=True, help="Show what the console has written so far, and leave")
@click.option("-t", "--type", "kind", type=click.Choice(["console"]), default="console", help="Kind of console")
@pass_session
def console(session: Session, instance: InstanceReference, show_log: bool, kind: str) -> None:
    del kind  # there is only one so far; the option is taken because `lxc` has it
    if show_log:
        log = session.client.instances.console_log(instance.name)
        click.echo("\nConsole log:\n")
        sys.stdout.buffer.write(log)
        click.echo()
        return
    attach(session, instance.name)


def attach(session: Session, name: str) -> None:
    """Attach to a console until the user leaves or the instance stops."""
    from holdfast.cli.terminal import passing_signals, raw_mode, size_of
    from holdfast.client.sessions import Streams

    inside = session.client.console(name, size_of(1))
    reading, writing = os.pipe()
    is_left, is_terminal = threading.Event(), os.isatty(0)

    def leave() -> None:
        is_left.set()
        inside.detach()

    def feed() -> None:
        """Pass keys on; a terminal whose keys end is closed, and nobody is left to look."""
        is_over = is_terminal
        with suppress(OSError):
            is_over |= copy_until_detached(0, writing)
        if is_over:
            leave()

    def end(_: int) -> None:
        """Leave on a signal, as nobody inside would take it; in a thread, as the socket may be in use by this one."""
        threading.Thread(target=leave, daemon=True).start()

    with passing_signals(inside, has_terminal=os.isatty(1), on_signal=end), raw_mode(0):
        session.say("To detach from the console, press: <ctrl>+a q\r")
        threading.Thread(target=feed, daemon=True).start()
        try:
            inside.run(Streams(reading, 1, 2))
        except OperationFailedError:
            if not is_left.is_set():  # some servers call a console that was left a failure
                raise
    click.echo()


def copy_until_detached(source: int, target: int) -> bool:
    """Pass keys on until ctrl+a q is typed (True) or they end (False). Ctrl+a twice passes one on."""
    is_armed = False
    try:
        while chunk := os.read(source, 4096):
            passed = bytearray()
            for number in chunk:
                key = bytes([number])
                if is_armed:
                    is_armed = False
                    if key == b"q":
                        return True
                    passed += key if key == CTRL_A else CTRL_A + key
                elif key == CTRL_A:
                    is_armed = True
                else:
                    passed += key
            os.write(target, passed)
    finally:
        os.close(target)
    return False
