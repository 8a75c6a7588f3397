"""The trees of a copy on this server: clones where source and target are in one pool, else copies.

Where clones cost nothing, what goes to another pool is made of what went there before it, as the source's snapshots are
of each other: what didn't change between two of them is there once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.host.trees import fill_tree
from holdfast.migration.tree_ground import Ground
from holdfast.migration.tree_local import update_tree
from holdfast.model.storage import Volume
from holdfast.service.intents import Intent
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.progress import RateMeter
from holdfast.storage.driver import Driver, Origin
from holdfast.storage.failures import explained
from holdfast.streams.copy import Progress

_MOMENT: Final = 1_000_000
"""The number of the token under which a source that may change is cloned in its own pool, so that a copy elsewhere sees
one moment of it; nothing has so many snapshots."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CopiedTrees:
    """One copy: of `volume` in the pool of `source`, to be `copy` in that of `target`.

    `still` holds the volume still for a body. `may_change`: it may be written to by who isn't held by that.
    `replaces`: `copy` is there, and is what the copy takes the place of.
    """

    source: Driver
    volume: Volume
    target: Driver
    copy: Volume
    intent: Intent
    handle: OperationHandle
    still: Callable[[], AbstractContextManager[None]] = nullcontext
    may_change: bool
    replaces: bool = False

    def stage(self, snapshots: Sequence[str], last: str | None = None) -> bool:
        """Make staged tree n a copy of the n-th snapshot, and the one after them of snapshot `last`, None: the volume.

        Return False if there is nothing to exchange: no snapshots, and what `copy` replaces is what it is to be.
        """
        names = (*snapshots, last)
        if self.target.pool.name == self.source.pool.name:
            for number, name in enumerate(names):
                self._clone(self.intent.token(number), name)
            return True
        if self.target.features.cheap_snapshots:
            return self._stage_series(names)
        for number, name in enumerate(names):
            self._fill(self.intent.token(number), name)
        return True

    def _clone(self, token: str, name: str | None) -> None:
        origin = Origin(volume=self.volume, snapshot=name)
        with self._held(name):
            self.target.stage(token, origin, cancelled=self.handle.is_cancelled, progress=self._shown(name))

    def _stage_series(self, names: Sequence[str | None]) -> bool:
        """Make the last tree what each is, one after the other, and leave clones of it on the way."""
        main = self.intent.token(len(names) - 1)

        def stage() -> bool:
            if self.replaces:
                self.target.stage(main, Origin(volume=self.copy), cancelled=self.handle.is_cancelled)
            return False

        former = self.target.path(self.copy) if self.replaces and len(names) == 1 else None
        ground = Ground(self.target.staged_path(main), stage, former=former)
        for number, name in enumerate(names):
            if number or self.replaces:
                self._update(ground, name)
            else:
                self._fill(main, name)
            if number < len(names) - 1:
                clone = Origin(volume=self.copy, staged=main)
                self.target.stage(self.intent.token(number), clone, cancelled=self.handle.is_cancelled)
        return former is None or ground.is_staged

    def _fill(self, token: str, name: str | None) -> None:
        with self._at_rest(name) as tree:
            staged = self.target.stage(token)
            with explained(self.target.pool.name, self._doing):
                fill_tree(tree, staged, cancelled=self.handle.is_cancelled, progress=self._shown(name))

    def _update(self, ground: Ground, name: str | None) -> None:
        doing = f'Storage pool "{self.target.pool.name}": {self._doing}'
        with self._at_rest(name) as tree:
            update_tree(tree, ground, doing, progress=self._shown(name), cancelled=self.handle.is_cancelled)

    @property
    def _doing(self) -> str:
        return f'copying "{self.volume.name}" from pool "{self.source.pool.name}"'

    @contextmanager
    def _at_rest(self, name: str | None) -> Iterator[Path]:
        """Give a tree of the source that nobody changes for the body."""
        with self._held(name):
            if name is not None or not self.may_change or not self.source.features.cheap_snapshots:
                yield self.source.path(self.volume, name)
                return
            token = self.intent.token(_MOMENT)
            try:
                yield self.source.stage(token, Origin(volume=self.volume))
            finally:
                self.source.discard(token)

    def _held(self, name: str | None) -> AbstractContextManager[None]:
        return self.still() if name is None else nullcontext()

    def _shown(self, name: str | None) -> Progress:
        meter, what = RateMeter(), name or self.volume.name

        def show(done_bytes: int) -> None:
            self.handle.progress("fs_progress", f"{what}: {meter.text(done_bytes)}")

        return show
