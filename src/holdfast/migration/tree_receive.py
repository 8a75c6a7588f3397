"""Trees in our own way, received: a staged tree is made what the source lists; see `tree_frames`.

What is the same by size and time of change stays. Of a file that changed the source gets the sums of what is here, and
sends the blocks that differ. Everything that comes is checked: a name is one entry of a directory that was announced.

A refresh first looks at the old copy, entry by entry; the staged tree is made for the first one that differs.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import zstandard

from holdfast.host.beneath import beneath, join
from holdfast.host.failures import explained
from holdfast.host.file_copy import ContentCopier
from holdfast.host.removal import remove_entry
from holdfast.host.tree_edit import (
    SPECIAL,
    Dress,
    facts_of,
    is_same_special,
    link,
    make_directory,
    make_special,
    opened_alone,
    opened_new,
    place_of,
)
from holdfast.host.writing_out import WritingOut
from holdfast.migration.channels import DataChannel
from holdfast.migration.tree_asking import Asking, Wanted, ask
from holdfast.migration.tree_frames import (
    PIECE,
    PIECE_BYTES,
    Kind,
    StreamReader,
)
from holdfast.migration.tree_ground import Ground, OpenDirectory
from holdfast.model.errors import CancelledOperationError, MigrationError
from holdfast.streams.copy import BUFFER_BYTES, Cancelled, Progress
from holdfast.wire.tree_exchange import Directory, Entry, Part, TreeFormatError, decode_part

_ZEROS: Final = memoryview(bytes(PIECE_BYTES))
_NAME_BYTES: Final = 255
_LARGEST_FILE_BYTES: Final = 1 << 60


IsSame = Callable[[int, bytes, str], bool]
"""Compares a file (a descriptor of its directory, that one's path, the name) with the source's, of the same size."""


def receive_tree(
    channel: DataChannel, ground: Ground, *, progress: Progress, cancelled: Cancelled, is_same: IsSame | None = None
) -> None:
    """Make the staged tree of `ground` hold what comes; nothing is staged if that is what the former one holds.

    `is_same` compares contents where size and time of change alone are not to be believed.

    Raises `MigrationError` for what can't be, `NoSpaceError` when the pool is full; what was staged is then to be
    discarded.
    """
    doing = f'Failed writing "{ground.name}"'
    with explained(doing, MigrationError), ground.opened(), WritingOut() as writing_out:
        receiver = _Receiver(channel, ground, writing_out, progress, cancelled, is_same)
        while not receiver.receive_part():
            pass
        receiver.finish()


_Place = tuple[bytes, str]
"""A directory's path and a name in it."""


class _Receiver:
    """Makes one tree. Whatever it knows of entries holds for the former tree and for the staged one made of it."""

    def __init__(
        self,
        channel: DataChannel,
        ground: Ground,
        writing_out: WritingOut,
        progress: Progress,
        cancelled: Cancelled,
        is_same: IsSame | None,
    ) -> None:
        self._channel, self._ground, self._writing_out = channel, ground, writing_out
        self._progress, self._cancelled, self._is_same = progress, cancelled, is_same
        self._in = StreamReader(channel)
        self._started_bytes = self._shown_bytes = channel.received_bytes
        self._announced: dict[bytes, set[str]] = {b"": set()}
        self._leaders: dict[int, _Place] = {}
        self._followers: list[tuple[bytes, str, int]] = []
        self._kept: dict[int, _Place] = {}
        self._dresses: list[tuple[bytes, Dress]] = []
        self._copier = ContentCopier(lambda _: self._check())
        self._decompressor = zstandard.ZstdDecompressor()

    def receive_part(self) -> bool:
        """Take a part over; return whether it is the last."""
        try:
            part = decode_part(self._channel.receive_document())
        except TreeFormatError as error:
            raise MigrationError(f"The other server's list of files can't be read: {error}") from error
        wanted: list[Wanted] = []
        number = 0
        for each in part.directories:
            self._enter(each, number, wanted)
            number += len(each.entries)
            self._check()
        self._fetch(wanted)
        return self._is_last(part)

    def finish(self) -> None:
        """Give files their further names, and directories what they have, once nothing more is made in them."""
        if self._announced:
            self._stage()
        if not self._ground.is_staged:
            return
        root = self._ground.root
        for path, name, group in self._followers:
            leader, leader_name = self._leaders[group]
            with beneath(root, leader) as source, beneath(root, path) as here:
                if facts_of(source, leader_name) is not None:
                    link(source, leader_name, here, name)
        for path in self._announced:  # went away at the source before it was listed
            parent, _, gone = path.rpartition(b"/")
            with beneath(root, parent) as here:
                remove_entry(here, os.fsdecode(gone))
        for path, dress in self._dresses:
            with beneath(root, path) as here:
                if not dress.is_on(here):
                    dress.put_on(here)

    def _is_last(self, part: Part) -> bool:
        if part.is_last and b"" in self._announced:
            raise MigrationError("The other server's list of files ends before the first directory is complete")
        return part.is_last

    def _check(self) -> None:
        if self._cancelled():
            raise CancelledOperationError("Operation cancelled")
        if self._channel.received_bytes >= self._shown_bytes + BUFFER_BYTES:
            self._shown_bytes = self._channel.received_bytes
            self._progress(self._shown_bytes - self._started_bytes)

    # --- what is listed ---

    def _enter(self, listed: Directory, first_number: int, wanted: list[Wanted]) -> None:
        names = self._announced.get(listed.path)
        if names is None:
            raise MigrationError(f"The other server lists a directory that there isn't: {_shown(listed.path)}")
        with OpenDirectory(self._ground) as opened:
            for number, entry in enumerate(listed.entries, start=first_number):
                name = _checked(entry.name, names, listed.path)
                with _naming(listed.path, name):
                    content = self._meet(opened, listed.path, name, entry, number)
                if content is not None:
                    wanted.append(content)
            if listed.is_complete:
                self._complete(opened, listed, names)

    def _complete(self, opened: OpenDirectory, listed: Directory, names: set[str]) -> None:
        """Take away what isn't listed, once all of a directory is; leave what it has beside to the end."""
        here, dress = opened.at(listed.path), _dress(listed.itself)
        surplus = set(os.listdir(here)) - names
        if not self._ground.is_staged and (surplus or not dress.is_on(here)):
            self._stage()
            here = opened.at(listed.path)
        for name in surplus:
            remove_entry(here, name)
        del self._announced[listed.path]
        self._dresses.append((listed.path, dress))

    def _stage(self) -> None:
        """Make the staged tree, if there is none yet, and go on in that."""
        if self._ground.is_staged:
            return
        self._ground.stage()
        places, self._kept = self._kept.values(), {}
        for path, name in places:
            with beneath(self._ground.root, path) as here:
                self._kept[os.stat(name, dir_fd=here, follow_symlinks=False).st_ino] = path, name
        self._check()

    def _meet(self, opened: OpenDirectory, path: bytes, name: str, entry: Entry, number: int) -> Wanted | None:
        """Make an entry what it must be; return what must come for that, if it is a file."""
        dress, here = _dress(entry), opened.at(path)
        facts = facts_of(here, name)
        if not self._ground.is_staged:
            if facts is not None and self._is_there(here, (path, name), entry, dress, facts):
                return None
            self._stage()
            here = opened.at(path)
            facts = facts_of(here, name)
        if dress.type == stat.S_IFDIR:
            make_directory(here, name, facts)
            self._announced[join(path, name)] = set()
        elif dress.type == stat.S_IFLNK or dress.type in SPECIAL:
            make_special(here, name, dress, facts, target=entry.target, device=entry.size)
        elif dress.type == stat.S_IFREG:
            return self._meet_file(here, path, name, entry, number, dress, facts)
        else:
            raise MigrationError(f"The other server lists something of an unknown type: {_shown(entry.name)}")
        return None

    def _is_there(self, here: int, place: _Place, entry: Entry, dress: Dress, facts: os.stat_result) -> bool:
        """Tell whether the former tree has an entry as it is listed; note it then."""
        if stat.S_IFMT(facts.st_mode) != dress.type:
            return False
        if dress.type == stat.S_IFDIR:
            self._announced[join(*place)] = set()
            return True
        if dress.type != stat.S_IFREG:
            return dress.fits(facts) and is_same_special(here, place[1], dress, facts, entry.target, entry.size)
        leader = self._leaders.get(entry.group)
        if leader is not None:
            if self._kept.get(facts.st_ino) != leader:
                return False
            self._followers.append((*place, entry.group))
            return True
        if not dress.fits(facts) or not dress.has_attributes(place_of(here, place[1])):
            return False
        if not self._is_first(place, facts) or not self._is_same_content(here, *place, entry, facts):
            return False
        if entry.group:
            self._leaders[entry.group] = place
        return True

    def _meet_file(
        self,
        here: int,
        path: bytes,
        name: str,
        entry: Entry,
        number: int,
        dress: Dress,
        facts: os.stat_result | None,
    ) -> Wanted | None:
        if not 0 <= entry.size <= _LARGEST_FILE_BYTES:
            raise MigrationError(f"The other server lists a file of {entry.size} bytes: {_shown(entry.name)}")
        if entry.group in self._leaders:
            self._followers.append((path, name, entry.group))
            return None
        if entry.group:
            self._leaders[entry.group] = (path, name)
        if facts is None or not self._is_same_content(here, path, name, entry, facts):
            return Wanted(number, path, name, entry.size, dress, facts)
        is_first = self._is_first((path, name), facts)
        if is_first and dress.fits(facts) and dress.has_attributes(place_of(here, name)):
            return None
        with opened_alone(here, name, facts, self._copier) as descriptor:
            dress.put_on(descriptor)
        return None

    def _is_same_content(self, here: int, path: bytes, name: str, entry: Entry, facts: os.stat_result) -> bool:
        """Tell whether what is here is a file that holds what is listed."""
        if not stat.S_ISREG(facts.st_mode) or facts.st_size != entry.size:
            return False
        if self._is_same is None:
            return facts.st_mtime_ns == entry.mtime_ns
        self._check()
        return self._is_same(here, path, name)

    def _is_first(self, place: _Place, facts: os.stat_result) -> bool:
        """Tell whether no other entry has kept the file: it would be two names of one where the source has two."""
        names = 2 if self._ground.is_linked else 1
        return facts.st_nlink <= names or self._kept.setdefault(facts.st_ino, place) == place

    # --- contents ---

    def _fetch(self, wanted: Sequence[Wanted]) -> None:
        """Ask for contents, in a thread, while they come."""
        if not wanted:
            ask(self._channel, self._ground, ())
            self._in.expect_end()
            return
        asking = Asking(self._channel, self._ground, wanted)
        asking.start()
        try:
            with OpenDirectory(self._ground) as opened:
                for each in wanted:
                    with _naming(each.path, each.name):
                        self._receive_file(opened.at(each.path), each)
                    self._check()
            self._in.expect_end()
        except BaseException:
            self._channel.socket.abort()
            asking.join()
            if asking.error is not None and not isinstance(asking.error, MigrationError):
                raise asking.error from None
            raise
        asking.join()
        if asking.error is not None:
            raise asking.error

    def _receive_file(self, here: int, wanted: Wanted) -> None:
        first = PIECE.unpack(self._in.read(PIECE.size))
        if first[0] == Kind.GONE:
            return
        former = wanted.former
        if former is None:
            opening = opened_new(here, wanted.name, wanted.facts)
        else:
            opening = opened_alone(here, wanted.name, former, self._copier)
        with opening as descriptor:
            if former is None:
                os.ftruncate(descriptor, wanted.size)
            size = self._receive_pieces(descriptor, wanted, first, is_new=former is None)
            os.ftruncate(descriptor, size)
            wanted.dress.put_on(descriptor)
            self._writing_out.begin(descriptor, size)

    def _receive_pieces(self, descriptor: int, wanted: Wanted, piece: tuple[int, int, int], *, is_new: bool) -> int:
        """Write what comes of a file; return how large it is."""
        while True:
            kind, length, place = piece
            if kind == Kind.END:
                if place > wanted.size:
                    raise MigrationError(f'The other server sent more of "{wanted.name}" than it listed')
                return place
            data = self._data(kind, length)
            if place + len(data) > wanted.size:
                raise MigrationError(f'The other server sent more of "{wanted.name}" than it listed')
            if kind != Kind.ZERO or not is_new:
                _write(descriptor, data, place)
            self._check()
            piece = PIECE.unpack(self._in.read(PIECE.size))

    def _data(self, kind: int, length: int) -> memoryview:
        """Return what a piece holds."""
        if kind == Kind.ZERO:
            if length > PIECE_BYTES:
                raise MigrationError(f"The other server sent a piece of {length} zeros, more than fits")
            return _ZEROS[:length]
        if kind not in (Kind.DATA, Kind.ZSTD):
            raise MigrationError(f"The other server sent a piece of an unknown kind: {kind}")
        data = self._in.read(length)
        if kind == Kind.DATA:
            return data
        try:
            if zstandard.frame_content_size(data) > PIECE_BYTES:  # the limit below isn't for frames that tell a size
                raise MigrationError("The other server sent a piece that is too large once it is decompressed")
            return memoryview(
                self._decompressor.decompress(data, max_output_size=PIECE_BYTES, read_across_frames=False)
            )
        except zstandard.ZstdError as error:
            raise MigrationError(f"The other server sent a piece that can't be decompressed: {error}") from error


@contextlib.contextmanager
def _naming(path: bytes, name: str) -> Iterator[None]:
    """Let what the kernel refuses name the entry within the tree."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, os.fsdecode(join(path, name))) from error


def _checked(name: bytes, names: set[str], path: bytes) -> str:
    """Return a name that is one entry of a directory and comes once; note it."""
    if not 0 < len(name) <= _NAME_BYTES or name in (b".", b"..") or b"/" in name or b"\0" in name:
        raise MigrationError(f"The other server lists a name that is none: {_shown(name)} in {_shown(path)}")
    text = os.fsdecode(name)
    if text in names:
        raise MigrationError(f"The other server lists a name twice: {_shown(name)} in {_shown(path)}")
    names.add(text)
    return text


def _dress(entry: Entry) -> Dress:
    attributes = {os.fsdecode(name): value for name, value in entry.attributes}
    if b"\0" in entry.target or (attributes and any("\0" in name for name in attributes)):
        raise MigrationError(f"The other server lists a name that is none, of {_shown(entry.name)}")
    return Dress(entry.mode, entry.uid, entry.gid, entry.mtime_ns, attributes)


def _write(descriptor: int, data: memoryview, place: int) -> None:
    while data:
        count = os.pwrite(descriptor, data, place)
        data, place = data[count:], place + count


def _shown(name: bytes) -> str:
    return ascii(os.fsdecode(name))
