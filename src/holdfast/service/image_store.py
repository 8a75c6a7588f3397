"""The files of images: built in staging, entered by rename, taken out in one step.

images/<fingerprint>             the file of a unified image, the metadata file of a split one
images/<fingerprint>.rootfs      the root file system of a split one
images/.staging/<token>/         what is being built or removed; a token without open intent is rubbish
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from holdfast.model.errors import CancelledOperationError
from holdfast.service.paths import Paths

MAIN: Final = "image"
ROOTFS: Final = "image.rootfs"
_BUFFER_BYTES: Final = 1024 * 1024


class ImageStore:
    """Knows files and tokens only; records, locks and intents are the services' matter."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._staging = paths.images / ".staging"

    def stage(self, token: str) -> Path:
        """Return a new, empty directory of that token, in the same file system as the images."""
        self._staging.mkdir(mode=0o700, exist_ok=True)
        directory = self._staging / token
        directory.mkdir(mode=0o700)
        return directory

    def take(self, token: str, main: Path, rootfs: Path | None) -> None:
        """Move files from elsewhere (a finished upload) into the staged directory."""
        shutil.move(main, self._staging / token / MAIN)
        if rootfs is not None:
            shutil.move(rootfs, self._staging / token / ROOTFS)

    def staged(self, token: str) -> tuple[Path, Path | None]:
        """Return the staged file, and the staged root file system of a split image."""
        directory = self._staging / token
        rootfs = directory / ROOTFS
        return directory / MAIN, rootfs if rootfs.exists() else None

    def sync(self, token: str) -> None:
        """Put the staged files on stable storage."""
        for path in self.staged(token):
            if path is not None:
                path.chmod(0o600)
                _sync(path)

    def publish(self, token: str, fingerprint: str) -> None:
        """Move the staged files to their place; what is there already is the same, byte by byte."""
        main, rootfs = self.staged(token)
        if rootfs is not None:
            rootfs.replace(self._paths.image_rootfs(fingerprint))
        main.replace(self._paths.image(fingerprint))
        _sync(self._paths.images)

    def withdraw(self, fingerprint: str, token: str) -> None:
        """Move an image's files into staging, the main one first. Absent: nothing, so that recovery can repeat it."""
        directory = self._staging / token
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in (self._paths.image(fingerprint), self._paths.image_rootfs(fingerprint)):
            if path.exists():
                path.replace(directory / path.name)
        _sync(self._paths.images)

    def discard(self, token: str) -> None:
        """Remove the staged directory and all below it. Idempotent."""
        directory = self._staging / token
        if directory.exists():
            shutil.rmtree(directory)

    def tokens(self) -> list[str]:
        """Return the tokens of all staged directories."""
        return sorted(path.name for path in self._staging.iterdir()) if self._staging.is_dir() else []


def fingerprint_of(paths: Iterable[Path | None], cancelled: Callable[[], bool]) -> tuple[str, int]:
    """Return the SHA-256 of the files one after the other, as LXD counts it, and their size together."""
    digest, size_bytes = hashlib.sha256(), 0
    buffer = memoryview(bytearray(_BUFFER_BYTES))
    for path in paths:
        if path is None:
            continue
        with path.open("rb", buffering=0) as file:
            while count := file.readinto(buffer):
                if cancelled():
                    raise CancelledOperationError("The operation was cancelled")
                digest.update(buffer[:count])
                size_bytes += count
    return digest.hexdigest(), size_bytes


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
