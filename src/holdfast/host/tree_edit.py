"""Change a staged tree entry by entry, without a write to a file that has other names: they may be of another tree.

Names and contents come from outside: every name is one entry of a directory that was opened without following links.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from holdfast.host.file_copy import ContentCopier, read_attributes
from holdfast.host.removal import remove_entry

SPECIAL: Final = (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOATIME
_WRITE: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_BOUND_TO_FILE_SYSTEM: Final = "btrfs."
"""Properties such as compression: no content, and other file systems know none."""


@dataclass(frozen=True, slots=True)
class Dress:
    """What an entry has beside its content; `mode` with the type, times in nanoseconds."""

    mode: int
    uid: int
    gid: int
    mtime_ns: int
    attributes: Mapping[str, bytes]

    @property
    def type(self) -> int:
        return stat.S_IFMT(self.mode)

    def fits(self, facts: os.stat_result) -> bool:
        """Tell whether an entry has it but, perhaps, for extended attributes."""
        there = (facts.st_mode, facts.st_uid, facts.st_gid, facts.st_mtime_ns)
        return there == (self.mode, self.uid, self.gid, self.mtime_ns)

    def has_attributes(self, target: str | int) -> bool:
        return read_attributes(target) == self.attributes

    def is_on(self, descriptor: int) -> bool:
        """Tell whether an open file or directory has all of it."""
        return self.fits(os.fstat(descriptor)) and self.has_attributes(descriptor)

    def put_on(self, target: str | int) -> None:
        """Give it to a descriptor, or to a path that is not followed when it is a link.

        The order matters: a new owner clears setuid bits and capabilities.
        """
        is_followed = isinstance(target, int)
        os.chown(target, self.uid, self.gid, follow_symlinks=is_followed)
        there = read_attributes(target)
        for name in there.keys() - self.attributes.keys():
            if not name.startswith(_BOUND_TO_FILE_SYSTEM):
                os.removexattr(target, name, follow_symlinks=is_followed)
        for name, value in self.attributes.items():
            if there.get(name) != value and not name.startswith(_BOUND_TO_FILE_SYSTEM):
                os.setxattr(target, name, value, follow_symlinks=is_followed)
        if self.type != stat.S_IFLNK:
            os.chmod(target, stat.S_IMODE(self.mode))
        os.utime(target, ns=(self.mtime_ns, self.mtime_ns), follow_symlinks=is_followed)


def facts_of(directory: int, name: str) -> os.stat_result | None:
    """Return what is known of an entry, None if there is none."""
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def place_of(directory: int, name: str) -> str:
    """Return a path to an entry, for calls that take no descriptor of a directory."""
    return f"/proc/self/fd/{directory}/{name}"


def make_directory(directory: int, name: str, facts: os.stat_result | None) -> None:
    """See to it that there is a directory, for the time being reachable by root alone."""
    if facts is not None and stat.S_ISDIR(facts.st_mode):
        return
    if facts is not None:
        remove_entry(directory, name)
    os.mkdir(name, 0o700, dir_fd=directory)


def make_special(
    directory: int, name: str, dress: Dress, facts: os.stat_result | None, *, target: bytes, device: int
) -> None:
    """See to it that there is this symbolic link, device, fifo or socket: anew, unless it is as it must be."""
    if facts is not None:
        if dress.fits(facts) and is_same_special(directory, name, dress, facts, target, device):
            return
        remove_entry(directory, name)
    if dress.type == stat.S_IFLNK:
        os.symlink(target, os.fsencode(name), dir_fd=directory)
    else:
        os.mknod(name, dress.type | 0o600, device, dir_fd=directory)
    dress.put_on(place_of(directory, name))


def is_same_special(directory: int, name: str, dress: Dress, facts: os.stat_result, target: bytes, device: int) -> bool:
    """Tell whether an entry that its dress fits is this symbolic link, device, fifo or socket."""
    if dress.type == stat.S_IFLNK:
        if os.fsencode(os.readlink(name, dir_fd=directory)) != target:
            return False
    elif facts.st_rdev != device:
        return False
    return dress.has_attributes(place_of(directory, name))


@contextlib.contextmanager
def opened_to_read(directory: int, name: str) -> Iterator[int]:
    descriptor = os.open(name, _READ, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def opened_new(directory: int, name: str, facts: os.stat_result | None) -> Iterator[int]:
    """Give a new file in the place of whatever was there."""
    if facts is not None:
        remove_entry(directory, name)
    descriptor = os.open(name, _NEW, 0o600, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def opened_alone(directory: int, name: str, facts: os.stat_result, copier: ContentCopier) -> Iterator[int]:
    """Give a file to be changed: as it is if this is its only name, else a copy that takes the name over."""
    if facts.st_nlink == 1:
        descriptor = os.open(name, _WRITE, dir_fd=directory)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
        return
    with opened_to_read(directory, name) as former, opened_new(directory, name, facts) as descriptor:
        copier.copy(former, descriptor, facts)
        yield descriptor


def link(source: int, source_name: str, directory: int, name: str) -> None:
    """Make `name` another name of a file of the same tree, unless it is one."""
    facts, there = os.stat(source_name, dir_fd=source, follow_symlinks=False), facts_of(directory, name)
    if there is not None:
        if (there.st_dev, there.st_ino) == (facts.st_dev, facts.st_ino):
            return
        remove_entry(directory, name)
    os.link(source_name, name, src_dir_fd=source, dst_dir_fd=directory, follow_symlinks=False)
