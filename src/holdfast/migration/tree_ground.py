"""What a tree is received on: a former one, only looked at, and a staged one like it as soon as something differs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from holdfast.host.beneath import beneath, directory

Stage = Callable[[], bool]
"""Makes the staged tree, like the former one if there is one; returns whether it has its files, under more names."""


class Ground:
    """The former tree as long as all that comes is as it is there, from then on the staged one.

    Without a former tree the staged one is made at once. `root` is a descriptor of what is looked at, while `opened`.
    """

    def __init__(self, staged: Path, stage: Stage, *, former: Path | None = None) -> None:
        self._path, self._stage, self._former = staged, stage, former
        self._root = contextlib.ExitStack()
        self.root = -1
        self.is_staged = self.is_linked = False

    @property
    def name(self) -> str:
        """Return what the staged tree is called."""
        return self._path.name

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        with self._root:
            if self._former is None:
                self.stage()
            self._open()
            yield

    def stage(self) -> None:
        """See to it that there is a staged tree, and that it is what `root` shows."""
        if not self.is_staged:
            self.is_linked = self._stage()
            self.is_staged = True
            self._open()

    def _open(self) -> None:
        self._root.close()
        path = self._path if self.is_staged or self._former is None else self._former
        self.root = self._root.enter_context(directory(path))


class OpenDirectory:
    """Keeps the directory open that was used last: wanted files of one follow each other."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._opened: tuple[bytes, bool] | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> OpenDirectory:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def at(self, path: bytes) -> int:
        """Return a descriptor, valid until the next call: that of the staged tree as soon as there is one."""
        wanted = path, self._ground.is_staged
        if wanted != self._opened:
            self._stack.close()
            self._descriptor = self._stack.enter_context(beneath(self._ground.root, path))
            self._opened = wanted
        return self._descriptor
