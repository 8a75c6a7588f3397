"""What an export reads: trees that hold still while it reads them.

Where a driver clones in no time, everything is cloned under the lock of the instance or volume, which is then free
again. Elsewhere a copy would double space and time: the trees are read in place and the lock is held (shared) until the
end. Files that a running instance changes meanwhile are taken as they are found.

An instance together with its volumes is of one moment, as it is in a snapshot of all of them: a running one is frozen
until everything has been cloned, or copied where that takes time. A stopped one stays so while it is read in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial

from holdfast.archive.attached_content import with_attached
from holdfast.archive.content import ExportContent
from holdfast.archive.incremental_content import as_incremental
from holdfast.archive.instance_content import PlacedStream
from holdfast.archive.optimized import StreamPlace
from holdfast.model.backup import BackupOwner
from holdfast.model.errors import ConflictError
from holdfast.model.kinds import StatusCode
from holdfast.service.backup_owners import lock_of
from holdfast.service.crashpoints import reach
from holdfast.service.export_part import ExportPart
from holdfast.service.export_subjects import ExportSubjects, Subject
from holdfast.service.intents import Intent, TokenRange, Tokens
from holdfast.service.locks import Locks, pool_lock
from holdfast.service.stillness import still, thaw
from holdfast.service.surroundings import Surroundings
from holdfast.storage.driver import Origin
from holdfast.streams.copy import Cancelled, never


class ExportScenes:
    """Sets scenes up and takes them down again."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._subjects = ExportSubjects(
            database=surroundings.database, pools=surroundings.pools, profiles=surroundings.profiles
        )

    def require(self, owner: BackupOwner) -> None:
        """Raise if there is no such instance or volume."""
        self._subjects.require(owner)

    def usage_bytes(self, owner: BackupOwner, part: ExportPart) -> int:
        """Return what it takes in its pool, as far as that is known cheaply."""
        found = self._find(owner, part)
        return sum(each.driver.usage_bytes(each.volume) or 0 for each in found)

    def has_streams(self, owner: BackupOwner) -> bool:
        """Tell whether its pool has an optimized form of its own."""
        return self._subjects.place(owner)[0].features.optimized_streams

    def check(self, owner: BackupOwner, part: ExportPart) -> None:
        """Raise if it, or the wanted snapshot of it, isn't there."""
        self._find(owner, part)

    def release(self, intent: Intent) -> None:
        """Let an instance go on that a crash left frozen. Idempotent."""
        thaw(self._around, intent)

    @contextmanager
    def scene(
        self, intent: Intent, owner: BackupOwner, part: ExportPart, cancelled: Cancelled = never
    ) -> Iterator[ExportContent]:
        """Give the content, which holds still while the body runs."""
        if part.with_volumes:
            with self._with_volumes(intent, owner, part, cancelled) as content:
                yield content
            return
        with self._around.locks.hold(lock_of(owner), shared=True, what="backup"):
            subject = self._subjects.find(owner, part)
            if not subject.driver.features.cheap_snapshots:
                yield _in_place(subject)
                return
            clones = _Clones(self._around.locks, [subject], intent)
            try:
                content = _staged(subject, intent, cancelled)
            except BaseException:
                clones.remove()
                raise
        try:
            yield replace(content, on_read=clones.let_go)
        finally:
            clones.remove()

    def _find(self, owner: BackupOwner, part: ExportPart) -> list[Subject]:
        subject = self._subjects.find(owner, part)
        return [subject, *(self._subjects.find_attached(owner, part) if part.with_volumes else ())]

    @contextmanager
    def _with_volumes(
        self, intent: Intent, owner: BackupOwner, part: ExportPart, cancelled: Cancelled
    ) -> Iterator[ExportContent]:
        with ExitStack() as stack, ExitStack() as locks, ExitStack() as power:
            subjects = self._hold(locks, power, owner, part)
            clones = _Clones(self._around.locks, subjects, intent)
            stack.callback(clones.remove)
            instance = self._around.instance(owner.project, owner.name)
            is_at_rest = self._around.status(instance) is StatusCode.STOPPED
            is_still = is_at_rest or bool(part.snapshot)
            with nullcontext() if is_still else still(self._around, intent, instance, in_any_case=True):
                contents = [
                    _staged(subject, tokens, cancelled)
                    if subject.driver.features.cheap_snapshots
                    else _in_place(subject, None if is_still else tokens, cancelled)
                    for subject, tokens in _with_tokens(subjects, intent)
                ]
                reach("export-volumes:cloned")
            has_clones_alone = all(each.driver.features.cheap_snapshots for each in subjects)
            if has_clones_alone or not is_at_rest:
                power.close()
            if has_clones_alone:
                locks.close()
            yield replace(with_attached(contents[0], contents[1:]), on_read=clones.let_go)

    def _hold(self, stack: ExitStack, power: ExitStack, owner: BackupOwner, part: ExportPart) -> Sequence[Subject]:
        """Hold the instance and its volumes with others, and return all of them as they are then.

        Its power is held alone, too, unless it is about a snapshot, which nothing changes.
        """
        hold = self._around.locks.hold
        stack.enter_context(hold(lock_of(owner), shared=True, what="backup"))
        if not part.snapshot:
            power.enter_context(hold(f"{lock_of(owner)}#power", what="backup"))
        names = [lock_of(each.owner) for each in self._subjects.find_attached(owner, part)]
        stack.enter_context(hold(*names, shared=True, what="backup"))
        subjects = self._find(owner, part)
        if any(lock_of(each.owner) not in names for each in subjects[1:]):
            raise ConflictError("The instance's volumes are changed by others meanwhile: try again")
        return subjects


def _with_tokens(subjects: Sequence[Subject], intent: Intent) -> Iterator[tuple[Subject, Tokens]]:
    first = 0
    for subject in subjects:
        yield subject, TokenRange(intent, first)
        first += len(subject.names) + 1


def _in_place(subject: Subject, tokens: Tokens | None = None, cancelled: Cancelled = never) -> ExportContent:
    """Read trees where they are; with tokens a copy of the main one, which something may change."""
    driver, part = subject.driver, subject.part
    trees = {name: driver.path(subject.volume, part.source(name)) for name in subject.names}
    if tokens is not None:
        token = tokens.token(len(subject.names) - 1)
        trees[None] = driver.stage(token, Origin(volume=subject.volume), cancelled=cancelled)
    return subject.content(trees)


def _staged(subject: Subject, tokens: Tokens, cancelled: Cancelled) -> ExportContent:
    """Clone every tree; what was staged before a failure is for the caller to discard."""
    driver, part = subject.driver, subject.part
    if subject.base is not None:
        return as_incremental(subject.optimized(_staged_streams(subject, tokens)), subject.base)
    if part.optimized_storage and driver.features.optimized_streams:
        return subject.optimized(_staged_streams(subject, tokens))
    return subject.content(
        {
            name: driver.stage(
                tokens.token(number), Origin(volume=subject.volume, snapshot=part.source(name)), cancelled=cancelled
            )
            for number, name in enumerate(subject.names)
        }
    )


def _staged_streams(subject: Subject, tokens: Tokens) -> list[PlacedStream]:
    """Stage read-only copies, each to be sent as its difference to the one before: the first one to the base."""
    driver = subject.driver
    streams: list[PlacedStream] = []
    parent: tuple[str, str] | None = None
    if subject.base is not None:
        parent = (tokens.token(len(subject.names)), subject.base.snapshot)
        driver.stage_to_send(parent[0], Origin(volume=subject.volume, snapshot=parent[1]), parent[1], {})
    for number, snapshot in enumerate(subject.names):
        token, name = tokens.token(number), StreamPlace(subject.layout, snapshot, "").stream_name
        documents = {} if snapshot else subject.documents
        for part in driver.stage_to_send(token, Origin(volume=subject.volume, snapshot=snapshot), name, documents):
            place = StreamPlace(subject.layout, snapshot, part.path, part.is_read_only, part.identity)
            streams.append((place, partial(driver.sending, token, name, part.path, parent)))
        parent = (token, name)
    return streams


class _Clones:
    """What is staged for an export. It goes once it has been read, while the file is finished and checked.

    The kernel takes as long to forget what it has in memory of a clone as to read it: 0.2 s for 1 GB.
    """

    def __init__(self, locks: Locks, subjects: Sequence[Subject], intent: Intent) -> None:
        self._locks, self._subjects, self._intent = locks, subjects, intent
        self._going: Future[None] | None = None

    def let_go(self) -> None:
        """Begin to remove them, in a thread; their pools stay meanwhile."""
        remover = ThreadPoolExecutor(1, thread_name_prefix="clones")
        self._going = remover.submit(self._discard_beside)
        remover.shutdown(wait=False)

    def remove(self) -> None:
        """Remove them, or wait until they are gone; raise what that failed with."""
        if self._going is None:
            self._discard()
        else:
            self._going.result()

    def _discard_beside(self) -> None:
        pools = {pool_lock(subject.driver.pool.name) for subject in self._subjects}
        with self._locks.hold(*pools, shared=True, what="clean-up"):
            self._discard()

    def _discard(self) -> None:
        for subject, tokens in _with_tokens(self._subjects, self._intent):
            for number in range(len(subject.names) + 1):
                subject.driver.discard(tokens.token(number))
