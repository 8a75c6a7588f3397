"""What an export reads: trees that hold still while it reads them.

Where a driver clones in no time, everything is cloned under the lock of the instance or volume, which is then free
again. Elsewhere a copy would double space and time: the trees are read in place and the lock is held (shared) until the
end. Files that a running instance changes meanwhile are taken as they are found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from holdfast.archive.content import ExportContent
from holdfast.archive.instance_content import PlacedStream
from holdfast.archive.optimized import StreamPlace
from holdfast.db.database import Database
from holdfast.model.backup import BackupOwner
from holdfast.service.backup_owners import lock_of
from holdfast.service.export_part import ExportPart
from holdfast.service.export_subjects import ExportSubjects, Subject
from holdfast.service.intents import Intent
from holdfast.service.locks import Locks
from holdfast.service.pools import PoolService
from holdfast.service.profiles import ProfileService
from holdfast.storage.driver import Origin


class ExportScenes:
    """Sets scenes up and takes them down again."""

    def __init__(self, *, database: Database, pools: PoolService, profiles: ProfileService, locks: Locks) -> None:
        self._subjects = ExportSubjects(database=database, pools=pools, profiles=profiles)
        self._locks = locks

    def require(self, owner: BackupOwner) -> None:
        """Raise if there is no such instance or volume."""
        self._subjects.require(owner)

    def usage_bytes(self, owner: BackupOwner) -> int | None:
        """Return what it takes in its pool, where that is known cheaply."""
        driver, volume = self._subjects.place(owner)
        return driver.usage_bytes(volume)

    def has_streams(self, owner: BackupOwner) -> bool:
        """Tell whether its pool has an optimized form of its own."""
        return self._subjects.place(owner)[0].features.optimized_streams

    def check(self, owner: BackupOwner, part: ExportPart) -> None:
        """Raise if it, or the wanted snapshot of it, isn't there."""
        self._subjects.find(owner, part)

    @contextmanager
    def scene(self, intent: Intent, owner: BackupOwner, part: ExportPart) -> Iterator[ExportContent]:
        """Give the content, which holds still while the body runs."""
        with self._locks.hold(lock_of(owner), shared=True, what="backup"):
            subject = self._subjects.find(owner, part)
            if not subject.driver.features.cheap_snapshots:
                yield subject.content(_in_place(subject, part))
                return
            try:
                content = _staged(subject, intent, part)
            except BaseException:
                _discard(subject, intent)
                raise
        try:
            yield content
        finally:
            _discard(subject, intent)


def _in_place(subject: Subject, part: ExportPart) -> dict[str | None, Path]:
    return {name: subject.driver.path(subject.volume, part.source(name)) for name in subject.names}


def _staged(subject: Subject, intent: Intent, part: ExportPart) -> ExportContent:
    """Clone every tree, in no time; what was staged before a failure is for the caller to discard."""
    driver = subject.driver
    if part.optimized_storage and driver.features.optimized_streams:
        return subject.optimized(_staged_streams(subject, intent))
    return subject.content(
        {
            name: driver.stage(intent.token(number), Origin(volume=subject.volume, snapshot=part.source(name)))
            for number, name in enumerate(subject.names)
        }
    )


def _staged_streams(subject: Subject, intent: Intent) -> list[PlacedStream]:
    """Stage read-only copies, each to be sent as its difference to the one before."""
    driver = subject.driver
    streams: list[PlacedStream] = []
    parent: tuple[str, str] | None = None
    for number, snapshot in enumerate(subject.names):
        token, name = intent.token(number), StreamPlace(subject.layout, snapshot, "").stream_name
        documents = {} if snapshot else subject.documents
        for part in driver.stage_to_send(token, Origin(volume=subject.volume, snapshot=snapshot), name, documents):
            place = StreamPlace(subject.layout, snapshot, part.path, part.is_read_only, part.identity)
            streams.append((place, partial(driver.sending, token, name, part.path, parent)))
        parent = (token, name)
    return streams


def _discard(subject: Subject, intent: Intent) -> None:
    for number in range(len(subject.names)):
        subject.driver.discard(intent.token(number))
