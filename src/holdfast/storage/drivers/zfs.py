"""Volumes as ZFS datasets: clones, snapshots and restores take constant time; snapshots are read-only.

A dataset's name is the path of its tree below the pool's mount point, so a rename is a move. A snapshot is two things:
the ZFS snapshot of the volume, and a read-only clone of that, which is read, renamed and deleted as every other tree.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

from holdfast.host import placement, zfs
from holdfast.host.processes import find_program
from holdfast.host.removal import remove_tree
from holdfast.model.errors import BadRequestError, CommandError
from holdfast.model.sizes import parse_bytes
from holdfast.model.storage import Resources, Volume
from holdfast.storage import settings
from holdfast.storage.backing import BackedDriver
from holdfast.storage.driver import Cancelled, Features, Listed, Origin, Progress, SentStream, Subvolume
from holdfast.storage.drivers import zfs_lineage, zfs_streams
from holdfast.storage.drivers.zfs_backing import ZfsBacking, choose
from holdfast.storage.tree import FOLDERS
from holdfast.streams.copy import Sink

_PROGRAMS: Final = ("zfs", "zpool")
_OLDEST: Final = 2
"""OpenZFS 2.0 is the first that sends differences between datasets that were cloned from each other."""
_SWAPPING: Final = ".swapping"
"""Where the old one of two trees waits while they change places."""
_PLACE: Final = "holdfast:place"
"""Where that one came from, below the top dataset."""


def _check_source(value: str) -> None:
    if value.startswith("/"):
        settings.check_path(value)
    else:
        _check_dataset(value)


def _check_dataset(value: str) -> None:
    if not all(zfs.is_valid_part(part) for part in value.split("/")) or not value[0].isalpha():
        raise BadRequestError(f'"{value}" is no name of a dataset')


def _check_clone_copy(value: str) -> None:
    if value not in ("true", "rebase"):
        raise BadRequestError("Copies are always clones here, and need nothing of their origin: leave it out")


_KEYS: Final[Mapping[str, settings.Check]] = {
    **settings.COMMON,
    "source": _check_source,
    "size": settings.check_size,
    "zfs.clone_copy": _check_clone_copy,
    "zfs.export": settings.check_bool,
    "zfs.pool_name": _check_dataset,
}


class ZfsDriver(BackedDriver):
    """`source`: none (a zpool in a file of `size`), a block device (a zpool on it), a dataset (empty or made)."""

    name: ClassVar[str] = "zfs"
    features: ClassVar[Features] = Features(
        cheap_snapshots=True, image_volumes=True, quotas=True, optimized_streams=True, has_parts=False
    )

    @classmethod
    def check_host(cls) -> str | None:
        version = zfs.module_version()
        if version is None:
            return (
                "the kernel has no zfs; install its module and the commands (Debian: the packages linux-headers-amd64, "
                "zfs-dkms and zfsutils-linux, of contrib) and load it by modprobe zfs, or use btrfs"
            )
        if int(version.partition(".")[0]) < _OLDEST:
            return f"its module is of version {version}; OpenZFS {_OLDEST}.0 or newer is needed"
        for program in _PROGRAMS:
            if find_program(program) is None:
                return f'the program "{program}" is missing; install the package zfsutils-linux'
        return None

    @classmethod
    def version(cls) -> str:
        """Return what `GET /1.0` shows as the driver's version: that of the kernel's module."""
        return zfs.module_version() or ""

    @classmethod
    def check_config(cls, config: Mapping[str, str]) -> None:
        settings.check_config(config, _KEYS)

    # --- the pool ---------------------------------------------------------------------------------------------------

    def activate(self) -> None:
        with self._explained("activating the pool"):
            self.mount.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._backing().attach()
            self._lay_out()
            self._finish_swaps()
            self._protect_snapshots()
            zfs_lineage.collect(self._top)

    def update(self, config: Mapping[str, str]) -> None:
        """Grow the loop file to a new `size`."""
        with self._explained("applying the new config"):
            size, before = config.get("size", ""), self.pool.config
            if config.get("zfs.pool_name", "") != before.get("zfs.pool_name", ""):
                raise BadRequestError('Pool option "zfs.pool_name" cannot be changed once the pool is created')
            if size != before.get("size", ""):
                self._backing().grow(parse_bytes(size))

    def resources(self) -> Resources:
        with self._explained("reading its size"):
            used, available = (int(each or 0) for each in zfs.properties(self._top, "used", "available"))
            inodes = placement.space(self.mount)
        return Resources(
            space_used_bytes=used,
            space_total_bytes=used + available,
            inodes_used=inodes.inodes_used,
            inodes_total=inodes.inodes_total,
            space_available_bytes=available,
        )

    def _backing(self) -> ZfsBacking:
        return choose(self.pool, self.mount, self.disks)

    @property
    def _top(self) -> str:
        return self._backing().dataset

    def _folders(self) -> list[Path]:
        return [*super()._folders(), self.mount / _SWAPPING]

    def _protect_snapshots(self) -> None:
        """Finish what a crash may have cut: between its move to its place and its protection a snapshot is writable."""
        for folder in FOLDERS.values():
            top = self._dataset(self.mount / f"{folder}-snapshots")
            if not zfs.exists(top):
                continue
            for dataset, is_read_only in zfs.datasets(top, "name", "readonly"):
                if dataset.count("/") == top.count("/") + 2 and is_read_only != "on":
                    zfs.set_properties(dataset, {"readonly": "on"})

    def _finish_swaps(self) -> None:
        """End exchanges that a crash cut: back where the new tree hadn't entered, else forward."""
        for parked in zfs.names_below(self._dataset(self.mount / _SWAPPING)):
            (place,) = zfs.properties(parked, _PLACE)
            staged = self._dataset(self.staged_path(parked.rpartition("/")[2]))
            volume = f"{self._top}/{place}"
            target = staged if zfs.exists(volume) else volume
            zfs.rename(parked, target)
            zfs.unset(target, _PLACE)

    # --- looking ----------------------------------------------------------------------------------------------------

    def usage_bytes(self, volume: Volume, snapshot: str | None = None) -> int | None:
        with self._explained("reading a volume's size"):
            (size,) = zfs.properties(self._dataset(self.path(volume, snapshot)), "referenced")
        return int(size or 0)

    def former_bytes(self, token: str) -> int | None:
        with self._explained("reading the size of a former state"):
            (size,) = zfs.properties(self._dataset(self._former_path(token)), "used")
        return int(size or 0)

    def identity(self, path: Path) -> str:
        with self._explained("looking at a volume"):
            (guid,) = zfs.properties(self._dataset(path), "guid")
        return str(guid)

    def sync(self, token: str) -> None:
        with self._explained("writing out a staged tree"):
            placement.sync_file_system(self.staged_path(token))
            zfs.sync_pool(self._backing().zpool)

    def set_quota(self, volume: Volume, size_bytes: int | None) -> None:
        self._limit(self.path(volume), size_bytes)

    def set_staged_quota(self, token: str, size_bytes: int | None) -> None:
        self._limit(self.staged_path(token), size_bytes)

    def _limit(self, path: Path, size_bytes: int | None) -> None:
        """Limit what a tree refers to: what its snapshots keep counts for these."""
        with self._explained("setting a quota"):
            zfs.set_properties(self._dataset(path), {"refquota": "none" if size_bytes is None else str(size_bytes)})

    # --- streams ----------------------------------------------------------------------------------------------------

    def stage_to_send(self, token: str, origin: Origin, name: str, documents: Mapping[str, bytes]) -> list[Subvolume]:
        with self._explained("preparing a volume to be sent"):
            target = self._dataset(self.staged_path(token))
            source = self._origin_path(origin)
            is_snapshot = origin.snapshot is not None
            if is_snapshot and not documents and zfs_streams.stage_origin(self._dataset(source), target, name):
                sent = zfs_streams.sent_snapshot(target)
            elif not is_snapshot and zfs_streams.can_hold(source, documents):
                sent = zfs_streams.stage_in_place(source, self._dataset(source), target, token, documents)
            else:
                self.stage(token, origin)
                sent = zfs_streams.stage_copy(self.staged_path(token), target, name, token, documents)
            (guid,) = zfs.properties(sent, "guid")
        return [Subvolume("", is_snapshot, str(guid))]

    @contextmanager
    def sending(self, token: str, name: str, path: str, parent: tuple[str, str] | None) -> Iterator[SentStream]:
        before = self._dataset(self.staged_path(parent[0])) if parent is not None else None
        with (
            self._explained("sending a volume"),
            zfs_streams.sending(self._dataset(self.staged_path(token)), before) as stream,
        ):
            yield stream

    def stage_area(self, token: str) -> None:
        with self._explained("preparing to receive"):
            self._make_tree(self.staged_path(token))
            self.staged_path(token).chmod(0o700)

    @contextmanager
    def receiving(
        self,
        area: str,
        number: int,
        name: str | None,
        *bases: Origin,
        listed: Listed = MappingProxyType({}),
    ) -> Iterator[Sink]:
        assert not bases, "it receives differences to what came before alone"
        with (
            self._explained("receiving a volume"),
            zfs_streams.receiving(self._dataset(self.staged_path(area)), number) as sink,
        ):
            yield sink

    def assemble(
        self, token: str, area: str, parts: Sequence[tuple[int, str, str]], *, is_last_use: bool = False
    ) -> Path:
        target = self.staged_path(token)
        with self._explained("putting a received volume together"):
            ((number, _, _),) = parts
            zfs_streams.assemble(self._dataset(self.staged_path(area)), number, self._dataset(target))
        return target

    def protect_parts(self, token: str, paths: Sequence[str]) -> None:
        assert not paths, "its volumes have no parts"

    # --- trees ------------------------------------------------------------------------------------------------------

    def _dataset(self, path: Path) -> str:
        parts = path.relative_to(self.mount).parts
        for part in parts:
            if not zfs.is_valid_part(part):
                raise BadRequestError(
                    f'"{part}" can\'t be a name in a pool of driver "zfs": use letters, digits and - _ . : only'
                )
        return "/".join((self._top, *parts))

    def _names(self, folder: Path) -> list[str]:
        return [name.rpartition("/")[2] for name in zfs.names_below(self._dataset(folder))]

    def _is_tree(self, path: Path) -> bool:
        return zfs.exists(self._dataset(path))

    def _make_tree(self, path: Path) -> None:
        zfs.create(self._dataset(path))

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
        before, after = self._dataset(source), self._dataset(target)
        is_snapshot = source.parent.parent.name.endswith("-snapshots")
        if not (is_snapshot and zfs_lineage.clone_origin(before, after)):
            zfs_lineage.clone(before, after, target.name)

    def _remove_tree(self, path: Path) -> None:
        zfs_lineage.remove(self._dataset(path))
        if path.is_dir() and not path.is_mount():
            remove_tree(path)

    def _make_folder(self, path: Path) -> None:
        dataset = self._dataset(path)
        if not zfs.exists(dataset):
            super()._remove_empty(path)
            zfs.create(dataset)
        path.chmod(0o700)

    def _remove_empty(self, path: Path) -> None:
        dataset = self._dataset(path)
        if zfs.exists(dataset) and not zfs.names_below(dataset):
            zfs.destroy(dataset)
        super()._remove_empty(path)

    def _move(self, source: Path, target: Path) -> None:
        zfs.rename(self._dataset(source), self._dataset(target))

    def _exchange(self, staged: Path, volume: Path) -> None:
        new, old = self._dataset(staged), self._dataset(volume)
        parked = self._dataset(self.mount / _SWAPPING / staged.name)
        zfs.set_properties(old, {_PLACE: str(volume.relative_to(self.mount))})
        done: list[tuple[str, str]] = []
        try:
            for before, after in ((old, parked), (new, old), (parked, new)):
                zfs.rename(before, after)
                done.append((before, after))
        except BaseException:
            for before, after in reversed(done):
                zfs.rename(after, before)
            with contextlib.suppress(CommandError):
                zfs.unset(old, _PLACE)
            raise
        with contextlib.suppress(CommandError):  # from here on it is done
            zfs.unset(new, _PLACE)
            zfs_lineage.take_over(old, new)

    def _settle(self, *directories: Path) -> None:
        """Do nothing: a command of ZFS returns when what it did is on stable storage."""

    def _protect(self, path: Path) -> None:
        dataset = self._dataset(path)
        zfs.set_properties(dataset, {"readonly": "on"})
        with contextlib.suppress(CommandError, OSError):  # nothing but names
            zfs_lineage.call_origin(dataset, self._volume_of_snapshot(path), path.name)

    def _unprotect(self, path: Path) -> None:
        zfs.unset(self._dataset(path), "readonly")

    def rename_snapshot(self, volume: Volume, snapshot: str, new_name: str) -> None:
        super().rename_snapshot(volume, snapshot, new_name)
        with self._explained("renaming a snapshot"):
            dataset = self._dataset(self.path(volume, new_name))
            with contextlib.suppress(CommandError, OSError):  # the name alone, or there is no such snapshot
                zfs_lineage.call_origin(dataset, self._dataset(self.path(volume)), new_name)

    def _volume_of_snapshot(self, path: Path) -> str:
        folder = path.parent.parent
        return self._dataset(folder.with_name(folder.name.removesuffix("-snapshots")) / path.parent.name)
