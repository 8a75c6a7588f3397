"""What the kernel tells of a line."""

from __future__ import annotations

import socket

from holdfast.host.tcp import shortest_round_trip_s


def test_the_loopback_answers_at_once() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as one,
        server.accept()[0] as other,
    ):
        one.sendall(b"x" * 100)
        assert other.recv(100)
        found = shortest_round_trip_s(one)
        assert found is not None and 0 < found < 1


def test_a_unix_socket_tells_nothing() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert shortest_round_trip_s(one) is None
