"""What crossed between two servers of ours, kept read-only by both: the next transfer is the difference to it.

Only where a pool has streams of `btrfs send`. Without it a refresh could build on nothing but snapshots that both sides
have. The source keeps what it sent last, to two targets at most; the target keeps what it received last, and the one
before, as the source may not have heard that all was stored. A tree without a record is rubbish; so is one whose time
is over, and nothing is kept in a pool that is nearly full.

LXD makes differences to snapshots alone. Those of instances that aren't stored as they came are kept as such, too, in
the same way: of the newest two that crossed.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from holdfast.db import transfer_bases as table
from holdfast.db.database import Connection
from holdfast.model.errors import HoldfastError, MigrationError
from holdfast.model.instance import Instance
from holdfast.model.transfer_base import BaseOwner, TransferBase
from holdfast.service.former_states import has_room_to_spare
from holdfast.service.surroundings import Surroundings
from holdfast.storage.driver import Driver, SendPlace

KEPT_FOR: Final = timedelta(days=14)
"""Long enough for copies that are refreshed weekly; what is sent once and never again takes space for no longer."""
_MOST: Final = 2
"""How many of an instance or volume are kept of either kind."""

_log = logging.getLogger(__name__)


class OtherSnapshotError(MigrationError):
    """A snapshot of the source isn't the one any more that differences here build on."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f'Snapshot "{name}" of the source is another one than that which was copied, though of the same name and '
            "time. Refresh again: differences won't be built on it"
        )


@dataclass(frozen=True, slots=True)
class _Staged:
    """What is staged to be kept: of the owner itself, or of a snapshot that the source listed under this UUID."""

    driver: Driver
    token: str
    snapshot: str | None
    listed: str


@dataclass(frozen=True, slots=True)
class ReceivedBases:
    """What a target may keep of a transfer under way; nothing until it is staged."""

    has_snapshots: bool
    staged: list[_Staged] = field(default_factory=list)

    def stage(
        self, driver: Driver, token: str, area: str, number: int, snapshot: str | None = None, listed: str = ""
    ) -> None:
        """Stage what the source has, as it came, once it was checked."""
        if driver.keeps_bases and (snapshot is None or self.has_snapshots):
            driver.stage_received_base(token, area, number)
            self.staged.append(_Staged(driver, token, snapshot, listed))


@dataclass(slots=True)
class SentBase:
    """What a source can build on, by its identity in streams, and what it may keep of the transfer under way."""

    usable: Mapping[str, str]
    former: str = ""
    token: str = ""

    def find(self, driver: Driver, common: Sequence[str]) -> SendPlace | None:
        """Return the one that the target has, too, unless that is a snapshot.

        It goes when what is sent now takes its place.
        """
        self.former = next((self.usable[each] for each in common if each in self.usable), "")
        return driver.base_place(self.former) if self.former else None


class TransferBases:
    """Keeps, finds and removes them; thread-safe."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._lock = threading.Lock()
        self._in_use: Counter[tuple[str, str]] = Counter()
        """Pool and token of what is being used or kept, which stays meanwhile."""

    @contextmanager
    def usable(self, owner: BaseOwner, driver: Driver, *, is_received: bool) -> Iterator[Mapping[str, str]]:
        """Give the tokens of those of it by their identity in streams, newest first; they stay meanwhile."""
        with self._using(driver, lambda: self._of(owner, is_received=is_received)) as found:
            yield {driver.base_place(each.token).parts[0].identity: each.token for each in found}

    @contextmanager
    def of_snapshots(self, instance: Instance, driver: Driver) -> Iterator[Mapping[str, TransferBase]]:
        """Give those of an instance's snapshots by the snapshot's name; they stay meanwhile."""
        with self._using(driver, lambda: self._of_snapshots(instance)) as found:
            yield {each.snapshot: each for each in found if each.snapshot is not None}

    @contextmanager
    def sending(self, owner: BaseOwner, driver: Driver) -> Iterator[SentBase]:
        """Give what a transfer can build on; what it names as sent is kept when the body is through."""
        with self.usable(owner, driver, is_received=False) as usable:
            base = SentBase(usable)
            yield base
        if base.token:
            self.keep(owner, driver, base.token, is_received=False, former=base.former)

    @contextmanager
    def receiving(self, owner: BaseOwner) -> Iterator[ReceivedBases]:
        """Give what a reception stages its bases in; they are kept after the body, when the copy is recorded."""
        bases = ReceivedBases(has_snapshots=isinstance(owner, Instance))
        try:
            yield bases
        except BaseException as error:
            for each in bases.staged:
                with suppress(HoldfastError):
                    each.driver.discard(each.token)
            if isinstance(error, OtherSnapshotError):
                for base in self._of_snapshots(owner):
                    self._remove(base)
            raise
        self._renew(owner)
        for each in bases.staged:
            self.keep(owner, each.driver, each.token, is_received=True, snapshot=each.snapshot, listed=each.listed)
        self.discard_unrecorded(self._around.pools.driver(owner.pool))

    def keep(
        self,
        owner: BaseOwner,
        driver: Driver,
        token: str,
        *,
        is_received: bool,
        former: str = "",
        snapshot: str | None = None,
        listed: str = "",
    ) -> None:
        """Keep a staged base, and remove what it takes the place of: `former`, and those beyond the number to keep.

        The transfer is done: that this fails is logged, and the next one is larger.
        """
        name = (owner.pool, token)
        with self._lock:
            self._in_use.update([name])
        try:
            if not (driver.keeps_bases and has_room_to_spare(driver)):
                driver.discard(token)
                return
            driver.keep_base(token)
            now = self._around.clock.now()
            base = TransferBase(
                pool=owner.pool,
                token=token,
                is_received=is_received,
                created_at=now,
                snapshot=snapshot,
                listed=listed,
            )
            with self._around.database.write() as connection:
                table.add(connection, owner, base)
        except HoldfastError as error:
            _log.warning("What crossed of %s is not kept for the next transfer: %s", owner.name, error)
        finally:
            self._release(name)
        kept = self._of(owner, is_received=is_received) if snapshot is None else self._of_snapshots(owner)
        for number, each in enumerate(kept):
            if number >= _MOST or each.token == former:
                self._remove(each)

    def expire(self) -> None:
        """Remove those whose time is over or that take the last room, and trees whose record has gone."""
        limit = self._around.clock.now() - KEPT_FOR
        for base in self._all():
            if not self._around.pools.is_available(base.pool):
                continue
            driver = self._around.pools.driver(base.pool)
            if base.created_at <= limit or not driver.keeps_bases or not has_room_to_spare(driver):
                self._remove(base)
        self.discard_leftovers()

    def discard_leftovers(self) -> None:
        """Remove trees without a record from all pools."""
        for pool in self._around.pools.list():
            if self._around.pools.is_available(pool.name):
                self.discard_unrecorded(self._around.pools.driver(pool.name))

    def discard_unrecorded(self, driver: Driver) -> None:
        """Remove trees without a record from a pool: those of what is deleted go with its record."""
        try:
            tokens = self._without_other(driver)
        except HoldfastError as error:
            _log.warning("Pool %s could not be looked at for what crossed: %s", driver.pool.name, error)
            return
        for token in tokens:
            self._drop(driver, token)

    def forget(self, connection: Connection, owner: BaseOwner) -> None:
        """Remove the records of an instance or volume, by its new name, whose content goes to another pool."""
        table.delete_for(connection, owner)

    def _without_other(self, driver: Driver) -> list[str]:
        """Remove records whose tree a power cut took; return the trees without a record."""
        with self._lock:
            tokens, pool = set(driver.base_tokens()), driver.pool.name
            recorded = {each.token: each for each in self._all() if each.pool == pool}
            used = {token for name, token in self._in_use if name == pool}
            lost = recorded.keys() - tokens - used
            if lost:
                with self._around.database.write() as connection:
                    for token in lost:
                        table.delete(connection, recorded[token])
            return sorted(tokens - recorded.keys() - used)

    def _remove(self, base: TransferBase) -> None:
        with self._lock:
            if self._in_use[base.pool, base.token]:
                return
            with self._around.database.write() as connection:
                table.delete(connection, base)
        self._drop(self._around.pools.driver(base.pool), base.token)

    def _drop(self, driver: Driver, token: str) -> None:
        try:
            driver.drop_base(token)
        except HoldfastError as error:
            _log.warning("What crossed between servers stays in pool %s for now: %s", driver.pool.name, error)

    def _release(self, *names: tuple[str, str]) -> None:
        with self._lock:
            self._in_use.subtract(names)
            self._in_use = +self._in_use

    @contextmanager
    def _using(self, driver: Driver, found: Callable[[], list[TransferBase]]) -> Iterator[list[TransferBase]]:
        """Give those of a list that are in the driver's pool; they stay meanwhile."""
        with self._lock:
            there = set(driver.base_tokens())
            used = [each for each in found() if each.pool == driver.pool.name and each.token in there]
            names = [(each.pool, each.token) for each in used]
            self._in_use.update(names)
        try:
            yield used
        finally:
            self._release(*names)

    def _renew(self, owner: BaseOwner) -> None:
        """Let the time of what its snapshots need begin anew: as long as the snapshots are there it takes no room."""
        if not isinstance(owner, Instance):
            return
        try:
            with self._around.database.write() as connection:
                table.renew_for_snapshots(connection, owner, self._around.clock.now())
        except HoldfastError as error:
            _log.warning("The time of what crossed of %s begins not anew: %s", owner.name, error)

    def _of_snapshots(self, owner: BaseOwner) -> list[TransferBase]:
        if not isinstance(owner, Instance):
            return []
        with self._around.database.read() as connection:
            return table.list_for_snapshots(connection, owner)

    def _of(self, owner: BaseOwner, *, is_received: bool) -> list[TransferBase]:
        with self._around.database.read() as connection:
            return table.list_for(connection, owner, is_received=is_received)

    def _all(self) -> list[TransferBase]:
        with self._around.database.read() as connection:
            return table.list_all(connection)
