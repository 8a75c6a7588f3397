"""How an export gets here: sent at once, or made on the server first; into a file, or to standard output.

The commands for instances and for volumes share all of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, ParamSpec, TypedDict, TypeVar

import click

from holdfast.cli.extensions import require_extension
from holdfast.cli.session import Session
from holdfast.cli.units import parse_bytes
from holdfast.client.encryption import SUFFIX, encrypt, parse_recipients
from holdfast.client.errors import ApiError, ClientError, OperationFailedError
from holdfast.client.lending import EXPORT_EXTENSION as LENT_EXTENSION
from holdfast.client.transfer import Pace, move
from holdfast.client.whole_file import WholeFile

if TYPE_CHECKING:
    from holdfast.client.backups import ExportOptions
    from holdfast.client.encryption import Recipient
    from holdfast.client.owners import Owner
    from holdfast.client.resumed_download import ResumedDownload
    from holdfast.client.transfer import Body

EXTENSION: Final = "holdfast_export_stream"
SINCE_EXTENSION: Final = "holdfast_export_since"
VOLUMES_EXTENSION: Final = "holdfast_export_volumes"
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

    owner: Owner
    options: ExportOptions
    bytes_per_s: int | None


_EXTENSIONS = {
    "gzip": ".gz",
    "pigz": ".gz",
    "zstd": ".zst",
    "pzstd": ".zst",
    "xz": ".xz",
    "bzip2": ".bz2",
    "lzma": ".lzma",
    "none": "",
}
_P = ParamSpec("_P")
_R = TypeVar("_R")


class Content(TypedDict):
    """What the options of an export say about what is in the file."""

    compression: str
    optimized_storage: bool
    snapshot: str
    exclude: tuple[str, ...]
    export_version: int | None


class Choices(Content):
    """What the options of an export say, apart from what is exported."""

    has_manifest: bool
    encrypt: tuple[str, ...]
    bwlimit: int | None
    no_clobber: bool
    staged: bool


def content_options(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Give a command the options whose values make up `Content`."""
    for option in reversed(_CONTENT_OPTIONS):
        function = option(function)
    return function


def export_options(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Give a command the options whose values make up `Choices`."""
    for option in reversed(_WAY_OPTIONS):
        function = option(function)
    return content_options(function)


_CONTENT_OPTIONS: Final = (
    click.option("--compression", default="", metavar="NAME", help="gzip, zstd, xz, none, …  [default: the server's]"),
    click.option(
        "--optimized-storage", is_flag=True, help="In the storage driver's own format: only for the same driver"
    ),
    click.option("--snapshot", default="", metavar="NAME", help="As it was in this snapshot, and only that"),
    click.option(
        "--exclude", multiple=True, metavar="PATTERN", help="Leave out paths: /var/cache, '*.log', …  [repeatable]"
    ),
    click.option(
        "--export-version",
        type=click.IntRange(1),
        default=None,
        metavar="1|2",
        help="Of the metadata: every LXD reads 1, only newer ones read 2  [default: the server's, 1]",
    ),
)
_WAY_OPTIONS: Final = (
    click.option(
        "--manifest", "has_manifest", is_flag=True, help="Check the file and write FILE.manifest with its SHA-256"
    ),
    click.option(
        "--encrypt", multiple=True, metavar="RECIPIENT", help="An age recipient, or a file of them  [repeatable]"
    ),
    click.option("--bwlimit", type=RATE, default=None, metavar="RATE", help="Bytes per second at most: 500k, 5MiB, …"),
    click.option("--no-clobber", is_flag=True, help="Refuse where the file exists"),
    click.option(
        "--staged", is_flag=True, help="Make the file on the server first: a broken download goes on by itself"
    ),
)


def export_to(
    session: Session,
    owner: Owner,
    target: str,
    choices: Choices,
    *,
    is_alone: bool,
    with_volumes: bool = False,
    since: str = "",
) -> None:
    """Export to a file ("" names it after the owner) or to standard output ("-")."""
    wanted = Wanted(
        owner=owner,
        options=wishes_of(session, choices, is_alone=is_alone, with_volumes=with_volumes, since=since),
        bytes_per_s=choices["bwlimit"],
    )
    recipients = parse_recipients(choices["encrypt"])
    to_standard_output = target == "-"
    if to_standard_output and choices["has_manifest"]:
        raise click.UsageError("--manifest needs a file: there is no place beside standard output")
    stem = f"{owner}-since-{since}" if since else str(owner)  # never over the file that it builds on
    path = Path(target or _default_name(session, stem, choices["compression"], is_encrypted=bool(recipients)))
    place = standard_output() if to_standard_output else check_target(path, may_replace=not choices["no_clobber"])
    is_plain = isinstance(place, WholeFile) and not recipients and wanted.bytes_per_s is None
    way = streamed if not choices["staged"] and session.knows(EXTENSION) else staged
    try:
        with place as file:
            if not (is_plain and way is streamed and written_there(session, wanted, file)):
                with way(session, wanted) as source:
                    copy(source, file, recipients)
                    if isinstance(place, WholeFile):
                        place.keep()  # before the server removes what it may have staged
    except BrokenPipeError:
        raise  # nobody reads our output any more
    except OSError as error:
        raise click.ClickException(f"Writing {target or path} failed: {error.strerror or error}") from error
    if not to_standard_output:
        session.say(f"Exported {owner} to {path}")
    if choices["has_manifest"] or not to_standard_output:
        write_manifest(session, path, is_wanted=choices["has_manifest"])


def write_manifest(session: Session, path: Path, *, is_wanted: bool) -> None:
    """Write the `.manifest` beside a new file, unasked where there is one: it tells of the file that was there."""
    if not is_wanted and not path.with_name(f"{path.name}.manifest").exists():
        return
    from holdfast.cli.export_files import write_sidecar

    beside = write_sidecar(path, session.transfer(f"Checking {path.name}"))
    session.say(f"Wrote {beside}")


def wishes_of(
    session: Session, content: Content, *, is_alone: bool, with_volumes: bool = False, since: str = ""
) -> ExportOptions:
    """Return what the server is to put into the file; end the command where it wouldn't know of that."""
    if content["snapshot"] or content["exclude"]:
        require_extension(session, EXTENSION, "export of a snapshot or without some paths")
    if content["export_version"] is not None:
        require_extension(session, "backup_metadata_version", "choice of the metadata's version")
    if since:
        require_extension(session, SINCE_EXTENSION, "export of a difference")
    if with_volumes:
        require_extension(session, VOLUMES_EXTENSION, "export of an instance together with its volumes")
    return {
        "compression": content["compression"],
        "is_alone": is_alone,
        "optimized_storage": content["optimized_storage"],
        "snapshot": content["snapshot"],
        "exclude": content["exclude"],
        "version": content["export_version"],
        "with_volumes": with_volumes,
        "since": since,
    }


def _default_name(session: Session, stem: str, compression: str, *, is_encrypted: bool) -> str:
    """Return the name with the usual extension of what the file will be."""
    chosen = compression or session.client.backups.default_compression()
    word = chosen.split()[0].partition("-")[0] if chosen.strip() else ""
    return f"{stem}.tar{_EXTENSIONS.get(word, '.gz')}{SUFFIX if is_encrypted else ''}"


def written_there(session: Session, wanted: Wanted, file: BinaryIO) -> bool:
    """Have a server on this machine write into the file; False where it can't, and the export must be fetched."""
    return session.knows(LENT_EXTENSION) and session.client.backups.write_into(
        file, wanted.owner, session.transfer(f"Exporting {wanted.owner}"), **wanted.options
    )


@contextmanager
def streamed(session: Session, wanted: Wanted) -> Iterator[Body | ResumedDownload]:
    """Give the export as the server makes it; leaving early ends the work there."""
    with session.client.backups.stream(
        wanted.owner,
        session.transfer(f"Exporting {wanted.owner}"),
        pace=Pace(wanted.bytes_per_s),
        **wanted.options,
    ) as body:
        yield body


@contextmanager
def staged(session: Session, wanted: Wanted) -> Iterator[Body | ResumedDownload]:
    """Have the server make a file, give it, and have it removed there."""
    backups = session.client.backups
    expiry = datetime.now(UTC) + KEPT_ON_SERVER_FOR
    operation = backups.create(
        wanted.owner,
        expires_at=f"{expiry:%Y-%m-%dT%H:%M:%SZ}",
        **wanted.options,
    )
    session.wait(operation, f"Backing up {wanted.owner}")
    name = operation.names("backups")[0]
    on_bytes = session.transfer(f"Exporting {wanted.owner}")
    try:
        with closing(backups.download(wanted.owner, name, on_bytes, Pace(wanted.bytes_per_s))) as download:
            yield download
    except BaseException:
        with suppress(ClientError):  # the first error is the one to tell; the server removes the file after a day
            backups.delete(wanted.owner, name).wait()
        raise
    with suppress(ApiError, OperationFailedError):  # the file is here, whole; the server's goes after a day
        backups.delete(wanted.owner, name).wait()


def check_target(path: Path, *, may_replace: bool) -> WholeFile:
    """Return the place for the file; raise, before any work, where none can be."""
    if path.is_dir():
        raise click.ClickException(f"{path} is a directory; give the name of a file")
    if not path.absolute().parent.is_dir():
        raise click.ClickException(f"There is no directory {path.absolute().parent} to save {path.name} in")
    target = WholeFile(path, may_replace=may_replace)
    target.check()
    return target


def copy(source: Body | ResumedDownload, target: BinaryIO, recipients: Sequence[Recipient]) -> None:
    """Copy all of it, encrypted if there are recipients."""
    if recipients:
        encrypt(source, target, recipients)
        return
    move(source, target)


@contextmanager
def standard_output() -> Iterator[BinaryIO]:
    """Give standard output for bytes; a terminal is refused, as it would show them."""
    if sys.stdout is None:  # what Python says of a closed one
        raise click.ClickException("Standard output is closed: give the name of a file")
    if sys.stdout.isatty():
        raise click.ClickException("An export is not shown on a terminal: give the name of a file, or use a pipe")
    with os.fdopen(os.dup(1), "wb") as target:
        yield target
