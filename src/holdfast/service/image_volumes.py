"""An image's content: unpacked into a tree that is being made, or kept unpacked as a volume that instances clone.

An image volume is a copy that can be made again at any time, so it needs neither record nor intent: it is built in
staging under a token that no intent knows, and enters by one rename.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from holdfast.archive.image_file import unpack_split, unpack_unified
from holdfast.model.image import Image
from holdfast.model.kinds import VolumeType
from holdfast.model.storage import Volume, image_volume
from holdfast.service.locks import Locks, volume_lock
from holdfast.service.paths import Paths
from holdfast.service.pools import PoolService
from holdfast.streams.copy import Cancelled, Progress, never


class ImageVolumes:
    """Unpacks images; one thread at a time makes the volume of one image in one pool, others wait for it."""

    def __init__(self, *, paths: Paths, pools: PoolService, locks: Locks) -> None:
        self._paths, self._pools, self._locks = paths, pools, locks

    def unpack_into(
        self, image: Image, target: Path, *, progress: Progress | None = None, cancelled: Cancelled = never
    ) -> None:
        """Fill `target`, an empty directory, with metadata.yaml, rootfs/ and templates/.

        `progress` gets the bytes of the image's file read so far. No more is written than the file system has room for.
        """
        main = self._paths.image(image.fingerprint)
        limit_bytes = _free_bytes(target)
        if image.is_split:
            rootfs = self._paths.image_rootfs(image.fingerprint)
            unpack_split(main, rootfs, target, limit_bytes=limit_bytes, progress=progress, cancelled=cancelled)
        else:
            unpack_unified(main, target, limit_bytes=limit_bytes, progress=progress, cancelled=cancelled)

    def ensure(
        self, image: Image, pool: str, *, progress: Progress | None = None, cancelled: Cancelled = never
    ) -> Volume:
        """Return the image's volume in a pool whose driver keeps such, made now if it is not there."""
        driver = self._pools.driver(pool)
        volume = image_volume(image.fingerprint)
        with self._locks.hold(volume_lock(pool, VolumeType.IMAGE, volume.storage_name), what="image unpack"):
            if driver.exists(volume):
                return volume
            token = _token(image.fingerprint)
            try:
                target = driver.stage(token)
                self.unpack_into(image, target, progress=progress, cancelled=cancelled)
                driver.sync(token)
                driver.publish(token, volume)
            except BaseException:
                driver.discard(token)
                raise
        return volume

    def remove(self, fingerprint: str) -> None:
        """Remove the image's volumes from every pool. Idempotent."""
        volume = image_volume(fingerprint)
        for pool in self._pools.list():
            if not self._pools.features(pool).image_volumes:
                continue  # and may be away
            driver = self._pools.driver(pool.name)
            with self._locks.hold(volume_lock(pool.name, VolumeType.IMAGE, volume.storage_name), what="image delete"):
                if driver.exists(volume):
                    token = _token(fingerprint)
                    driver.withdraw(volume, token)
                    driver.discard(token)


def _token(fingerprint: str) -> str:
    return f"image-{fingerprint[:12]}-{secrets.token_hex(4)}"


def _free_bytes(path: Path) -> int:
    """Return how many bytes a process of root can still write there."""
    facts = os.statvfs(path)
    return facts.f_bfree * facts.f_frsize
