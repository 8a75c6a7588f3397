"""`holdfast export`: an instance as one file."""

from __future__ import annotations

from pathlib import Path

import click

from holdfast.cli.export_ways import EXTENSION, RATE, Wanted, check_target, copy, standard_output, streamed
from holdfast.cli.export_ways import staged as staged_first
from holdfast.cli.extensions import require_extension
from holdfast.cli.groups import command
from holdfast.cli.references import INSTANCE, InstanceReference
from holdfast.cli.session import Session, pass_session
from holdfast.client.encryption import SUFFIX, parse_recipients
from holdfast.client.whole_file import WholeFile

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


@command(
    "export",
    "Save an instance with its snapshots to one file, or write it to standard output (-). The file appears whole or "
    "not at all, and an existing one is replaced only by a whole one. Nothing is kept on the server.",
    examples=(
        "holdfast export web                                  # web.tar.gz here",
        "holdfast export web /backups/web.tar.zst --compression zstd",
        "holdfast export web web.tar --compression none --instance-only",
        "holdfast export web --snapshot before-upgrade --exclude /var/cache/ --exclude '*.log'",
        "holdfast export web --encrypt recipients.txt         # web.tar.gz.age",
        "holdfast export web - --bwlimit 5MiB | ssh backup 'cat > web.tar.gz'",
        "holdfast export web --manifest                       # web.tar.gz.manifest, for sha256sum and backup verify",
    ),
)
@click.argument("instance", type=INSTANCE)
@click.argument("target", default="", required=False, metavar="[FILE|-]")
@click.option("--compression", default="", metavar="NAME", help="gzip, zstd, xz, none, …  [default: the server's]")
@click.option("--instance-only", is_flag=True, help="Without snapshots")
@click.option(
    "--manifest", "has_manifest", is_flag=True, help="Check the file and write FILE.manifest with its SHA-256"
)
@click.option("--optimized-storage", is_flag=True, help="In the storage driver's own format: only for the same driver")
@click.option("--snapshot", default="", metavar="NAME", help="The instance as it was in this snapshot, and only that")
@click.option(
    "--exclude", multiple=True, metavar="PATTERN", help="Leave out paths: /var/cache, '*.log', …  [repeatable]"
)
@click.option("--encrypt", multiple=True, metavar="RECIPIENT", help="An age recipient, or a file of them  [repeatable]")
@click.option("--bwlimit", type=RATE, default=None, metavar="RATE", help="Bytes per second at most: 500k, 5MiB, …")
@click.option("--no-clobber", is_flag=True, help="Refuse where the file exists")
@click.option(
    "--export-version",
    type=click.IntRange(1),
    default=None,
    metavar="1|2",
    help="Of the metadata: every LXD reads 1, only newer ones read 2  [default: the server's, 1]",
)
@click.option("--staged", is_flag=True, help="Make the file on the server first: a broken download goes on by itself")
@pass_session
def export(
    session: Session,
    instance: InstanceReference,
    target: str,
    compression: str,
    instance_only: bool,
    has_manifest: bool,
    optimized_storage: bool,
    snapshot: str,
    exclude: tuple[str, ...],
    encrypt: tuple[str, ...],
    bwlimit: int | None,
    no_clobber: bool,
    export_version: int | None,
    staged: bool,
) -> None:
    if snapshot or exclude:
        require_extension(session, EXTENSION, "export of a snapshot or without some paths")
    if export_version is not None:
        require_extension(session, "backup_metadata_version", "choice of the metadata's version")
    wanted = Wanted(
        instance=instance.name,
        options={
            "compression": compression,
            "instance_only": instance_only,
            "optimized_storage": optimized_storage,
            "snapshot": snapshot,
            "exclude": exclude,
            "version": export_version,
        },
        bytes_per_s=bwlimit,
    )
    recipients = parse_recipients(encrypt)
    to_standard_output = target == "-"
    if to_standard_output and has_manifest:
        raise click.UsageError("--manifest needs a file: there is no place beside standard output")
    path = Path(target or _default_name(session, instance.name, compression, is_encrypted=bool(recipients)))
    place = standard_output() if to_standard_output else check_target(path, may_replace=not no_clobber)
    way = streamed if not staged and session.knows(EXTENSION) else staged_first
    try:
        with place as file, way(session, wanted) as source:
            copy(source, file, recipients)
            if isinstance(place, WholeFile):
                place.keep()  # before the server removes what it may have staged
    except BrokenPipeError:
        raise  # nobody reads our output any more
    except OSError as error:
        raise click.ClickException(f"Writing {target or path} failed: {error.strerror or error}") from error
    if not to_standard_output:
        session.say(f"Exported {instance.name} to {path}")
    if has_manifest or (not to_standard_output and path.with_name(f"{path.name}.manifest").exists()):
        from holdfast.cli.export_files import write_sidecar

        beside = write_sidecar(path, session.transfer(f"Checking {path.name}"))
        session.say(f"Wrote {beside}")


def _default_name(session: Session, instance: str, compression: str, *, is_encrypted: bool) -> str:
    """Return the instance's name with the usual extension of what the file will be."""
    chosen = compression or session.client.backups.default_compression()
    word = chosen.split()[0].partition("-")[0] if chosen.strip() else ""
    return f"{instance}.tar{_EXTENSIONS.get(word, '.gz')}{SUFFIX if is_encrypted else ''}"
