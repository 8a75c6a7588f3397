"""What every storage driver can do: a small set of verbs, with staging and swap as the only way to publish content.

New content is built under a token in the pool's staging area and enters by one rename, so that a pool never shows half
a volume. A token is `<intent id>-<n>`; what recovery finds under an unknown token is rubbish.

Layout below the pool's mount point (LXD's, `docs/internals/storage.md`):

    containers/<name>/                     virtual-machines/<name>/
    containers-snapshots/<name>/<snap>/    virtual-machines-snapshots/<name>/<snap>/
    custom/<project>_<name>/               custom-snapshots/<project>_<name>/<snap>/
    images/<fingerprint>/                  .staging/<token>/
    .former/<token>/                       what a restore replaced, for an undo
    .bases/<token>/                        what crossed between servers, for the next difference (btrfs)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final
from uuid import UUID

from holdfast.model.errors import UnsupportedError
from holdfast.model.storage import Pool, Resources, Volume
from holdfast.streams.copy import Sink, Source

Cancelled = Callable[[], bool]
Progress = Callable[[int], None]
RECEIVED: Final = "received"
PartIdentity = tuple[UUID, int]
"""What a received part is called by its sender: UUID and transaction there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Features:
    """What a driver is good at; the service plans by it."""

    cheap_snapshots: bool
    """A snapshot is atomic and takes constant time: no freeze is needed."""
    image_volumes: bool
    """Images are kept unpacked as volumes that new instances are cloned from."""
    quotas: bool
    optimized_streams: bool
    has_parts: bool = False
    """Volumes may hold others, each with a stream of its own: an export file lists them."""
    has_btrfs_streams: bool = False
    """Volumes travel to other servers as streams of `btrfs send`."""
    restore_keeps_newer: bool = True
    """Going back to an older snapshot leaves the newer ones; where it can't, the service refuses."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """The source of a clone: a volume (snapshot None), one of its snapshots, or its former state under this token.

    `staged`: the staged tree under that token instead, which is to become this volume or snapshot. `base`: what
    `keep_base` has kept under that token.
    """

    volume: Volume
    snapshot: str | None = None
    former: str | None = None
    staged: str | None = None
    base: str | None = None


Listed = Mapping[str, Origin | tuple[int, str]]
"""What streams may build on, bases or received parts (number, name), by the identities in the sender's list."""


@dataclass(frozen=True, slots=True)
class Subvolume:
    """A part of a volume that has a stream of its own; `path` is inside, "" for the top, parents before children."""

    path: str
    is_read_only: bool
    identity: str


@dataclass(frozen=True, slots=True)
class SendPlace:
    """A volume that holds still while streams are made of it; `where` is the driver's own word for it.

    `is_kept`: it is a snapshot that stays, so that what was sent of it can be a base for later differences.
    """

    where: Path
    parts: tuple[Subvolume, ...]
    is_kept: bool


class SentStream(ABC):
    """A stream that a driver makes, read to its end; `size_bytes` is known before."""

    size_bytes: int

    @abstractmethod
    def readinto(self, buffer: memoryview, /) -> int: ...


class Driver(ABC):
    """One pool of one kind. Blocking; methods are called from worker threads, one writer per volume at a time.

    Every verb raises `StorageError` (or `NoSpaceError`) with the pool, the volume and the cause in its text.
    """

    name: ClassVar[str]
    features: ClassVar[Features]

    def __init__(self, pool: Pool, mount: Path, disks: Path) -> None:
        """`mount` is where the pool's tree appears, `disks` the directory of loop files."""
        self.pool, self.mount, self.disks = pool, mount, disks

    # --- the pool ---------------------------------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def check_host(cls) -> str | None:
        """Return None if this host can serve the driver, else one sentence: what is missing and the remedy."""

    @classmethod
    @abstractmethod
    def check_config(cls, config: Mapping[str, str]) -> None:
        """Raise `BadRequestError` naming the first key or value that this driver doesn't take."""

    @abstractmethod
    def create(self) -> dict[str, str]:
        """Make the backing store, leave it activated, return the config to record. Undo everything on failure."""

    @abstractmethod
    def destroy(self) -> None:
        """Deactivate and remove the backing store and the tree. Idempotent."""

    @abstractmethod
    def activate(self) -> None:
        """Make the tree appear below `mount` (mount, loop device). Idempotent; called at each start of the daemon."""

    @abstractmethod
    def deactivate(self) -> None:
        """Undo `activate`. Idempotent."""

    def update(self, config: Mapping[str, str]) -> None:  # noqa: B027
        """Apply a changed, checked config to the active pool, before it is recorded. Nothing to do for most keys."""

    @classmethod
    @abstractmethod
    def version(cls) -> str:
        """Return what `GET /1.0` shows as the driver's version."""

    @abstractmethod
    def resources(self) -> Resources: ...

    # --- looking ----------------------------------------------------------------------------------------------------

    @abstractmethod
    def path(self, volume: Volume, snapshot: str | None = None) -> Path:
        """Return where the volume's (or snapshot's) content is, whether it exists or not."""

    @abstractmethod
    def exists(self, volume: Volume, snapshot: str | None = None) -> bool: ...

    @abstractmethod
    def list_volumes(self) -> list[Volume]: ...

    @abstractmethod
    def list_snapshots(self, volume: Volume) -> list[str]: ...

    @abstractmethod
    def usage_bytes(self, volume: Volume, snapshot: str | None = None) -> int | None:
        """Return bytes used by the volume where that is known cheaply, else None."""

    @abstractmethod
    def identity(self, path: Path) -> str:
        """Return what tells the content at `path` from any other in this pool, stable over renames and remounts.

        Recovery compares it with the identity noted in an intent to know on which side of a swap a crash fell.
        """

    # --- staging: build beside, then enter by rename ------------------------------------------------------------------

    @abstractmethod
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
        """Make a writable staged tree, empty (mode 0100, root) or cloned from `origin` of this pool; return its path.

        `progress` gets bytes copied so far; a true `cancelled` ends the clone with `CancelledOperationError`.

        `resembling` names a volume that nobody changes until the staged tree is swapped with it or discarded: a driver
        may share files with it instead of copying them, so the staged tree isn't written to either before the swap.
        `relative` names what `origin` may share files with by `stage_former`.
        """

    def stage_to_edit(self, token: str, origin: Origin, *, cancelled: Cancelled | None = None) -> bool:
        """Make a staged tree like `origin` for who writes to no file that has several names, and changes none of them.

        Return whether it has the files of `origin` themselves, under more names: then one of the two goes unchanged.
        """
        self.stage(token, origin, cancelled=cancelled)
        return False

    @abstractmethod
    def staged_path(self, token: str) -> Path: ...

    @abstractmethod
    def staged_tokens(self) -> list[str]: ...

    @abstractmethod
    def sync(self, token: str) -> None:
        """Put the staged tree on stable storage."""

    @abstractmethod
    def discard(self, token: str) -> None:
        """Remove the staged tree. Idempotent."""

    @abstractmethod
    def publish(self, token: str, volume: Volume) -> None:
        """Move the staged tree to its place as `volume`; refuse if something is there."""

    @abstractmethod
    def publish_snapshot(self, token: str, volume: Volume, snapshot: str) -> None:
        """Move the staged tree to its place as a (read-only, where the driver can) snapshot; refuse if taken."""

    @abstractmethod
    def swap(self, token: str, volume: Volume) -> None:
        """Exchange staged tree and volume in one step; the former content is then under the token."""

    @abstractmethod
    def withdraw(self, volume: Volume, token: str, snapshot: str | None = None) -> None:
        """Move the volume or snapshot into staging: the first, atomic step of deleting it. Absent: do nothing."""

    @abstractmethod
    def withdraw_all(self, volume: Volume, token: str, snapshots_token: str) -> None:
        """Move the volume, then all its snapshots as one tree, into staging; each may be there already, or absent.

        On stable storage when this returns, also what an interrupted call before this one moved.
        """

    @abstractmethod
    def rename(self, volume: Volume, new_name: str, new_project: str | None = None) -> None:
        """Rename the volume and the directory of its snapshots. Idempotent, so that recovery can finish or undo it.

        `new_project` None: it stays in its project.
        """

    @abstractmethod
    def rename_snapshot(self, volume: Volume, snapshot: str, new_name: str) -> None: ...

    # --- former states: what an undo brings back --------------------------------------------------------------------

    @abstractmethod
    def stage_former(
        self, token: str, volume: Volume, replacement: str, origin: Origin, *, cancelled: Cancelled | None = None
    ) -> bool:
        """Make a staged tree of what the volume is if that shares files with the staged `replacement`, or return False.

        Where False is returned the volume itself, swapped out, is what it was, whatever is written to the new one.
        `replacement` was staged from `origin`, resembling `volume`.
        """

    @abstractmethod
    def keep_former(self, token: str) -> None:
        """Take a staged tree out of staging, to be a former state under the same token. Idempotent."""

    @abstractmethod
    def former_tokens(self) -> list[str]: ...

    @abstractmethod
    def former_bytes(self, token: str) -> int | None:
        """Return what a former state takes beyond what it shares, where that can be known, else None."""

    @abstractmethod
    def drop_former(self, token: str) -> None:
        """Remove a former state. Idempotent."""

    # --- streams: for drivers with `optimized_streams` ---------------------------------------------------------------

    def stage_to_send(self, token: str, origin: Origin, name: str, documents: Mapping[str, bytes]) -> list[Subvolume]:
        """Stage a read-only copy that streams are made from, with some files at its top; `name` stands in the stream.

        Return its parts, with the properties that they have in the origin.
        """
        raise UnsupportedError(f'Storage driver "{self.name}" has no optimized form')

    def sending(
        self, token: str, name: str, path: str, parent: tuple[str, str] | None
    ) -> AbstractContextManager[SentStream]:
        """Make the stream of a part that was staged to send; of what differs from another staged copy, if there is one.

        `parent` is that copy's token and name; a part that it doesn't have is sent whole.
        """
        raise UnsupportedError(f'Storage driver "{self.name}" has no optimized form')

    def hold_to_send(self, token: str, origin: Origin, name: str) -> SendPlace:
        """Find a snapshot that can be sent as it is, or stage a read-only copy for it; `name` stands in the stream."""
        raise UnsupportedError(f'Storage driver "{self.name}" has no streams')

    def sending_from(self, place: SendPlace, path: str, base: SendPlace | None) -> AbstractContextManager[Source]:
        """Make the stream of a part; of what differs from the same part of `base`, if that has it."""
        raise UnsupportedError(f'Storage driver "{self.name}" has no streams')

    def base_identity(self, volume: Volume, snapshot: str) -> str | None:
        """Return the identity that a snapshot has at its sender; None unless differences to it can be received."""
        return None

    def is_difference_to(self, volume: Volume, snapshot: str | None, base: str) -> bool:
        """Tell whether the stream of a snapshot, or of the volume, can be that of what differs from another snapshot.

        It can't where the two were filled side by side, as by an import of an export that isn't optimized.
        """
        return True

    def sent_identity(self, volume: Volume, snapshot: str) -> str | None:
        """Return the identity that a snapshot has in streams, wherever it goes; None if no difference can build on it.

        It is the same for the snapshot that a stream was made of, and for what was received of that.
        """
        return None

    def part_identity(self, area: str, number: int, name: str = RECEIVED) -> PartIdentity | None:
        """Return what a received part is called by its sender; None if no difference can build on it."""
        return None

    def keep_identity(self, token: str, identity: PartIdentity) -> None:
        """Remember of a staged tree, which holds what a received part held, what its sender has."""
        raise UnsupportedError(f'Storage driver "{self.name}" has no streams')

    @property
    def keeps_bases(self) -> bool:
        """Tell whether states that crossed between servers are to be kept in this pool, for later differences."""
        return False

    def stage_received_base(self, token: str, area: str, number: int) -> None:
        """Stage what was received into an area as its part of that number, unchanged, for `keep_base`.

        The area has it no more.
        """
        raise UnsupportedError(f'Storage driver "{self.name}" has no streams')

    def keep_base(self, token: str) -> None:
        """Take out of staging what was held to be sent, or received, to be a base under the same token.

        Not put on stable storage: a base that a power cut takes is only missed.
        """
        raise UnsupportedError(f'Storage driver "{self.name}" has no streams')

    def base_place(self, token: str) -> SendPlace:
        """Return where a base is, with the identity that it has in streams."""
        raise UnsupportedError(f'Storage driver "{self.name}" has no streams')

    def base_tokens(self) -> list[str]:
        return []

    def drop_base(self, token: str) -> None:
        """Remove a base. Idempotent."""
        raise UnsupportedError(f'Storage driver "{self.name}" has no streams')

    def stage_area(self, token: str) -> None:
        """Stage a place in which streams from outside are received, apart from everything else."""
        raise UnsupportedError(f'Storage driver "{self.name}" has no optimized form')

    def receiving(
        self,
        area: str,
        number: int,
        name: str | None,
        *bases: Origin,
        listed: Listed = MappingProxyType({}),
    ) -> AbstractContextManager[Sink]:
        """Receive one stream into an area, as its part of that number; what is in it is hostile.

        Raises `ArchiveError` for a stream that is damaged, or makes anything but one subvolume of that name. With None
        any name is taken, and the part is then called `RECEIVED`. `bases` are what the stream may be a difference to,
        beside what was received before; the same for all streams of an area. `listed` are such bases, and parts that
        were received before (number, name), by what the sender's list calls them: LXD may have sent them under other
        identities.
        """
        raise UnsupportedError(f'Storage driver "{self.name}" has no optimized form')

    def assemble(
        self, token: str, area: str, parts: Sequence[tuple[int, str, str]], *, is_last_use: bool = False
    ) -> Path:
        """Stage a writable volume of received parts (number, name, path); the area stays for the trees to come.

        `is_last_use`: the parts aren't asked for again, and may become the volume itself.
        """
        raise UnsupportedError(f'Storage driver "{self.name}" has no optimized form')

    def protect_parts(self, token: str, paths: Sequence[str]) -> None:
        """Make nested parts of a staged volume read-only."""
        raise UnsupportedError(f'Storage driver "{self.name}" has no optimized form')

    @abstractmethod
    def set_quota(self, volume: Volume, size_bytes: int | None) -> None:
        """Limit the volume's size; None removes the limit. A driver without quotas does nothing."""

    @abstractmethod
    def set_staged_quota(self, token: str, size_bytes: int | None) -> None: ...

    def set_arrival_quota(self, token: str, size_bytes: int | None) -> None:
        """Limit a staged tree while it is filled from outside; `set_staged_quota` gives it its own limit at the end.

        What is full to its size needs some room meanwhile, if the driver can limit it to less than it uses afterwards.
        """
        self.set_staged_quota(token, size_bytes)
