"""Puts the image services together: what the daemon calls once, and what it calls after recovery."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.db.database import Database
from holdfast.model.clock import Clock
from holdfast.service import image_add, image_delete
from holdfast.service.events import EventBus
from holdfast.service.image_add import ImageAdder
from holdfast.service.image_build import ImageBuildService
from holdfast.service.image_delete import ImageDeleter
from holdfast.service.image_fetch import ImageFetcher
from holdfast.service.image_store import ImageStore
from holdfast.service.image_volumes import ImageVolumes
from holdfast.service.images import ImageService
from holdfast.service.intents import IntentLog
from holdfast.service.locks import Locks
from holdfast.service.operations import Operations
from holdfast.service.paths import Paths
from holdfast.service.pools import PoolService
from holdfast.service.publish import PublishService, Statuses
from holdfast.service.recovery import Recovery


@dataclass(frozen=True, slots=True)
class ImageServices:
    """The two that the server asks, and the store that a start cleans."""

    images: ImageService
    image_build: ImageBuildService
    store: ImageStore
    intents: IntentLog

    def discard_leftovers(self) -> None:
        """Remove staged files that no open intent knows; call it once recovery has run."""
        known = {intent.id for intent in self.intents.list_open()}
        for token in self.store.tokens():
            if token.rpartition("-")[0] not in known:
                self.store.discard(token)


def make_image_services(
    *,
    database: Database,
    paths: Paths,
    pools: PoolService,
    runtime: Statuses,
    locks: Locks,
    intents: IntentLog,
    recovery: Recovery,
    operations: Operations,
    events: EventBus,
    clock: Clock,
) -> ImageServices:
    """Build the services and register what they do after a crash."""
    store = ImageStore(paths)
    adder = ImageAdder(database=database, store=store, locks=locks, intents=intents, events=events, clock=clock)
    volumes = ImageVolumes(paths=paths, pools=pools, locks=locks)
    deleter = ImageDeleter(database=database, store=store, volumes=volumes, locks=locks, intents=intents, events=events)
    publisher = PublishService(
        database=database,
        pools=pools,
        runtime=runtime,
        adder=adder,
        locks=locks,
        operations=operations,
        clock=clock,
    )
    fetcher = ImageFetcher(database=database, adder=adder, operations=operations, events=events)
    images = ImageService(
        database=database,
        paths=paths,
        adder=adder,
        deleter=deleter,
        volumes=volumes,
        publisher=publisher,
        fetcher=fetcher,
        operations=operations,
        events=events,
        clock=clock,
    )
    recovery.register(image_add.INTENT_KIND, adder.undo)
    recovery.register(image_delete.INTENT_KIND, deleter.finish)
    build = ImageBuildService(adder=adder, operations=operations, clock=clock)
    return ImageServices(images, build, store, intents)
