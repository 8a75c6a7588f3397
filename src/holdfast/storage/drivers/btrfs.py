"""Volumes as btrfs subvolumes: clones, snapshots and restores take constant time; snapshots are read-only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

from holdfast.host import mounts, placement, qgroups, subvolumes
from holdfast.host.processes import find_program, run
from holdfast.host.removal import remove_tree
from holdfast.model.config_values import is_true
from holdfast.model.errors import BadRequestError
from holdfast.model.sizes import parse_bytes
from holdfast.model.storage import Volume
from holdfast.storage import settings
from holdfast.storage.backing import BackedDriver
from holdfast.storage.driver import (
    RECEIVED,
    Cancelled,
    Features,
    Listed,
    Origin,
    PartIdentity,
    Progress,
    SendPlace,
    SentStream,
    Subvolume,
)
from holdfast.storage.drivers import btrfs_streams
from holdfast.storage.drivers.btrfs_backing import BtrfsBacking, choose
from holdfast.storage.tree import FOLDERS
from holdfast.streams.copy import Sink, Source

_BASES: Final = ".bases"
_KEEP_BASES: Final = "btrfs.keep_bases"
_PROGRAMS: Final = ("btrfs", "mkfs.btrfs")
_FILE_SYSTEMS: Final = Path("/proc/filesystems")


def _check_mount_options(value: str) -> None:
    if any(character.isspace() for character in value) or value.startswith("-"):
        raise BadRequestError(f'"{value}" is no comma separated list of mount options')


_KEYS: Final[Mapping[str, settings.Check]] = {
    **settings.COMMON,
    "source": settings.check_path_or_uuid,
    "size": settings.check_size,
    "btrfs.mount_options": _check_mount_options,
    _KEEP_BASES: settings.check_bool,
}


_LEAST_ROOM_BYTES: Final = 16 * 1024 * 1024
"""At least, and an eighth of the size: btrfs counts what entries may take in advance, and its trees differ."""


class BtrfsDriver(BackedDriver):
    """`source`: none (a loop file of `size`), a block device (formatted when empty), a directory on btrfs."""

    name: ClassVar[str] = "btrfs"
    features: ClassVar[Features] = Features(
        cheap_snapshots=True,
        image_volumes=True,
        quotas=True,
        optimized_streams=True,
        has_parts=True,
        has_btrfs_streams=True,
    )

    @classmethod
    def check_host(cls) -> str | None:
        for program in _PROGRAMS:
            if find_program(program) is None:
                return f'the program "{program}" is missing; install the package btrfs-progs'
        if not _kernel_has_btrfs():
            return "the kernel has no btrfs; load its module or use another kernel"
        return None

    @classmethod
    def version(cls) -> str:
        """Return what `GET /1.0` shows as the driver's version: that of btrfs-progs."""
        return _tools_version()

    @classmethod
    def check_config(cls, config: Mapping[str, str]) -> None:
        settings.check_config(config, _KEYS)

    # --- the pool ---------------------------------------------------------------------------------------------------

    def activate(self) -> None:
        with self._explained("activating the pool"):
            self._show()
            self._lay_out()
            self._protect_snapshots()

    def update(self, config: Mapping[str, str]) -> None:
        """Grow the loop file to a new `size`, remount with new `btrfs.mount_options`."""
        with self._explained("applying the new config"):
            before = self.pool.config
            size = config.get("size", "")
            if size != before.get("size", ""):
                self._backing().grow(parse_bytes(size))
            backing = choose(replace(self.pool, config=config), self.mount, self.disks)
            if config.get("btrfs.mount_options") != before.get("btrfs.mount_options"):
                mounts.remount(self.mount, backing.options)

    def _backing(self) -> BtrfsBacking:
        return choose(self.pool, self.mount, self.disks)

    def _protect_snapshots(self) -> None:
        """Finish what a crash may have cut: between its move to its place and its protection a snapshot is writable."""
        for folder in FOLDERS.values():
            for path in self.mount.glob(f"{folder}-snapshots/*/*"):
                if subvolumes.is_subvolume(path):
                    subvolumes.set_read_only(path, is_read_only=True)

    # --- volumes ----------------------------------------------------------------------------------------------------

    def usage_bytes(self, volume: Volume, snapshot: str | None = None) -> int | None:
        with self._explained("reading a volume's size"):
            return qgroups.used_bytes(self.path(volume, snapshot))

    def former_bytes(self, token: str) -> int | None:
        with self._explained("reading the size of a former state"):
            return qgroups.used_bytes(self._former_path(token))

    def identity(self, path: Path) -> str:
        with self._explained("looking at a volume"):
            return str(subvolumes.identity(path))

    def sync(self, token: str) -> None:
        with self._explained("writing out a staged tree"):
            placement.sync_file_system(self.staged_path(token))

    def set_quota(self, volume: Volume, size_bytes: int | None) -> None:
        with self._explained("setting a quota"):
            qgroups.set_limit(self.path(volume), size_bytes)

    def set_staged_quota(self, token: str, size_bytes: int | None) -> None:
        with self._explained("setting a quota"):
            qgroups.set_limit(self.staged_path(token), size_bytes)

    def set_arrival_quota(self, token: str, size_bytes: int | None) -> None:
        with_room = None if size_bytes is None else size_bytes + max(size_bytes // 8, _LEAST_ROOM_BYTES)
        self.set_staged_quota(token, with_room)

    # --- streams ----------------------------------------------------------------------------------------------------

    def stage_to_send(self, token: str, origin: Origin, name: str, documents: Mapping[str, bytes]) -> list[Subvolume]:
        with self._explained("preparing a volume to be sent"):
            folder = self.staged_path(token)
            folder.mkdir(mode=0o700)
            try:
                return btrfs_streams.stage_copy(self._origin_path(origin), folder / name, documents)
            except BaseException:
                self._remove_tree(folder)
                raise

    @contextmanager
    def sending(self, token: str, name: str, path: str, parent: tuple[str, str] | None) -> Iterator[SentStream]:
        before = self.staged_path(parent[0]) / parent[1] / path if parent is not None else None
        with (
            self._explained("sending a volume"),
            btrfs_streams.sending(self.staged_path(token) / name / path, before) as stream,
        ):
            yield stream

    def hold_to_send(self, token: str, origin: Origin, name: str) -> SendPlace:
        with self._explained("preparing a volume to be sent"):
            target = self.staged_path(token) / name
            found = btrfs_streams.hold(self._origin_path(origin), target)
            if found is not None:
                return found
        parts = self.stage_to_send(token, origin, name, {})
        return SendPlace(target, tuple(parts), is_kept=False)

    @contextmanager
    def sending_from(self, place: SendPlace, path: str, base: SendPlace | None) -> Iterator[Source]:
        before = base.where / path if base is not None else None
        with (
            self._explained("sending a volume"),
            btrfs_streams.sending_difference(place.where / path, before) as stream,
        ):
            yield stream

    def base_identity(self, volume: Volume, snapshot: str) -> str | None:
        path = self.path(volume, snapshot)
        with self._explained("looking at a snapshot"):
            if not btrfs_streams.is_base(path):
                return None
            received = subvolumes.received_identity(path)
        return None if received is None else str(received[0])

    def is_difference_to(self, volume: Volume, snapshot: str | None, base: str) -> bool:
        with self._explained("looking at a snapshot"):
            return subvolumes.can_differ(self.path(volume, base), self.path(volume, snapshot))

    def sent_identity(self, volume: Volume, snapshot: str) -> str | None:
        path = self.path(volume, snapshot)
        with self._explained("looking at a snapshot"):
            return btrfs_streams.sender_identity(path) if btrfs_streams.is_base(path) else None

    def part_identity(self, area: str, number: int, name: str = RECEIVED) -> PartIdentity | None:
        with self._explained("looking at what was received"):
            return subvolumes.received_identity(self.staged_path(area) / str(number) / name)

    def keep_identity(self, token: str, identity: PartIdentity) -> None:
        with self._explained("noting where a snapshot is from"):
            subvolumes.set_received_identity(self.staged_path(token), identity)

    @property
    def keeps_bases(self) -> bool:
        return is_true(self.pool.config.get(_KEEP_BASES) or "true")

    def stage_received_base(self, token: str, area: str, number: int) -> None:
        with self._explained("keeping what was received"):
            folder = self.staged_path(token)
            folder.mkdir(mode=0o700)
            received = self.staged_path(area) / str(number) / RECEIVED
            try:
                subvolumes.take_received(received, folder / RECEIVED, is_kept=True)
            except BaseException:
                self._remove_tree(folder)
                raise

    def keep_base(self, token: str) -> None:
        with self._explained("keeping what crossed between servers"):
            self._move_new(self.staged_path(token), self.mount / _BASES / token)

    def base_place(self, token: str) -> SendPlace:
        with self._explained("looking at what crossed between servers"):
            path = self._base_path(token)
            part = Subvolume("", is_read_only=True, identity=btrfs_streams.sender_identity(path))
        return SendPlace(path, (part,), is_kept=True)

    def base_tokens(self) -> list[str]:
        with self._explained("listing what crossed between servers"):
            return self._names(self.mount / _BASES)

    def drop_base(self, token: str) -> None:
        with self._explained("removing what crossed between servers"):
            self._remove_tree(self.mount / _BASES / token)

    def _base_path(self, token: str) -> Path:
        """Return the one subvolume that is below: the name that it has there stands in its stream."""
        (path,) = (self.mount / _BASES / token).iterdir()
        return path

    def _origin_path(self, origin: Origin) -> Path:
        return super()._origin_path(origin) if origin.base is None else self._base_path(origin.base)

    def _folders(self) -> list[Path]:
        return [*super()._folders(), self.mount / _BASES]

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
        known = [self._origin_path(base) for base in bases]
        place = self.staged_path(area)
        paths = {
            identity: self._origin_path(each) if isinstance(each, Origin) else place / str(each[0]) / each[1]
            for identity, each in listed.items()
        }
        with (
            self._explained("receiving a volume"),
            btrfs_streams.receiving(place, number, name, known, paths) as sink,
        ):
            yield sink

    def assemble(
        self, token: str, area: str, parts: Sequence[tuple[int, str, str]], *, is_last_use: bool = False
    ) -> Path:
        target = self.staged_path(token)
        with self._explained("putting a received volume together"):
            (number, name, _), *nested = parts
            received = self.staged_path(area) / str(number) / name
            if is_last_use:
                subvolumes.take_received(received, target, is_kept=False)
            else:
                subvolumes.snapshot(received, target)
            for number, name, path in nested:
                subvolumes.snapshot_into(self.staged_path(area) / str(number) / name, target, path)
        return target

    def protect_parts(self, token: str, paths: Sequence[str]) -> None:
        with self._explained("protecting parts of a volume"):
            for path in paths:
                subvolumes.protect_nested(self.staged_path(token), path)

    def _make_tree(self, path: Path) -> None:
        subvolumes.create(path)

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
        subvolumes.snapshot_all(source, target)

    def _remove_tree(self, path: Path) -> None:
        if subvolumes.is_subvolume(path):
            subvolumes.delete_all(path)
        else:
            for below in path.iterdir() if path.is_dir() and not path.is_symlink() else ():
                subvolumes.delete_all(below)
            remove_tree(path)

    def _settle(self, *directories: Path) -> None:
        placement.sync_file_system(self.mount)

    def _protect(self, path: Path) -> None:
        subvolumes.set_read_only(path, is_read_only=True)

    def _unprotect(self, path: Path) -> None:
        subvolumes.set_read_only(path, is_read_only=False)


@cache
def _tools_version() -> str:
    text = run(["btrfs", "--version"]).stdout.decode().split()
    return text[-1].lstrip("v") if text else ""


def _kernel_has_btrfs() -> bool:
    if "\tbtrfs\n" in _FILE_SYSTEMS.read_text():
        return True
    if find_program("modprobe") is None:
        return False
    return run(["modprobe", "btrfs"], allowed_codes=range(256)).code == 0
