"""Locks: waiting, refusing, sharing, and the order that keeps work from blocking each other for ever."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import pytest

from holdfast.model.errors import ConflictError, InternalError
from holdfast.service.locks import Locks, image_lock, instance_lock, pool_lock, profile_lock, project_lock, volume_lock

C1, C2, POOL = instance_lock("default", "c1"), instance_lock("default", "c2"), pool_lock("p")


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


class Holder:
    """Another thread that holds names until told to let go."""

    def __init__(self, locks: Locks, *names: str, shared: bool = False, what: str = "") -> None:
        self._let_go, self._has = threading.Event(), threading.Event()

        def hold() -> None:
            with locks.hold(*names, shared=shared, what=what):
                self._has.set()
                self._let_go.wait(60)

        self._thread = in_thread(hold)
        assert self._has.wait(60)

    def let_go(self) -> None:
        self._let_go.set()
        self._thread.join()


def test_busy_instance_is_refused_with_the_name_of_the_work() -> None:
    locks = Locks()
    holder = Holder(locks, C1, what="snapshot")
    expected = '^Instance is busy running a "snapshot" operation$'
    with pytest.raises(ConflictError, match=expected), locks.hold(C1, timeout_s=0.01):
        pass
    with pytest.raises(ConflictError, match=expected), locks.hold(C1, waiting_ok=False):
        pass
    assert locks.holder(C1) == "snapshot"
    holder.let_go()
    with locks.hold(C1, waiting_ok=False):
        pass
    assert locks.holder(C1) is None


def test_waits_for_the_other_work() -> None:
    locks = Locks()
    holder = Holder(locks, C1)
    threading.Timer(0.05, holder.let_go).start()
    with locks.hold(C1, timeout_s=60):
        assert locks.holder(C1) == ""


def test_refused_work_leaves_nothing_held() -> None:
    locks = Locks()
    holder = Holder(locks, C2)
    with pytest.raises(ConflictError), locks.hold(C1, C2, waiting_ok=False):
        pass
    with locks.hold(C1, waiting_ok=False):
        pass
    holder.let_go()


def test_shared() -> None:
    locks = Locks()
    holder = Holder(locks, POOL, shared=True)
    with locks.hold(POOL, shared=True, waiting_ok=False):
        pass
    with pytest.raises(ConflictError, match="Storage pool is busy"), locks.hold(POOL, waiting_ok=False):
        pass
    holder.let_go()
    holder = Holder(locks, POOL)
    with pytest.raises(ConflictError), locks.hold(POOL, shared=True, waiting_ok=False):
        pass
    holder.let_go()


def test_waiting_writer_goes_before_later_sharers() -> None:
    locks = Locks()
    holder = Holder(locks, POOL, shared=True)
    order: list[str] = []

    def write() -> None:
        with locks.hold(POOL):
            order.append("writer")

    def share() -> None:
        with locks.hold(POOL, shared=True):
            order.append("sharer")

    writer = in_thread(write)
    while locks.waiting(POOL) < 1:
        threading.Event().wait(0.001)
    sharer = in_thread(share)
    while locks.waiting(POOL) < 2:
        threading.Event().wait(0.001)
    holder.let_go()
    writer.join(60)
    sharer.join(60)
    assert order == ["writer", "sharer"]


def test_same_work_may_take_again_what_it_holds() -> None:
    locks = Locks()
    with locks.hold(C1):
        with locks.hold(C1, waiting_ok=False), locks.hold(C1, shared=True, waiting_ok=False):
            pass
        assert locks.holder(C1) is not None
    assert locks.holder(C1) is None


def test_order_is_kept() -> None:
    locks = Locks()
    with locks.hold(C1), pytest.raises(InternalError, match="must be taken before"), locks.hold(POOL):
        pass
    with locks.hold(C2), pytest.raises(InternalError, match="must be taken before"), locks.hold(C1):
        pass
    everything = [
        project_lock("p"),
        profile_lock("p", "x"),
        image_lock("ab"),
        POOL,
        C1,
        C2,
        volume_lock("p", "container", "c1"),
    ]
    with locks.hold(*reversed(everything)):
        assert all(locks.holder(name) is not None for name in everything)


def test_many_threads_with_random_sets_come_to_an_end() -> None:
    locks = Locks()
    names = [instance_lock("default", f"c{number}") for number in range(5)] + [POOL]
    inside: dict[str, int] = dict.fromkeys(names, 0)
    faults: list[str] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(100):
            wanted = chance.sample(names, 3)
            with locks.hold(*wanted, timeout_s=120):
                for name in wanted:
                    inside[name] += 1
                    if inside[name] != 1:
                        faults.append(name)
                for name in wanted:
                    inside[name] -= 1

    threads = [in_thread(lambda seed=seed: work(seed)) for seed in range(6)]
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads)
    assert faults == []
    assert all(locks.holder(name) is None for name in names)
