"""Images: list, look up, add from files, change, delete, and their files for download."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from holdfast.db import aliases as aliases_table
from holdfast.db import images as images_table
from holdfast.db.database import Database
from holdfast.model.clock import Clock
from holdfast.model.errors import HoldfastError, ImageAliasNotFoundError, ImageNotFoundError
from holdfast.model.image import Image
from holdfast.model.kinds import InstanceType
from holdfast.model.operation import Operation
from holdfast.service.caller import INTERNAL, Caller
from holdfast.service.events import EventBus
from holdfast.service.image_add import ImageAdder, ImageRequest
from holdfast.service.image_aliases import ImageAliasService, check_alias_name
from holdfast.service.image_delete import ImageDeleter
from holdfast.service.image_fetch import ImageFetcher
from holdfast.service.image_push import ImagePusher
from holdfast.service.image_tokens import ImageTokens
from holdfast.service.image_volumes import ImageVolumes
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Operations
from holdfast.service.paths import Paths
from holdfast.service.project_features import home
from holdfast.service.publish import PublishService
from holdfast.service.resources import url

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageChange:
    """What a PUT or PATCH changes; None keeps what is there, but for `expires_at` when `replaces_expiry` is set."""

    public: bool | None = None
    auto_update: bool | None = None
    properties: Mapping[str, str] | None = None
    profiles: tuple[str, ...] | None = None
    expires_at: datetime | None = None
    replaces_expiry: bool = False


class ImageService:
    """The images of each project; the files are shared between projects that hold the same image."""

    def __init__(
        self,
        *,
        database: Database,
        paths: Paths,
        adder: ImageAdder,
        deleter: ImageDeleter,
        volumes: ImageVolumes,
        publisher: PublishService,
        fetcher: ImageFetcher,
        operations: Operations,
        events: EventBus,
        clock: Clock,
    ) -> None:
        self._database, self._paths, self._adder, self._deleter = database, paths, adder, deleter
        self._operations, self._events, self._clock = operations, events, clock
        self.aliases = ImageAliasService(database=database, events=events)
        self.tokens = ImageTokens(operations, events, clock)
        self.pusher = ImagePusher(paths=paths, operations=operations, events=events)
        self.fetcher = fetcher
        self.publish = publisher.publish
        self.unpack_into = volumes.unpack_into
        self.ensure_volume = volumes.ensure

    def list(self, project: str | None) -> list[Image]:
        """Return the images of a project, of all when None, oldest upload first."""
        with self._database.read() as connection:
            return images_table.list_all(connection, project and home(connection, project, "images"))

    def get(self, project: str, fingerprint: str) -> Image:
        """Return the image whose fingerprint is, or begins with, this; several: `BadRequestError`."""
        with self._database.read() as connection:
            image = images_table.get(connection, home(connection, project, "images"), fingerprint)
        if image is None:
            raise ImageNotFoundError(fingerprint)
        return image

    def by_alias(self, project: str, name: str) -> Image:
        with self._database.read() as connection:
            alias = aliases_table.get(connection, home(connection, project, "images"), name)
            image = images_table.get(connection, alias.project, alias.target) if alias else None
        if image is None:
            raise ImageAliasNotFoundError(name)
        return image

    def by_properties(self, project: str, wanted: Mapping[str, str]) -> Image:
        """Return the newest image that has all these properties."""
        fitting = [image for image in self.list(project) if wanted.items() <= image.properties.items()]
        if not fitting:
            raise ImageNotFoundError(str(dict(wanted)))
        return fitting[-1]

    def resolve(self, project: str, text: str, instance_type: InstanceType | None = None) -> Image:
        """Return the image of that alias or, if there is none, of that fingerprint or beginning of one.

        An image of another type than the one wanted is as good as none.
        """
        try:
            image = self.by_alias(project, text)
        except ImageAliasNotFoundError:
            image = self.get(project, text)
        if instance_type is not None and image.type is not instance_type:
            raise ImageNotFoundError(text)
        return image

    def touch(self, image: Image) -> None:
        """Note that the image was used now."""
        with self._database.write() as connection:
            images_table.touch(connection, image.project, image.fingerprint, self._clock.now())

    def files(self, project: str, fingerprint: str) -> tuple[Path, Path | None]:
        """Return the image's file, and the root file system's file of a split image."""
        image = self.get(project, fingerprint)
        rootfs = self._paths.image_rootfs(image.fingerprint) if image.is_split else None
        return self._paths.image(image.fingerprint), rootfs

    def retrieved(self, caller: Caller, image: Image) -> None:
        """Tell listeners that the files were downloaded."""
        source = url("images", image.fingerprint, project=image.project)
        self._events.lifecycle(caller, image.project, "image-retrieved", source)

    def add_unified(self, caller: Caller, spooled: Path, request: ImageRequest) -> Operation:
        """Make an image of one tarball. The spooled file is taken over: it is gone when the operation ends."""
        return self._add(caller, spooled, None, request)

    def add_split(self, caller: Caller, metadata: Path, rootfs: Path, request: ImageRequest) -> Operation:
        """Make an image of a metadata tarball and a root file system; both spooled files are taken over."""
        return self._add(caller, metadata, rootfs, request)

    def update(self, caller: Caller, fingerprint: str, change: ImageChange) -> None:
        """Change what is kept beside the content."""
        with self._database.write() as connection:
            image = images_table.get(connection, home(connection, caller.project, "images"), fingerprint)
            if image is None:
                raise ImageNotFoundError(fingerprint)
            images_table.update(connection, _changed(image, change))
        source = url("images", image.fingerprint, project=image.project)
        self._events.lifecycle(caller, image.project, "image-updated", source)

    def delete(self, caller: Caller, fingerprint: str) -> Operation:
        """Delete the image with its aliases and unpacked volumes; instances made from it don't need it."""
        image = self.get(caller.project, fingerprint)
        resources = {"images": [url("images", image.fingerprint, project=image.project)]}
        return self._operations.start(
            caller, "Deleting image", lambda handle: self._deleter.delete(caller, image), resources=resources
        )

    def prune_cached(self, days: int) -> None:
        """Delete what was fetched for instances and wasn't used for so many days, 0: nothing; what resists stays."""
        now = self._clock.now()
        for image in self.list(None):
            unused = now - (image.last_used_at or image.uploaded_at)
            if not (days and image.cached and unused >= timedelta(days=days)):
                continue
            try:
                self._deleter.delete(INTERNAL, image)
            except HoldfastError as error:
                _log.warning("The cached image %s could not be removed: %s", image.fingerprint, error)

    def _add(self, caller: Caller, main: Path, rootfs: Path | None, request: ImageRequest) -> Operation:
        def work(handle: OperationHandle) -> None:
            try:
                with self._adder.staging(caller.project) as (intent, _):
                    self._adder.take(intent, main, rootfs)
                    self._adder.enter(caller, intent, request, handle)
            finally:
                remove()

        def remove() -> None:
            for path in (main, rootfs):
                if path is not None:
                    path.unlink(missing_ok=True)

        try:
            for name, _ in request.aliases:
                check_alias_name(name)
            # A secret lets a server that isn't trusted wait for what becomes of the image that it has brought.
            metadata = {"secret": secrets.token_hex(32)} if request.is_pushed else None
            return self._operations.start(
                caller, "Downloading image", work, may_cancel=True, metadata=metadata, if_never_begun=remove
            )
        except BaseException:
            remove()
            raise


def _changed(image: Image, change: ImageChange) -> Image:
    keeps_expiry = change.expires_at is None and not change.replaces_expiry
    return replace(
        image,
        public=image.public if change.public is None else change.public,
        auto_update=image.auto_update if change.auto_update is None else change.auto_update,
        properties=image.properties if change.properties is None else dict(change.properties),
        profiles=image.profiles if change.profiles is None else change.profiles,
        expires_at=image.expires_at if keeps_expiry else change.expires_at,
    )
