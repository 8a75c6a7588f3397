"""What the kernel and the tools say, in errors for people."""

from __future__ import annotations

import errno

import pytest

from holdfast.host.failures import explained
from holdfast.model.errors import CommandError, NoSpaceError, QuotaError, StorageError

_ARGV = ["confine", "--", "btrfs", "receive"]


def test_a_full_pool_is_told_by_the_last_line_of_the_command() -> None:
    failed = CommandError(_ARGV, 1, "At subvol a\nERROR: writing x: No space left on device\n")
    with pytest.raises(NoSpaceError) as raised, explained("receiving a volume", StorageError):
        raise failed
    assert str(raised.value) == "receiving a volume: ERROR: writing x: No space left on device"


def test_what_else_fails_is_told_with_the_command() -> None:
    told = r"^doing: Command failed with exit code 1: confine -- btrfs receive: bad$"
    with pytest.raises(StorageError, match=told), explained("doing", StorageError):
        raise CommandError(_ARGV, 1, "bad\n")


def test_errors_of_the_kernel_name_what_they_are_about() -> None:
    told = r"^doing: No space left on device: a -> b$"
    with pytest.raises(NoSpaceError, match=told), explained("doing", StorageError):
        raise OSError(errno.ENOSPC, "No space left on device", "a", None, "b")


@pytest.mark.parametrize(
    "failed",
    [
        OSError(errno.EDQUOT, "Disk quota exceeded", "a"),
        CommandError(_ARGV, 1, "ERROR: writing x: Disk quota exceeded\n"),
        CommandError(_ARGV, 1, "cannot receive: destination x space quota exceeded.\n"),
    ],
)
def test_what_has_used_up_its_own_size_is_told_from_a_full_pool(failed: Exception) -> None:
    with pytest.raises(QuotaError), explained("doing", StorageError):
        raise failed


def test_a_full_pool_has_not_used_up_a_size() -> None:
    with pytest.raises(NoSpaceError) as raised, explained("doing", StorageError):
        raise OSError(errno.ENOSPC, "No space left on device", "a")
    assert not isinstance(raised.value, QuotaError)
