"""Volumes as directories of any file system: clones share extents where it can, and are fast copies where it can't."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Final

from holdfast.host import beneath, mounts, placement
from holdfast.host.former_tree import bytes_of_its_own, link_former
from holdfast.host.removal import remove_tree
from holdfast.host.sharing import can_share_extents
from holdfast.host.tree_links import link_tree
from holdfast.host.trees import clone_tree
from holdfast.model.errors import StorageError
from holdfast.model.storage import Volume
from holdfast.storage import settings
from holdfast.storage.driver import Cancelled, Features, Origin, Progress
from holdfast.storage.generic import TreeDriver

VERSION: Final = "1"


class DirDriver(TreeDriver):
    """`source` may name an existing, empty directory elsewhere; it is then bind mounted at the pool's place."""

    name: ClassVar[str] = "dir"
    features: ClassVar[Features] = Features(
        cheap_snapshots=False, image_volumes=False, quotas=False, optimized_streams=False
    )

    @classmethod
    def check_host(cls) -> str | None:
        return None

    @classmethod
    def version(cls) -> str:
        """Return what `GET /1.0` shows as the driver's version."""
        return VERSION

    @classmethod
    def check_config(cls, config: Mapping[str, str]) -> None:
        settings.check_config(config, settings.COMMON)

    # --- the pool ---------------------------------------------------------------------------------------------------

    def create(self) -> dict[str, str]:
        source = self._source
        with self._explained("creating the pool"):
            if source == self.mount:
                self.mount.mkdir(mode=0o700, parents=True, exist_ok=True)
            elif not source.is_dir():
                raise StorageError(f"Source path '{source}' doesn't exist")
            self._require_empty(source)
            try:
                self.mount.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._bind()
                if not placement.can_exchange(self.mount):
                    raise StorageError(
                        f"The file system of '{source}' can't exchange directories in one step (renameat2): "
                        "use ext4, xfs, btrfs or another local file system"
                    )
                self._lay_out()
                self._settle(self.mount)
            except BaseException:
                self.destroy()
                raise
        return {**self.pool.config, "source": str(source)}

    def destroy(self) -> None:
        with self._explained("removing the pool"):
            if not self.mount.is_dir():
                return
            if self._source.is_dir():
                self._bind()
                self._clear()
            mounts.unmount(self.mount)
            self.mount.rmdir()

    def activate(self) -> None:
        with self._explained("activating the pool"):
            if not self._source.is_dir():
                raise StorageError(f"Source path '{self._source}' doesn't exist")
            is_shown = mounts.mount_at(self.mount) is not None
            self._require_laid_out(self.mount if is_shown else self._source)
            self.mount.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._bind()
            self._lay_out()

    def deactivate(self) -> None:
        with self._explained("deactivating the pool"):
            if self._source != self.mount and self.mount.is_dir():
                mounts.unmount(self.mount)

    @property
    def _source(self) -> Path:
        return Path(self.pool.config.get("source") or self.mount)

    def _bind(self) -> None:
        if self._source != self.mount and mounts.mount_at(self.mount) is None:
            mounts.bind(self._source, self.mount)

    # --- volumes ----------------------------------------------------------------------------------------------------

    def usage_bytes(self, volume: Volume, snapshot: str | None = None) -> int | None:
        return None

    def identity(self, path: Path) -> str:
        with self._explained("looking at a volume"):
            return placement.inode_identity(path)

    def sync(self, token: str) -> None:
        with self._explained("writing out a staged tree"):
            placement.sync_file_system(self.staged_path(token))

    def set_quota(self, volume: Volume, size_bytes: int | None) -> None:
        """Do nothing, as LXD where the file system has no project quotas: the size is only noted."""

    def set_staged_quota(self, token: str, size_bytes: int | None) -> None:
        """Do nothing, see `set_quota`."""

    def _make_tree(self, path: Path) -> None:
        path.mkdir(mode=0o700)

    def _clone_tree(
        self,
        source: Path,
        target: Path,
        *,
        resembling: Path | None,
        relative: Path | None,
        cancelled: Cancelled | None,
        progress: Progress | None,
    ) -> None:
        clone_tree(source, target, resembling=resembling, relative=relative, cancelled=cancelled, progress=progress)

    def stage_to_edit(self, token: str, origin: Origin, *, cancelled: Cancelled | None = None) -> bool:
        target = self.staged_path(token)
        with self._explained(f'making a tree like "{origin.volume.name}"'):
            with beneath.directory(target.parent) as staging:
                can_share = can_share_extents(staging)
            if not can_share:
                try:
                    link_tree(self._origin_path(origin), target, cancelled=cancelled)
                except BaseException:
                    self._remove_tree(target)
                    raise
        return not can_share or super().stage_to_edit(token, origin, cancelled=cancelled)

    def stage_former(
        self, token: str, volume: Volume, replacement: str, origin: Origin, *, cancelled: Cancelled | None = None
    ) -> bool:
        target = self.staged_path(token)
        with self._explained(f'keeping what "{volume.name}" was'):
            with beneath.directory(target.parent) as staging:
                if can_share_extents(staging):
                    return False
            source = self.path(volume), self.staged_path(replacement), self._origin_path(origin)
            try:
                link_former(*source, target, cancelled=cancelled)
            except BaseException:
                self._remove_tree(target)
                raise
        return True

    def former_bytes(self, token: str) -> int | None:
        with self._explained("reading the size of a former state"):
            return bytes_of_its_own(self._former_path(token))

    def _remove_tree(self, path: Path) -> None:
        remove_tree(path)

    def _settle(self, *directories: Path) -> None:
        for directory in directories:
            placement.sync_directory(directory)
