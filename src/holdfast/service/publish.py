"""Images made from what is here: a stopped instance or a snapshot, packed with the ids that the instance sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from holdfast.archive import image_metadata
from holdfast.archive.idmap import parse_host_map
from holdfast.archive.image_file import pack
from holdfast.archive.image_metadata import ImageMetadata
from holdfast.db import instances as instances_table
from holdfast.db import server_config
from holdfast.db import snapshots as snapshots_table
from holdfast.db.database import Database
from holdfast.host.shift import shift_tree
from holdfast.model.clock import Clock
from holdfast.model.errors import ArchiveError, BadRequestError, InstanceNotFoundError, SnapshotNotFoundError
from holdfast.model.instance import Config, Instance
from holdfast.model.instance_changes import DISK_MAP_KEY
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import Operation
from holdfast.model.server_keys import SERVER_KEYS
from holdfast.model.storage import instance_volume
from holdfast.service.caller import Caller
from holdfast.service.image_add import ImageAdder, ImageRequest
from holdfast.service.image_aliases import check_alias_name
from holdfast.service.image_store import MAIN
from holdfast.service.locks import Locks, instance_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Operations
from holdfast.service.paths import instance_key
from holdfast.service.pools import PoolService
from holdfast.service.progress import RateMeter
from holdfast.storage.driver import Driver, Origin
from holdfast.streams import compression
from holdfast.streams.compression import CompressionChoice

_KEY: Final = "images.compression_algorithm"


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishRequest:
    """What to make an image of: an instance or one of its snapshots; `compression` as in the API, "" is the default."""

    instance: str
    snapshot: str | None = None
    compression: str = ""
    image: ImageRequest


class Statuses(Protocol):
    """What publishing needs of the runtime."""

    def status(self, key: str) -> StatusCode: ...


class PublishService:
    """Packs instances and snapshots into images."""

    def __init__(
        self,
        *,
        database: Database,
        pools: PoolService,
        runtime: Statuses,
        adder: ImageAdder,
        locks: Locks,
        operations: Operations,
        clock: Clock,
    ) -> None:
        self._database, self._pools, self._runtime, self._adder = database, pools, runtime, adder
        self._locks, self._operations, self._clock = locks, operations, clock

    def publish(self, caller: Caller, request: PublishRequest) -> Operation:
        """Start; the operation's metadata tells fingerprint and size of the image at its end."""
        choice = compression.parse(request.compression or self._default_compression())
        for name, _ in request.image.aliases:
            check_alias_name(name)
        self._find(caller.project, request)
        return self._operations.start(
            caller, "Downloading image", lambda handle: self._work(caller, request, choice, handle), may_cancel=True
        )

    def _default_compression(self) -> str:
        with self._database.read() as connection:
            return server_config.get_all(connection).get(_KEY) or SERVER_KEYS.default(_KEY)

    def _find(self, project: str, request: PublishRequest) -> tuple[Instance, Config]:
        """Return the instance, and the config as of what is published."""
        with self._database.read() as connection:
            instance = instances_table.get(connection, project, request.instance)
            if instance is None:
                raise InstanceNotFoundError(request.instance)
            if request.snapshot is None:
                return instance, instance.config
            snapshot = snapshots_table.get(connection, project, request.instance, request.snapshot)
            if snapshot is None:
                raise SnapshotNotFoundError(project, request.instance, request.snapshot)
            return instance, snapshot.config

    def _work(
        self, caller: Caller, request: PublishRequest, choice: CompressionChoice, handle: OperationHandle
    ) -> None:
        with self._adder.staging(caller.project) as (intent, directory):
            with self._locks.hold(instance_lock(caller.project, request.instance), what="publish"):
                instance, config = self._find(caller.project, request)
                self._check_at_rest(instance, request)
                volume = instance_volume(instance.type, instance.project, instance.name)
                origin = Origin(volume=volume, snapshot=request.snapshot)
                driver = self._pools.driver(instance.pool)
                with _unshifted(driver, origin, config.get(DISK_MAP_KEY, ""), intent.token(1)) as tree:
                    metadata = self._metadata(tree, instance, request)
                    self._pack(tree, metadata, directory / MAIN, choice, handle)
            # The request's properties are in the file; those of the instance's image were taken only without them.
            self._adder.enter(caller, intent, replace(request.image, properties={}), handle)

    def _check_at_rest(self, instance: Instance, request: PublishRequest) -> None:
        if request.snapshot is not None:
            return
        status = self._runtime.status(instance_key(instance.project, instance.name))
        if status is not StatusCode.STOPPED:
            raise BadRequestError("Cannot export a running instance as an image")

    def _metadata(self, tree: Path, instance: Instance, request: PublishRequest) -> ImageMetadata:
        """Go on from the metadata that the instance's own image left beside its root file system, if there is one."""
        former = _read_metadata(tree / "metadata.yaml")
        return ImageMetadata(
            architecture=instance.architecture,
            created_at=self._clock.now(),
            properties=request.image.properties or (former.properties if former else {}),
            templates=former.templates if former else {},
        )

    def _pack(
        self, tree: Path, metadata: ImageMetadata, target: Path, choice: CompressionChoice, handle: OperationHandle
    ) -> None:
        meter = RateMeter()

        def show(packed_bytes: int) -> None:
            handle.progress("create_image_from_container_pack_progress", f"Image pack: {meter.text(packed_bytes)}")

        document = image_metadata.dump(metadata)
        with target.open("xb") as file:
            pack(tree, document, file, choice, progress=show, cancelled=handle.is_cancelled)


@contextmanager
def _unshifted(driver: Driver, origin: Origin, map_text: str, token: str) -> Iterator[Path]:
    """Give the tree with the ids that the instance sees: as it lies there, or a copy where the disk has host ids."""
    host_map = parse_host_map(map_text)
    if host_map is None:
        yield driver.path(origin.volume, origin.snapshot)
        return
    try:
        tree = driver.stage(token, origin)
        shift_tree(tree / "rootfs", host_map.uid, host_map.gid)
        yield tree
    finally:
        driver.discard(token)


def _read_metadata(path: Path) -> ImageMetadata | None:
    """Read what unpacking left; never through a link, and an unreadable document is as good as none."""
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        document = file.read(1024 * 1024 + 1)
    try:
        return image_metadata.parse(document)
    except ArchiveError:
        return None
