"""What has changed between two points of an instance or custom volume: two snapshots, or a snapshot and now."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.host.beneath import beneath, directory
from holdfast.host.tree_changes import Change, Difference, Side, differences
from holdfast.model.errors import BadRequestError, NotFoundError
from holdfast.model.kinds import ContentType
from holdfast.service.points import NOW, Point, Points
from holdfast.service.surroundings import Surroundings
from holdfast.service.volume_store import VolumeStore

MOST_ENTRIES: Final = 1000
"""In one answer."""
LONGEST_S: Final = 20.0
"""Somebody waits for the answer. A million files take some ten seconds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """Two points, the earlier one first; `path` is the directory that it is about, `offset` and `limit` a page."""

    before: str
    after: str
    path: str = "/"
    offset: int = 0
    limit: int = MOST_ENTRIES


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """A page of what differs, and the numbers of all of it. Not complete: time was up before everything was seen."""

    counts: dict[Change, int]
    page: Sequence[Difference]
    next_offset: int | None
    is_complete: bool


class ChangesService:
    """Compares; thread-safe. Nothing is held: what changes meanwhile is seen before or after that."""

    def __init__(self, surroundings: Surroundings, volumes: VolumeStore) -> None:
        self._clock, self._volumes = surroundings.clock, volumes
        self._points = Points(surroundings, volumes)

    def of_instance(self, project: str, name: str, question: Question) -> Changes:
        """Compare two points of an instance."""
        points = [self._points.of_instance(project, name, each) for each in (question.before, question.after)]
        return self._compare(question, points)

    def of_volume(self, project: str, pool: str, name: str, question: Question) -> Changes:
        """Compare two points of a custom volume."""
        volume = self._volumes.get(project, pool, name)
        if volume.content_type is not ContentType.FILESYSTEM:
            raise BadRequestError("Only volumes with files can be compared, not disks")
        points = [self._points.of_volume(volume, each) for each in (question.before, question.after)]
        return self._compare(question, points)

    def _compare(self, question: Question, points: Sequence[Point]) -> Changes:
        _check(question)
        start = os.fsencode(question.path.strip("/"))
        with ExitStack() as stack:
            before, after = (Side(stack.enter_context(_opened(each.tree)), each.id_base) for each in points)
            if not (_has(before, start) or _has(after, start)):
                raise NotFoundError(f'Not Found: there is no directory "{question.path}" before nor after')
            return self._collect(question, differences(before, after, start, _Watch(self._clock.monotonic)))

    def _collect(self, question: Question, found: Iterator[Difference]) -> Changes:
        counts: Counter[Change] = Counter()
        page: list[Difference] = []
        is_complete = True
        try:
            for number, each in enumerate(found):
                counts[each.change] += 1
                if question.offset <= number < question.offset + question.limit:
                    page.append(each)
        except _TimeIsUpError:
            is_complete = False
        end = question.offset + len(page)
        return Changes(
            counts={change: counts[change] for change in Change},
            page=page,
            next_offset=end if counts.total() > end and page else None,
            is_complete=is_complete,
        )


class _TimeIsUpError(Exception):
    """Ends a comparison that takes too long to be waited for."""


class _Watch:
    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic, self._until = monotonic, monotonic() + LONGEST_S

    def __call__(self, entries: int) -> None:
        if self._monotonic() > self._until:
            raise _TimeIsUpError


def _check(question: Question) -> None:
    if question.before == NOW:
        raise BadRequestError("Give the snapshot that is compared (`from`)")
    if ".." in question.path.split("/") or "\0" in question.path:
        raise BadRequestError(f'Invalid path "{question.path}"')
    if not 0 < question.limit <= MOST_ENTRIES:
        raise BadRequestError(f"The limit is a number from 1 to {MOST_ENTRIES}")


@contextmanager
def _opened(tree: Path) -> Iterator[int]:
    try:
        with directory(tree) as root:
            yield root
    except FileNotFoundError:
        raise NotFoundError("Not Found") from None  # it was deleted or renamed since its record was read


def _has(side: Side, start: bytes) -> bool:
    try:
        with beneath(side.root, start):
            return True
    except OSError:
        return False
