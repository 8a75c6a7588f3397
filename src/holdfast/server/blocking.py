"""The bounded pool of threads in which requests call the (blocking) services; nothing of them runs in the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

REQUEST_THREADS: Final = 32
"""More than cores, as most calls wait for a disk or a lock; few enough that a flood of requests queues."""


class BlockingPool:
    """Runs blocking calls for the event loop."""

    def __init__(self, threads: int = REQUEST_THREADS) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="request")

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._executor, lambda: function(*args, **kwargs))

    def close(self) -> None:
        """Refuse new calls and drop those that haven't begun."""
        self._executor.shutdown(wait=False, cancel_futures=True)
