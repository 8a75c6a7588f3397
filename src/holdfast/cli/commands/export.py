"""`holdfast export` and `holdfast import`: an instance as one file, and back."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from holdfast.cli.groups import command
from holdfast.cli.references import INSTANCE, NAME, InstanceReference, strip_remote
from holdfast.cli.session import Session, pass_session
from holdfast.client.errors import ApiError, ClientError, OperationFailedError

KEPT_ON_SERVER_FOR = timedelta(hours=24)


@command(
    "export",
    "Save an instance with its snapshots to one file. The file appears whole or not at all, "
    "and an existing one is replaced only by a whole one.",
    examples=(
        "holdfast export web                                  # web.tar.gz here",
        "holdfast export web /backups/web.tar.zst --compression zstd",
        "holdfast export web web.tar --compression none --instance-only",
    ),
)
@click.argument("instance", type=INSTANCE)
@click.argument("target", type=click.Path(path_type=Path), default=None, required=False)
@click.option("--compression", default="", metavar="NAME", help="gzip, zstd, xz, none, …  [default: the server's]")
@click.option("--instance-only", is_flag=True, help="Without snapshots")
@click.option("--optimized-storage", is_flag=True, help="In the storage driver's own format: only for the same driver")
@pass_session
def export(
    session: Session,
    instance: InstanceReference,
    target: Path | None,
    compression: str,
    instance_only: bool,
    optimized_storage: bool,
) -> None:
    path = target or Path(f"{instance.name}.tar{_extension(compression)}")
    if path.is_dir():
        raise click.ClickException(f"{path} is a directory; give the name of a file")
    if not path.absolute().parent.is_dir():
        raise click.ClickException(f"There is no directory {path.absolute().parent} to save {path.name} in")
    backups = session.client.backups
    expiry = datetime.now(UTC) + KEPT_ON_SERVER_FOR
    operation = backups.create(
        instance.name,
        expires_at=f"{expiry:%Y-%m-%dT%H:%M:%SZ}",
        compression=compression,
        instance_only=instance_only,
        optimized_storage=optimized_storage,
    )
    session.wait(operation, f"Backing up {instance.name}")
    name = operation.names("backups")[0]
    try:
        backups.download(instance.name, name, path, session.transfer(f"Exporting {instance.name}"))
    except BaseException:
        with suppress(ClientError):  # the first error is the one to tell; the server removes the file after a day
            backups.delete(instance.name, name).wait()
        raise
    with suppress(ApiError, OperationFailedError):  # the file is here, whole; the server's goes after a day
        backups.delete(instance.name, name).wait()
    session.say(f"Exported {instance.name} to {path}")


def _extension(compression: str) -> str:
    """Return the usual extension; the server's default is gzip."""
    word = compression.split()[0] if compression else "gzip"
    return {"gzip": ".gz", "zstd": ".zst", "xz": ".xz", "bzip2": ".bz2", "lzma": ".lzma", "none": ""}.get(word, ".gz")


@command(
    "import",
    "Make an instance of an export file, under its own name or another.",
    examples=(
        "holdfast import web.tar.gz",
        "holdfast import web.tar.gz web-restored -s fast",
        "ssh backup cat web.tar.gz > here.tar.gz && holdfast import here.tar.gz",
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="FILE [NAME]")
@click.option("-s", "--storage", default="", metavar="POOL", help="Keep it in this pool")
@pass_session
def import_file(session: Session, words: tuple[str, ...], storage: str) -> None:
    if len(words) > 1 and words[0].endswith(":") and strip_remote(words[0]) == "":
        words = words[1:]
    if len(words) > 2:
        raise click.UsageError("Give FILE [NAME]")
    source, name = Path(words[0]), NAME.convert(words[1], None, None) if len(words) == 2 else ""
    if not source.is_file():
        raise click.ClickException(f"{source} is not a file")
    operation = session.client.backups.import_file(
        source, name=name, pool=storage, on_bytes=session.transfer(f"Sending {source.name}")
    )
    session.wait(operation, f"Importing {source.name}")
    if sys.stdout.isatty():
        session.say(f"Imported {', '.join(operation.names('instances')) or name}")
