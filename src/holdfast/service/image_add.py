"""How any image comes in: staged under an intent, checked, hashed, moved to its place, recorded last."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from holdfast.archive import image_metadata
from holdfast.archive.image_check import check_image
from holdfast.archive.image_file import read_metadata
from holdfast.archive.image_metadata import ImageMetadata
from holdfast.db import aliases as aliases_table
from holdfast.db import images as images_table
from holdfast.db.database import Connection, Database
from holdfast.model.clock import Clock
from holdfast.model.errors import BadRequestError, ConflictError, NoSpaceError
from holdfast.model.image import Image, ImageAlias
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.events import EventBus
from holdfast.service.image_store import ImageStore, fingerprint_of
from holdfast.service.intents import Intent, IntentLog
from holdfast.service.locks import Locks, image_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.project_features import home
from holdfast.service.resources import url

INTENT_KIND = "image-add"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRequest:
    """What the sender says about an image beside its content; properties stand above those in the file."""

    filename: str = ""
    public: bool = False
    auto_update: bool = False
    properties: Mapping[str, str] = field(default_factory=dict)
    profiles: tuple[str, ...] | None = None
    expires_at: datetime | None = None
    fingerprint: str = ""
    """What the sender expects it to be; "" expects nothing."""
    aliases: tuple[tuple[str, str], ...] = ()
    """Name and description of each alias to make along with it."""
    known_properties: Mapping[str, str] | None = None
    """What the server that it comes from has as its properties: they count instead of those in the file."""
    is_pushed: bool = False
    """Another server brings it, which isn't trusted beyond that."""
    cached: bool = False
    """It was fetched for an instance, nobody asked for itself."""


class ImageAdder:
    """Takes files into the store and the table of images; thread-safe."""

    def __init__(
        self, *, database: Database, store: ImageStore, locks: Locks, intents: IntentLog, events: EventBus, clock: Clock
    ) -> None:
        self._database, self._store, self._locks = database, store, locks
        self._intents, self._events, self._clock = intents, events, clock

    @contextmanager
    def staging(self, project: str) -> Iterator[tuple[Intent, Path]]:
        """Give an open intent and its staged directory; whatever goes wrong in the body is undone at its end.

        The image will be in this project, or in the default one if the project has no images of its own.
        """
        with self._database.read() as connection:
            image_project = home(connection, project, "images")
        intent = self._intents.open(INTENT_KIND, {"project": image_project})
        reach("image-add:intent")
        try:
            yield intent, self._store.stage(intent.token())
        except BaseException as error:
            self.undo(intent)
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoSpaceError("No space left for the image on the disk of the server's directory") from error
            raise
        self._store.discard(intent.token())

    def take(self, intent: Intent, main: Path, rootfs: Path | None) -> None:
        """Move finished uploads into the staged directory."""
        self._store.take(intent.token(), main, rootfs)

    def enter(self, caller: Caller, intent: Intent, request: ImageRequest, handle: OperationHandle) -> Image:
        """Make an image of what was staged, and set fingerprint and size as the operation's result."""
        main, rootfs = self._store.staged(intent.token())
        metadata = image_metadata.parse(read_metadata(main))
        handle.progress("create_image_progress", "Image: checking the files")
        fingerprint, size_bytes = _checked(main, rootfs, handle)
        _check_expected(request.fingerprint, fingerprint)
        now = self._clock.now()
        image = Image(
            project=intent.text("project"),
            fingerprint=fingerprint,
            filename=request.filename,
            size_bytes=size_bytes,
            public=request.public,
            auto_update=request.auto_update,
            architecture=metadata.architecture,
            cached=request.cached,
            properties={**_properties(metadata, request), **request.properties},
            profiles=request.profiles if request.profiles is not None else ("default",),
            created_at=metadata.created_at or now,
            uploaded_at=now,
            expires_at=request.expires_at or metadata.expires_at,
            is_split=rootfs is not None,
        )
        reach("image-add:staged")
        with self._locks.hold(image_lock(fingerprint), what="image add"):
            aliases = self._commit(intent, image, request)
        handle.set_metadata(fingerprint=fingerprint, size=str(size_bytes))
        self._announce(caller, image, aliases)
        return image

    def undo(self, intent: Intent) -> None:
        """Remove what the intent staged or moved, unless a record stands for it. Idempotent: recovery calls it, too."""
        fingerprint = intent.payload.get("fingerprint")
        if isinstance(fingerprint, str):
            with self._locks.hold(image_lock(fingerprint), what="image add"):
                with self._database.read() as connection:
                    is_recorded = bool(images_table.projects_with(connection, fingerprint))
                if not is_recorded:
                    self._store.withdraw(fingerprint, intent.token())
        self._store.discard(intent.token())
        self._intents.close(intent)

    def _commit(self, intent: Intent, image: Image, request: ImageRequest) -> list[str]:
        """Record the image; return the aliases that it was given."""
        with self._database.read() as connection:
            holders = images_table.projects_with(connection, image.fingerprint)
            twin = images_table.get(connection, holders[0], image.fingerprint) if holders else None
        if image.project in holders:
            raise ConflictError("Image with same fingerprint already exists")
        if twin is not None:
            # The files of another project's image are the same, byte by byte, and serve this one, too.
            image = replace(image, is_split=twin.is_split)
        else:
            self._store.sync(intent.token())
            reach("image-add:synced")
            intent.note(fingerprint=image.fingerprint)
            self._store.publish(intent.token(), image.fingerprint)
            reach("image-add:published")
        with self._database.write() as connection:
            images_table.insert(connection, image)
            aliases = insert_aliases(connection, image, request)
            self._intents.close(intent, connection)
        reach("image-add:committed")
        return aliases

    def _announce(self, caller: Caller, image: Image, aliases: Sequence[str]) -> None:
        source = url("images", image.fingerprint, project=image.project)
        self._events.lifecycle(caller, image.project, "image-created", source, type=image.type.value)
        announce_aliases(self._events, caller, image, aliases)


def insert_aliases(connection: Connection, image: Image, request: ImageRequest) -> list[str]:
    """Record the aliases that were asked for and return the new ones; one of another image raises `ConflictError`."""
    added = []
    for name, description in request.aliases:
        there = aliases_table.get(connection, image.project, name)
        if there is not None and there.target == image.fingerprint:
            continue
        alias = ImageAlias(
            project=image.project, name=name, target=image.fingerprint, description=description, type=image.type
        )
        aliases_table.insert(connection, alias)
        added.append(name)
    return added


def announce_aliases(events: EventBus, caller: Caller, image: Image, names: Sequence[str]) -> None:
    for name in names:
        alias = url("images", "aliases", name, project=image.project)
        events.lifecycle(caller, image.project, "image-alias-created", alias, target=image.fingerprint)


def _properties(metadata: ImageMetadata, request: ImageRequest) -> Mapping[str, str]:
    return metadata.properties if request.known_properties is None else request.known_properties


def _checked(main: Path, rootfs: Path | None, handle: OperationHandle) -> tuple[str, int]:
    """Check the files and hash them, side by side; return fingerprint and size."""
    is_refused = threading.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="image-hash") as executor:
        hashed = executor.submit(fingerprint_of, (main, rootfs), lambda: is_refused.is_set() or handle.is_cancelled())
        try:
            check_image(main, rootfs, handle.is_cancelled)
        except BaseException:
            is_refused.set()
            raise
        return hashed.result()


def _check_expected(expected: str, found: str) -> None:
    if expected and expected.lower() != found:
        raise BadRequestError(f"fingerprints don't match, got {found} expected {expected}")
