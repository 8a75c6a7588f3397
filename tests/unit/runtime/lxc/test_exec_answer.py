from __future__ import annotations

import socket

import pytest

from holdfast.runtime.lxc.exec import last_message


@pytest.mark.parametrize("message", [b'{"code": 0}', b""])
def test_an_unread_signal_does_not_hide_the_answer(message: bytes) -> None:
    """A signal that crosses the command's end must not turn its exit code into a broken connection."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.send(b"1")
    if message:
        theirs.send(message)
    theirs.close()
    with ours:
        assert last_message(ours) == message
