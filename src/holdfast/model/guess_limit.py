"""How often passwords and tokens may be guessed: a few times from one address, more in all, in a span of time.

An attempt counts until it has proven right, so that many at once are no way around it.
"""

from __future__ import annotations

import ipaddress
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from holdfast.model.errors import TooManyGuessesError

SPAN_S: Final = 60.0
MOST_FROM_ONE: Final = 5
MOST_IN_ALL: Final = 30
"""A guess costs some 50 ms of a core and 16 MiB by design: all of them together mustn't cost more than a few percent.
It also bounds what is remembered."""


class GuessLimit:
    """Counts wrong guesses; thread-safe."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._wrong: deque[tuple[float, str]] = deque()

    @contextmanager
    def guess(self, address: str) -> Iterator[None]:
        """Let the body try one; raise `TooManyGuessesError` before it. A body that raises has guessed wrong."""
        attempt = self._count(_network(address))
        yield
        with self._lock:
            if attempt in self._wrong:
                self._wrong.remove(attempt)

    def _count(self, network: str) -> tuple[float, str]:
        with self._lock:
            now = self._monotonic()
            while self._wrong and self._wrong[0][0] <= now - SPAN_S:
                self._wrong.popleft()
            from_one = [moment for moment, each in self._wrong if each == network]
            if len(from_one) >= MOST_FROM_ONE:
                raise TooManyGuessesError(from_one[0] + SPAN_S - now)
            if len(self._wrong) >= MOST_IN_ALL:
                raise TooManyGuessesError(self._wrong[0][0] + SPAN_S - now)
            attempt = (now, network)
            self._wrong.append(attempt)
            return attempt


def _network(address: str) -> str:
    """Return what counts as one: an IPv4 address, or the /64 of an IPv6 one, which a single host has as a whole."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 6:
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
