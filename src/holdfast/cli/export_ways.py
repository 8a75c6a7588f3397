"""How an export gets here: sent at once, or made on the server first; into a file, or to standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from holdfast.cli.session import Session
from holdfast.cli.units import parse_bytes
from holdfast.client.encryption import Source, encrypt
from holdfast.client.errors import ApiError, ClientError, OperationFailedError
from holdfast.client.transfer import Pace
from holdfast.client.whole_file import WholeFile

if TYPE_CHECKING:
    from holdfast.client.backups import ExportOptions
    from holdfast.client.encryption import Recipient

EXTENSION: Final = "holdfast_export_stream"
KEPT_ON_SERVER_FOR: Final = timedelta(hours=24)
LEAST_RATE: Final = 1024
"""A slower transfer would look to the server like one that has stopped."""


class _Rate(click.ParamType[int]):
    name = "rate"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        rate = parse_bytes(str(value))
        if rate is None or rate < LEAST_RATE:
            self.fail(f"{value!r} is no rate: give bytes per second, from 1k on, such as 500k or 5MiB", param, ctx)
        return rate


RATE: Final = _Rate()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be exported, and how fast it may come."""

    instance: str
    options: ExportOptions
    bytes_per_s: int | None


@contextmanager
def streamed(session: Session, wanted: Wanted) -> Iterator[Source]:
    """Give the export as the server makes it; leaving early ends the work there."""
    with session.client.backups.stream(
        wanted.instance,
        session.transfer(f"Exporting {wanted.instance}"),
        pace=Pace(wanted.bytes_per_s),
        **wanted.options,
    ) as body:
        yield body


@contextmanager
def staged(session: Session, wanted: Wanted) -> Iterator[Source]:
    """Have the server make a file, give it, and have it removed there."""
    backups = session.client.backups
    expiry = datetime.now(UTC) + KEPT_ON_SERVER_FOR
    operation = backups.create(
        wanted.instance,
        expires_at=f"{expiry:%Y-%m-%dT%H:%M:%SZ}",
        **wanted.options,
    )
    session.wait(operation, f"Backing up {wanted.instance}")
    name = operation.names("backups")[0]
    on_bytes = session.transfer(f"Exporting {wanted.instance}")
    try:
        with closing(backups.download(wanted.instance, name, on_bytes, Pace(wanted.bytes_per_s))) as download:
            yield download
    except BaseException:
        with suppress(ClientError):  # the first error is the one to tell; the server removes the file after a day
            backups.delete(wanted.instance, name).wait()
        raise
    with suppress(ApiError, OperationFailedError):  # the file is here, whole; the server's goes after a day
        backups.delete(wanted.instance, name).wait()


def check_target(path: Path, *, may_replace: bool) -> WholeFile:
    """Return the place for the file; raise, before any work, where none can be."""
    if path.is_dir():
        raise click.ClickException(f"{path} is a directory; give the name of a file")
    if not path.absolute().parent.is_dir():
        raise click.ClickException(f"There is no directory {path.absolute().parent} to save {path.name} in")
    target = WholeFile(path, may_replace=may_replace)
    target.check()
    return target


def copy(source: Source, target: BinaryIO, recipients: Sequence[Recipient]) -> None:
    """Copy all of it, encrypted if there are recipients."""
    if recipients:
        encrypt(source, target, recipients)
        return
    while chunk := source.read():
        target.write(chunk)


@contextmanager
def standard_output() -> Iterator[BinaryIO]:
    """Give standard output for bytes; a terminal is refused, as it would show them."""
    if sys.stdout.isatty():
        raise click.ClickException("An export is not shown on a terminal: give the name of a file, or use a pipe")
    with os.fdopen(os.dup(1), "wb") as target:
        yield target
