"""Export files on their way to the server: what it shall make of them, and the bytes, decrypted where they are not."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast
from urllib.parse import quote, urlencode

from holdfast.client.connection import Connection, Content, decode_answer
from holdfast.client.encryption import MAGIC_BYTES, decrypting, is_encrypted
from holdfast.client.errors import EncryptedFileError
from holdfast.client.lending import lent, named
from holdfast.client.operations import RunningOperation
from holdfast.client.shapes import Operation
from holdfast.client.transfer import Counted, Headed, OnBytes, read_chunks
from holdfast.client.uploads import SentFile

if TYPE_CHECKING:
    from holdfast.client.encryption import Identity

OCTETS: Final = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class ImportWishes:
    """What shall be otherwise than the file says. `profiles` None: those of the file."""

    name: str = ""
    pool: str = ""
    devices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)
    profiles: Sequence[str] | None = None
    is_replacing: bool = False
    without_volumes: bool = False
    """Volumes in the file are left out."""
    onto: str = ""
    """The instance that a file with a difference builds on."""

    def headers(self) -> dict[str, str]:
        headers = {}
        if self.name:
            headers["X-LXD-name"] = self.name
        if self.pool:
            headers["X-LXD-pool"] = self.pool
        if self.devices:
            headers["X-LXD-devices"] = urlencode({name: urlencode(each) for name, each in self.devices.items()})
        if self.config:
            headers["X-Holdfast-config"] = urlencode(self.config)
        if self.profiles is not None:
            headers["X-Holdfast-profiles"] = ",".join(quote(name, safe="") for name in self.profiles)
        if self.is_replacing:
            headers["X-Holdfast-replace"] = "true"
        if self.onto:
            headers["X-Holdfast-onto"] = self.onto
        if self.without_volumes:
            headers["X-Holdfast-without-volumes"] = "true"
        return headers


@dataclass(frozen=True)
class Contents:
    """The plain bytes of an export file; how many there are, where that is known.

    `lent` tells a server on this machine which file that is, where it is one.
    """

    chunks: Iterator[bytes]
    size_bytes: int | None
    lent: str = ""

    def headers(self) -> dict[str, str]:
        return {} if self.size_bytes is None else {"Content-Length": str(self.size_bytes)}


@contextmanager
def opened(source: Path | BinaryIO, on_bytes: OnBytes | None, identities: Sequence[Identity]) -> Iterator[Contents]:
    """Give what to send of a file, or of what is open already (standard input)."""
    if isinstance(source, Path):
        with source.open("rb") as file, _contents(file, str(source), on_bytes, identities) as contents:
            yield contents
        return
    with _contents(source, "standard input", on_bytes, identities) as contents:
        yield contents


@contextmanager
def _contents(
    file: BinaryIO, name: str, on_bytes: OnBytes | None, identities: Sequence[Identity]
) -> Iterator[Contents]:
    size, lent = _whereabouts(file)
    counted = Headed(Counted(file, on_bytes, size), MAGIC_BYTES)
    if not is_encrypted(counted.head):
        yield Contents(read_chunks(counted), size, lent)
        return
    if not identities:
        raise EncryptedFileError(f"{name} is encrypted with age: give the key with --identity FILE")
    with decrypting(counted, identities, name) as plain:
        yield Contents(read_chunks(plain), None)


def _whereabouts(file: BinaryIO) -> tuple[int | None, str]:
    """Return how much is left of a file, None for a pipe, and what names it to the server, "" unless all is left."""
    number = file.fileno()
    facts = os.fstat(number)
    if not stat.S_ISREG(facts.st_mode):
        return None, ""
    place = os.lseek(number, 0, os.SEEK_CUR)
    return facts.st_size - place, "" if place else named(number)


def lend(
    connection: Connection, path: str, contents: Contents, wishes: ImportWishes | None = None
) -> RunningOperation | None:
    """Have a server on this machine read the file where it is; None if it can't, or it is no file.

    The server must have the API extension `holdfast_import_lent`.
    """
    if not contents.lent:
        return None
    headers = (wishes or ImportWishes()).headers()
    return lent(connection, contents.lent, lambda header: post(connection, path, b"", {**header, **headers}))


def send(connection: Connection, path: str, contents: Contents, wishes: ImportWishes) -> RunningOperation:
    """Send it in one request, as LXD's client does."""
    return post(connection, path, contents.chunks, {**contents.headers(), **wishes.headers()})


def send_in_pieces(connection: Connection, path: str, contents: Contents, wishes: ImportWishes) -> RunningOperation:
    """Send it so that a broken connection is got over; a server without `holdfast_uploads` can't take it so."""
    with SentFile(connection, contents.chunks, contents.size_bytes) as upload:
        return post(connection, path, b"", {"X-Holdfast-upload": upload, **wishes.headers()})


def post(connection: Connection, path: str, content: Content, headers: Mapping[str, str]) -> RunningOperation:
    """Send bytes that the server works on in the background."""
    answer = connection.open("POST", path, content=content, headers={"Content-Type": OCTETS, **headers})
    decoded = decode_answer(answer, f"POST {path.partition('?')[0]}")
    return RunningOperation(connection, cast(Operation, decoded.metadata))
