"""The building of a custom volume: trees in staging, published by rename, the record written last."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from holdfast.db import volume_snapshots as snapshots_table
from holdfast.db import volumes as volumes_table
from holdfast.db.database import Connection
from holdfast.model.errors import ConflictError, PoolNotFoundError
from holdfast.model.instance import Config
from holdfast.model.kinds import ContentType
from holdfast.model.names import check_volume_name
from holdfast.model.storage import Volume
from holdfast.model.volume import CustomVolume, VolumeSnapshot
from holdfast.model.volume_keys import DEFAULT_BLOCK_BYTES, UUID_KEY, check_volume_config, new_config, size_bytes
from holdfast.service.caller import Caller
from holdfast.service.crashpoints import reach
from holdfast.service.intents import Intent, Tokens
from holdfast.service.taking_back import take_back
from holdfast.service.volume_requests import VolumeRequest
from holdfast.service.volume_store import VolumeStore, payload_of
from holdfast.storage.block_file import make_block_file, make_disk_at_least
from holdfast.storage.driver import Driver
from holdfast.storage.failures import explained

INTENT_KIND: Final = "volume-create"
TAKEN: Final = "Volume by that name already exists"
_TREE_MODE: Final = 0o711

Fill = Callable[[Driver, Intent], None]
"""Makes the staged trees of a new volume: token n for the n-th snapshot, the token after them for itself."""


@dataclass(frozen=True, slots=True)
class NewVolume:
    """The records to write; snapshots oldest first."""

    volume: CustomVolume
    snapshots: tuple[VolumeSnapshot, ...] = ()


class VolumeBuilder:
    """Plans and builds volumes, whatever they are made of."""

    def __init__(self, store: VolumeStore) -> None:
        self._store, self._around = store, store.around

    def plan(self, project: str, pool: str, request: VolumeRequest) -> CustomVolume:
        """Return the record to write; raises for what can't stand, or is there already."""
        check_volume_name(request.name)
        found = self._around.pools.get(pool)
        volume = CustomVolume(
            project=self._store.home(project),
            pool=pool,
            name=request.name,
            content_type=request.content_type,
            description=request.description,
            config=new_config(found.config, request.config, request.content_type, new_uuid()),
            created_at=self._around.clock.now(),
        )
        check_volume_config(volume)
        return volume

    def check_free(self, volume: CustomVolume) -> None:
        """Raise `ConflictError` if the name is taken, or something is in its place in the pool."""
        if self._store.exists(volume.project, volume.pool, volume.name):
            raise ConflictError(TAKEN)
        if self._store.driver(volume).exists(volume.address):
            raise ConflictError("Volume already exists on storage but not in database")

    def build(self, caller: Caller, new: NewVolume, fill: Fill) -> None:
        """Make the trees, publish them, write the records. The caller holds the name."""
        volume = new.volume
        self.check_free(volume)
        driver = self._store.driver(volume)
        intent = self._around.intents.open(
            INTENT_KIND, {**payload_of(volume), "snapshots": [each.name for each in new.snapshots]}
        )
        try:
            reach("volume-create:intent")
            fill(driver, intent)
            self._publish(driver, intent, new)
        except BaseException:
            self.undo(intent)
            raise
        reach("volume-create:committed")
        self._store.tell(caller, volume, "created", type=volume.content_type.value)
        for snapshot in new.snapshots:
            self._store.tell_snapshot(caller, volume, snapshot.name, "created")

    def fill_empty(self, volume: CustomVolume, driver: Driver, intent: Intent) -> None:
        """Stage the tree of a volume without content."""
        tree = driver.stage(intent.token())
        with explained(volume.pool, f'making volume "{volume.name}"'):
            dress(tree)
            if volume.content_type is ContentType.BLOCK:
                make_block_file(tree, size_bytes(volume.config) or DEFAULT_BLOCK_BYTES)
        limit(driver, intent.token(), volume.content_type, volume.config)

    def undo(self, intent: Intent) -> None:
        """Remove what a creation left: staged trees, published ones without a record. Idempotent: recovery calls it."""
        address = CustomVolume(
            project=intent.text("project"),
            pool=intent.text("pool"),
            name=intent.text("volume"),
            created_at=self._around.clock.now(),
        ).address
        names = intent.texts("snapshots")
        try:
            driver = self._around.pools.driver(intent.text("pool"))
        except PoolNotFoundError:  # deleted since, and all that was in it
            self._around.intents.close(intent)
            return
        take_back_trees(driver, intent, address, names)
        self._around.intents.close(intent)

    def _publish(self, driver: Driver, intent: Intent, new: NewVolume) -> None:
        reach("volume-create:staged")
        sync_trees(driver, intent, new)
        reach("volume-create:synced")
        publish_trees(driver, intent, new)
        reach("volume-create:published")
        with self._around.database.write() as connection:
            record(connection, new)
            self._around.intents.close(intent, connection)


def sync_trees(driver: Driver, tokens: Tokens, new: NewVolume) -> None:
    """Put the staged trees on stable storage."""
    for number in range(len(new.snapshots) + 1):
        driver.sync(tokens.token(number))


def publish_trees(driver: Driver, tokens: Tokens, new: NewVolume) -> None:
    """Move the trees that are staged to their places, the volume last. Idempotent."""
    address, main = new.volume.address, tokens.token(len(new.snapshots))
    for number, snapshot in enumerate(new.snapshots):
        if driver.staged_path(tokens.token(number)).exists():
            driver.publish_snapshot(tokens.token(number), address, snapshot.name)
    if driver.staged_path(main).exists():
        driver.publish(main, address)


def record(connection: Connection, new: NewVolume) -> None:
    """Write the records."""
    volumes_table.insert(connection, new.volume)
    for snapshot in new.snapshots:
        snapshots_table.insert(connection, new.volume, snapshot)


def take_back_trees(driver: Driver, tokens: Tokens, address: Volume, snapshots: Sequence[str]) -> None:
    """Remove what a creation staged or published. Idempotent."""
    for number, snapshot in enumerate([*snapshots, None]):
        take_back(driver, address, tokens.token(number), snapshot)
    driver.discard(tokens.token(len(snapshots) + 1))  # where streams were received


def new_uuid() -> str:
    return str(uuid.uuid4())


def copied_snapshot(snapshot: VolumeSnapshot) -> VolumeSnapshot:
    """Return the record of a snapshot's copy, which has an identity of its own."""
    return replace(snapshot, config={**snapshot.config, UUID_KEY: new_uuid()})


def dress(tree: Path) -> None:
    """Give a new, empty tree the mode that a volume's top has: what is mounted into an instance is walked by users."""
    tree.chmod(_TREE_MODE)


def limit(driver: Driver, token: str, content_type: ContentType, config: Config) -> None:
    """Give a staged tree the volume's size: a limit, or a disk that isn't smaller than that.

    A disk may be, where its content is of a time before the volume was enlarged, or of a smaller volume.
    """
    size = size_bytes(config)
    is_limited = content_type is ContentType.FILESYSTEM
    if not is_limited and size is not None:
        make_disk_at_least(driver.staged_path(token), size)
    driver.set_staged_quota(token, size if is_limited else None)
