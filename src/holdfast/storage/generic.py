"""What drivers that keep volumes as directories share: names, staging, publishing by rename.

A driver adds how a tree is made, cloned, removed, protected and told from others.
"""

from __future__ import annotations

import contextlib
import os
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from holdfast.host import placement
from holdfast.model.errors import StorageError
from holdfast.model.kinds import DEFAULT_PROJECT, VolumeType
from holdfast.model.storage import Resources, Volume
from holdfast.storage.driver import Cancelled, Driver, Origin, Progress
from holdfast.storage.failures import explained
from holdfast.storage.tree import FOLDERS, FORMER, STAGING, volume_path

_MARKER: Final = ".holdfast-pool"
"""Holds the pool's name: what has no such file was not made by us, and is never cleared."""

_IGNORED: Final = frozenset({"lost+found"})


class TreeDriver(Driver):
    """A driver whose volumes are directories below the mount point."""

    # --- what a driver adds -----------------------------------------------------------------------------------------

    @abstractmethod
    def _make_tree(self, path: Path) -> None:
        """Make an empty tree."""

    @abstractmethod
    def _clone_tree(
        self,
        source: Path,
        target: Path,
        *,
        resembling: Path | None,
        relative: Path | None,
        cancelled: Cancelled | None,
        progress: Progress | None,
    ) -> None: ...

    @abstractmethod
    def _remove_tree(self, path: Path) -> None:
        """Remove a tree of the driver's kind, or a plain directory, that may hold such trees. Idempotent."""

    @abstractmethod
    def _settle(self, *directories: Path) -> None:
        """Put the names in these directories on stable storage."""

    def _is_tree(self, path: Path) -> bool:
        """Tell whether there is a tree, or a folder of trees."""
        return path.is_dir()

    def _names(self, folder: Path) -> list[str]:
        """Return the names of what a folder holds, in their order."""
        return sorted(os.listdir(folder))

    def _make_folder(self, path: Path) -> None:
        """Make what holds trees, unless it is there."""
        path.mkdir(mode=0o700, exist_ok=True)

    def _remove_empty(self, path: Path) -> None:
        """Remove what holds trees if it holds none."""
        with contextlib.suppress(OSError):
            path.rmdir()

    def _move(self, source: Path, target: Path) -> None:
        """Give a tree, or a folder of trees, a new place in one step.

        Raises `FileExistsError` if there is something, `FileNotFoundError` if `source` is absent.
        """
        placement.move_new(source, target)

    def _exchange(self, staged: Path, volume: Path) -> None:
        """Let two trees change places, in a way that no crash leaves half done."""
        placement.exchange(staged, volume)

    def _protect(self, path: Path) -> None:
        """Make a snapshot's tree read-only, where the driver can. Idempotent."""

    def _unprotect(self, path: Path) -> None:
        """Undo `_protect`, so that the tree can move to another directory. Idempotent."""

    # --- the pool's own tree ----------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        """Make the folders, readable by root only: the trees below hold setuid root files."""
        marker = self.mount / _MARKER
        if not marker.exists():
            marker.write_text(self.pool.name)
            marker.chmod(0o600)
        for folder in self._folders():
            self._make_folder(folder)
            folder.chmod(0o700)

    def _require_laid_out(self, place: Path) -> None:
        """Raise `StorageError` unless `place` holds what `_lay_out` made of it once: else its disk isn't mounted.

        A marker that a power cut took, or left empty, is made good from the folders that stand there.
        """
        marker = place / _MARKER
        name = marker.read_text() if marker.is_file() else ""
        if name not in ("", self.pool.name):
            raise StorageError(f'"{place}" holds the pool "{name}", which is another one: is the right disk mounted?')
        if name:
            return
        if not (place / STAGING).is_dir():
            raise StorageError(f'"{place}" doesn\'t hold this pool: mount the disk that does')
        marker.write_text(self.pool.name)
        marker.chmod(0o600)

    def _folders(self) -> list[Path]:
        names = [name for folder in FOLDERS.values() for name in (folder, f"{folder}-snapshots")]
        names.remove("images-snapshots")
        return [self.mount / name for name in (*names, STAGING, FORMER)]

    def _clear(self) -> bool:
        """Remove what `_lay_out` made with all that is below, if the marker says it is ours; return whether it is."""
        marker = self.mount / _MARKER
        if not marker.is_file() or marker.read_text() != self.pool.name:
            return False
        for folder in self._folders():
            for path in self._trees_below(folder):
                self._remove_tree(path)
            self._remove_tree(folder)
        marker.unlink()
        return True

    def _trees_below(self, folder: Path) -> Iterator[Path]:
        """Give the volumes, snapshots or staged trees of a folder."""
        depth = "*/*" if folder.name.endswith("-snapshots") else "*"
        yield from (path for path in folder.glob(depth) if path.is_dir() and not path.is_symlink())

    @staticmethod
    def _require_empty(directory: Path) -> None:
        if any(path.name not in _IGNORED for path in directory.iterdir()):
            raise StorageError(f"Source path '{directory}' isn't empty: give an empty directory")

    # --- looking ----------------------------------------------------------------------------------------------------

    def resources(self) -> Resources:
        with self._explained("reading its size"):
            space = placement.space(self.mount)
        return Resources(
            space_used_bytes=space.used_bytes,
            space_total_bytes=space.total_bytes,
            inodes_used=space.inodes_used,
            inodes_total=space.inodes_total,
            space_available_bytes=space.available_bytes,
        )

    def path(self, volume: Volume, snapshot: str | None = None) -> Path:
        return volume_path(self.mount, volume, snapshot)

    def exists(self, volume: Volume, snapshot: str | None = None) -> bool:
        with self._explained(f"looking for {_named(volume, snapshot)}"):
            return self._is_tree(self.path(volume, snapshot))

    def list_volumes(self) -> list[Volume]:
        with self._explained("listing volumes"):
            return [
                _volume_of(kind, name) for kind, folder in FOLDERS.items() for name in self._names(self.mount / folder)
            ]

    def list_snapshots(self, volume: Volume) -> list[str]:
        with self._explained(f"listing snapshots of {_named(volume)}"):
            try:
                return self._names(self.path(volume, "-").parent)
            except FileNotFoundError:
                return []

    # --- staging ----------------------------------------------------------------------------------------------------

    def staged_path(self, token: str) -> Path:
        return self.mount / STAGING / token

    def staged_tokens(self) -> list[str]:
        with self._explained("listing staged trees"):
            return self._names(self.mount / STAGING)

    def stage(
        self,
        token: str,
        origin: Origin | None = None,
        *,
        resembling: Volume | None = None,
        relative: Origin | None = None,
        cancelled: Cancelled | None = None,
        progress: Progress | None = None,
    ) -> Path:
        target = self.staged_path(token)
        doing = "making an empty volume" if origin is None else f"cloning {_named(origin.volume, origin.snapshot)}"
        with self._explained(doing):
            if os.path.lexists(target):
                raise StorageError(f'Storage pool "{self.pool.name}": staged tree "{token}" exists')
            try:
                if origin is None:
                    self._make_tree(target)
                    target.chmod(0o100)
                else:
                    self._clone_tree(
                        self._origin_path(origin),
                        target,
                        resembling=self.path(resembling) if resembling is not None else None,
                        relative=self._origin_path(relative) if relative is not None else None,
                        cancelled=cancelled,
                        progress=progress,
                    )
            except BaseException:
                self._remove_tree(target)
                raise
        return target

    def _origin_path(self, origin: Origin) -> Path:
        if origin.former is not None:
            return self._former_path(origin.former)
        if origin.staged is not None:
            return self.staged_path(origin.staged)
        return self.path(origin.volume, origin.snapshot)

    def discard(self, token: str) -> None:
        with self._explained(f'removing the staged tree "{token}"'):
            self._remove_tree(self.staged_path(token))

    # --- former states ------------------------------------------------------------------------------------------------

    def _former_path(self, token: str) -> Path:
        return self.mount / FORMER / token

    def stage_former(
        self, token: str, volume: Volume, replacement: str, origin: Origin, *, cancelled: Cancelled | None = None
    ) -> bool:
        return False

    def keep_former(self, token: str) -> None:
        with self._explained(f'keeping the former state "{token}"'):
            target = self._former_path(token)
            self._move_once(self.staged_path(token), target)
            self._settle(target.parent, self.mount / STAGING)

    def former_tokens(self) -> list[str]:
        with self._explained("listing former states"):
            return self._names(self.mount / FORMER)

    def former_bytes(self, token: str) -> int | None:
        return None

    def drop_former(self, token: str) -> None:
        with self._explained(f'removing the former state "{token}"'):
            self._remove_tree(self._former_path(token))

    # --- entering and leaving: one rename each ------------------------------------------------------------------------

    def publish(self, token: str, volume: Volume) -> None:
        with self._explained(f"publishing {_named(volume)}"):
            target = self.path(volume)
            self._move_new(self.staged_path(token), target)
            self._settle(target.parent, self.mount / STAGING)

    def publish_snapshot(self, token: str, volume: Volume, snapshot: str) -> None:
        with self._explained(f"publishing {_named(volume, snapshot)}"):
            target = self.path(volume, snapshot)
            self._make_folder(target.parent)
            self._move_new(self.staged_path(token), target)
            self._protect(target)
            self._settle(target.parent, target.parent.parent, self.mount / STAGING)

    def swap(self, token: str, volume: Volume) -> None:
        with self._explained(f"exchanging {_named(volume)}"):
            target = self.path(volume)
            self._exchange(self.staged_path(token), target)
            self._settle(target.parent, self.mount / STAGING)

    def withdraw(self, volume: Volume, token: str, snapshot: str | None = None) -> None:
        with self._explained(f"withdrawing {_named(volume, snapshot)}"):
            source = self.path(volume, snapshot)
            if not self._is_tree(source):
                return
            if snapshot is not None:
                self._unprotect(source)
            try:
                self._move_new(source, self.staged_path(token))
            except BaseException:
                if snapshot is not None:
                    self._protect(source)
                raise
            if snapshot is not None:
                self._remove_empty(source.parent)
            self._settle(source.parent if snapshot is None else source.parent.parent, self.mount / STAGING)

    def withdraw_all(self, volume: Volume, token: str, snapshots_token: str) -> None:
        with self._explained(f"withdrawing {_named(volume)} with its snapshots"):
            source, snapshots = self.path(volume), self.path(volume, "-").parent
            for path, name in ((source, token), (snapshots, snapshots_token)):
                if self._is_tree(path):
                    self._move_new(path, self.staged_path(name))
            parents = [path.parent for path in (source, snapshots) if path.parent.is_dir()]  # images have no snapshots
            self._settle(*parents, self.mount / STAGING)

    def rename(self, volume: Volume, new_name: str) -> None:
        renamed = volume.renamed(new_name)
        with self._explained(f'renaming {_named(volume)} to "{new_name}"'):
            self._move_once(self.path(volume), self.path(renamed))
            snapshots, there = self.path(volume, "-").parent, self.path(renamed, "-").parent
            self._remove_empty(snapshots)  # a crash may leave an empty one, which would be in the way here and back
            self._remove_empty(there)
            self._move_once(snapshots, there)
            self._settle(self.path(volume).parent, *([snapshots.parent] if snapshots.parent.is_dir() else []))

    def rename_snapshot(self, volume: Volume, snapshot: str, new_name: str) -> None:
        with self._explained(f'renaming {_named(volume, snapshot)} to "{new_name}"'):
            source = self.path(volume, snapshot)
            self._move_once(source, self.path(volume, new_name))
            self._settle(source.parent)

    def _move_new(self, source: Path, target: Path) -> None:
        try:
            self._move(source, target)
        except FileExistsError as error:
            raise StorageError(f'Storage pool "{self.pool.name}": something is at "{target}" already') from error

    def _move_once(self, source: Path, target: Path) -> None:
        """Move; when `source` is gone and `target` there (or both absent), it was done before."""
        with contextlib.suppress(FileNotFoundError):
            self._move(source, target)

    @contextlib.contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        with explained(self.pool.name, doing):
            yield


def _volume_of(kind: VolumeType, storage_name: str) -> Volume:
    """Undo `Volume.storage_name`. Instance names hold no underscore; a custom volume's project holds none."""
    if kind is VolumeType.IMAGE:
        return Volume(type=kind, project=DEFAULT_PROJECT, name=storage_name)
    if kind is VolumeType.CUSTOM:
        project, _, name = storage_name.partition("_")
    else:
        project, _, name = storage_name.rpartition("_")
    return Volume(type=kind, project=project or DEFAULT_PROJECT, name=name)


def _named(volume: Volume, snapshot: str | None = None) -> str:
    return f'{volume.type} "{volume.name}"' + (f' snapshot "{snapshot}"' if snapshot is not None else "")
