"""Locks by name, taken in one documented order (docs/internals/locking.md) by the services only."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from holdfast.model.errors import ConflictError, InternalError

ORDER: Final = ("protection", "project", "profile", "image", "pool", "instance", "volume")
"""Kinds from first taken to last taken."""

DEFAULT_TIMEOUT_S: Final = 60.0
"""How long work waits for other work to end. Long enough for a snapshot or a copy on a slow disk, and shorter than
the patience of clients, which give up without saying which work was in the way."""

_SETTLED: Final = ("instance:", "volume:")
_NOUNS: Final = {"pool": "Storage pool", "volume": "Storage volume"}


def instance_lock(project: str, name: str) -> str:
    return f"instance:{project}/{name}"


def profile_lock(project: str, name: str) -> str:
    return f"profile:{project}/{name}"


def project_lock(name: str) -> str:
    return f"project:{name}"


def pool_lock(name: str) -> str:
    return f"pool:{name}"


def image_lock(fingerprint: str) -> str:
    return f"image:{fingerprint}"


def volume_lock(pool: str, volume_type: str, storage_name: str) -> str:
    return f"volume:{pool}/{volume_type}/{storage_name}"


def custom_volume_lock(pool: str, project: str, name: str) -> str:
    """Return the lock of the custom volume that is in this very project."""
    return volume_lock(pool, "custom", f"{project}_{name}")


@dataclass(slots=True)
class _State:
    owner: int | None = None
    sharers: set[int] = field(default_factory=set)
    waiting: int = 0
    writers_waiting: int = 0
    what: str = ""

    def is_held(self) -> bool:
        return self.owner is not None or bool(self.sharers)


class Settler(Protocol):
    """Ends what former work left unended (`recovery.py`)."""

    def concerns(self, lock: str) -> bool: ...
    def settle(self, lock: str) -> None: ...


class Locks:
    """Named locks, each held by one thread or shared by several; a thread may take again what it holds.

    Who takes an instance or volume alone finds it whole: the `settler` ends before what former work could not end.
    """

    def __init__(self) -> None:
        self.settler: Settler | None = None
        self._condition = threading.Condition()
        self._states: dict[str, _State] = {}
        self._held = threading.local()

    @contextmanager
    def hold(
        self,
        *names: str,
        shared: bool = False,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        waiting_ok: bool = True,
        what: str = "",
        is_settled: bool = True,
    ) -> Iterator[None]:
        """Hold all the names, whatever order they are given in.

        `what` names the work for others that find the name taken ("snapshot", "restore", ...). Raises `ConflictError`
        when the wait takes longer than `timeout_s`, at once if `waiting_ok` is false. A name that must come earlier
        in the order than one already held by this thread is a fault of the program and raises `InternalError`.
        With `is_settled` false what former work left is not ended first: the caller sees to it.
        """
        ordered = sorted(set(names), key=_rank)
        deadline = time.monotonic() + (timeout_s if waiting_ok else 0.0)
        taken: list[tuple[str, bool]] = []
        try:
            for name in ordered:
                taken.append((name, self._take(name, shared=shared, deadline=deadline, what=what)))
            if self.settler is not None and not shared and is_settled:
                for name, is_new in taken:
                    if is_new and name.startswith(_SETTLED):
                        self.settler.settle(name)
            yield
        finally:
            for name, is_new in reversed(taken):
                if is_new:
                    self._release(name)

    def holder(self, name: str) -> str | None:
        """Return what work holds the name ("" if it did not say), None if nothing does."""
        with self._condition:
            state = self._states.get(name)
            return state.what if state and state.is_held() else None

    def is_unsettled(self, name: str) -> bool:
        """Tell whether the next one who takes the name alone has former work to end first."""
        return self.settler is not None and self.settler.concerns(name)

    def waiting(self, name: str) -> int:
        """Return how many wait for the name."""
        with self._condition:
            state = self._states.get(name)
            return state.waiting if state else 0

    def _take(self, name: str, *, shared: bool, deadline: float, what: str) -> bool:
        held = self._held_names()
        if name in held:
            if not shared and held[name]:
                raise InternalError(f"Lock {name} is held shared and wanted alone by the same work")
            return False
        self._check_order(name, held)
        me = threading.get_ident()
        with self._condition:
            state = self._states.setdefault(name, _State())
            self._wait(name, state, shared=shared, deadline=deadline)
            if shared:
                state.sharers.add(me)
            else:
                state.owner = me
            state.what = what
        held[name] = shared
        return True

    def _wait(self, name: str, state: _State, *, shared: bool, deadline: float) -> None:
        """Wait until the name can be taken; those who share let a waiting writer go first."""

        def is_free() -> bool:
            return state.owner is None and not (state.writers_waiting if shared else state.sharers)

        state.waiting += 1
        state.writers_waiting += not shared
        try:
            if not self._condition.wait_for(is_free, max(0.0, deadline - time.monotonic())):
                raise ConflictError(_busy_text(name, state.what))
        finally:
            state.waiting -= 1
            state.writers_waiting -= not shared
            self._condition.notify_all()

    def _release(self, name: str) -> None:
        me = threading.get_ident()
        del self._held_names()[name]
        with self._condition:
            state = self._states[name]
            if state.owner == me:
                state.owner = None
            else:
                state.sharers.discard(me)
            if not state.is_held() and not state.waiting:
                del self._states[name]
            self._condition.notify_all()

    def _held_names(self) -> dict[str, bool]:
        held: dict[str, bool] | None = getattr(self._held, "names", None)
        if held is None:
            held = {}
            self._held.names = held
        return held

    @staticmethod
    def _check_order(name: str, held: dict[str, bool]) -> None:
        for other in held:
            if _rank(other) > _rank(name):
                raise InternalError(f"Lock {name} must be taken before {other} (docs/internals/locking.md)")


def _rank(name: str) -> tuple[int, str]:
    return ORDER.index(name.partition(":")[0]), name


def _busy_text(name: str, what: str) -> str:
    kind = name.partition(":")[0]
    noun = _NOUNS.get(kind, kind.capitalize())
    return f'{noun} is busy running a "{what}" operation' if what else f"{noun} is busy"
