"""What two servers have agreed on before the data, and how each tells the other that it failed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from holdfast.migration.channels import ControlChannel, DataChannel, RemoteFailureError
from holdfast.migration.header import BtrfsFeatures, FsType, Outcome, OwnFeatures, RsyncFeatures
from holdfast.migration.negotiation import Way
from holdfast.migration.rsync import RsyncOptions
from holdfast.model.errors import HoldfastError, MigrationError

_PATIENCE_S: Final = 2.0
"""How long a broken connection is given to bring the reason, which travels on another one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """`wanted` are the snapshots that travel, oldest first; `is_twice`: the main tree is sent a second time."""

    way: Way
    wanted: tuple[str, ...]
    refresh: bool
    is_twice: bool
    index_version: int
    own: OwnFeatures

    @property
    def has_streams(self) -> bool:
        return self.way.fs is FsType.BTRFS

    @property
    def is_block(self) -> bool:
        return self.way.fs is FsType.BLOCK_AND_RSYNC

    @property
    def has_own_trees(self) -> bool:
        """Tell whether trees cross in our own way; else by rsync."""
        return self.way.fs is FsType.RSYNC and self.own.trees

    @property
    def deletes(self) -> bool:
        """Tell whether a tree that is received into what is there comes out as sent."""
        return self.way.rsync is not None and self.way.rsync.delete

    @property
    def btrfs(self) -> BtrfsFeatures:
        return self.way.btrfs or BtrfsFeatures()

    def rsync(self, *, bwlimit: str = "", may_vanish: bool = False) -> RsyncOptions:
        """Return how this side's rsync is to be run."""
        features = self.way.rsync or RsyncFeatures()
        return RsyncOptions(features=features, bwlimit=bwlimit, may_vanish=may_vanish)


@contextlib.contextmanager
def telling(control: ControlChannel, data: DataChannel) -> Iterator[None]:
    """Tell the other side when the body fails; if the other side did, raise its reason instead of the consequence."""
    try:
        yield
    except RemoteFailureError:
        raise
    except MigrationError as error:
        reason = control.failure(_PATIENCE_S)
        if reason is not None:
            raise reason from error
        _give_up(control, data, str(error))
        raise
    except HoldfastError as error:
        _give_up(control, data, str(error))
        raise
    except BaseException as error:
        _give_up(control, data, type(error).__name__)
        raise


def _give_up(control: ControlChannel, data: DataChannel, message: str) -> None:
    with contextlib.suppress(MigrationError):
        control.send_outcome(Outcome(is_success=False, message=message))
    data.socket.abort()
