"""`holdfast backup verify`, `list` and `extract`: export files on this machine, without a server."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from holdfast.cli.groups import command
from holdfast.cli.import_sources import identity_option
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import format_bytes, format_time

if TYPE_CHECKING:
    from holdfast.cli.export_files import Entry, SnapshotFacts, Verified

_KINDS = {
    "file": stat.S_IFREG,
    "hard link": stat.S_IFREG,
    "symlink": stat.S_IFLNK,
    "character device": stat.S_IFCHR,
    "block device": stat.S_IFBLK,
    "directory": stat.S_IFDIR,
    "fifo": stat.S_IFIFO,
}


@command(
    "verify",
    "Check that an export file is whole, to its last byte, and show what is in it. Nothing is imported and no server "
    "is needed. A file of another program has no check sums of its own; then the rules of the format are checked, and "
    "the sums of the compression. The exit code is 1 for a file that is not good.",
    examples=(
        "holdfast backup verify web.tar.gz",
        "holdfast backup verify web.tar.gz --format json",
        "ssh safe cat web.tar.gz | holdfast backup verify -",
    ),
)
@click.argument("file", metavar="FILE")
@identity_option
@click.option("-f", "--format", "format_name", type=click.Choice(("text", "json", "yaml")), default="text")
@pass_session
def verify(session: Session, file: str, identity: Path | None, format_name: str) -> None:
    from holdfast.cli import export_files

    found = export_files.verify(export_files.Source(file, identity, session.transfer(f"Checking {file}")))
    if format_name == "text":
        click.echo(_text(file, found), nl=False)
    else:
        click.echo(render(format_name, [], [], _document(found)), nl=False)


def _document(found: Verified) -> dict[str, object]:
    facts = found.facts
    return {
        "whole": True,
        "checksums": facts.tool is not None,
        "checked_beside": found.has_sidecar,
        "type": facts.type,
        "name": facts.name,
        "project": facts.project,
        "pool": facts.pool,
        "driver": facts.driver,
        "optimized": facts.is_optimized,
        "compression": facts.compression.value,
        "size": facts.size_bytes,
        "content": {"entries": facts.entries, "bytes": facts.content_bytes},
        "created_at": facts.created_at,
        "tool": facts.tool,
        "version": facts.version,
        "base": facts.base
        and {
            "snapshot": facts.base.snapshot,
            "created_at": facts.base.created_at.isoformat() if facts.base.created_at else None,
            "uuid": facts.base.identity,
        },
        "snapshots": _snapshot_documents(facts.snapshots),
        "volumes": [
            {
                "name": each.name,
                "pool": each.pool,
                "driver": each.driver,
                "optimized": each.is_optimized,
                "content_type": each.content_type,
                "content": {"entries": each.entries, "bytes": each.content_bytes},
                "snapshots": _snapshot_documents(each.snapshots),
            }
            for each in facts.volumes
        ],
    }


def _snapshot_documents(snapshots: Sequence[SnapshotFacts]) -> list[dict[str, object]]:
    return [
        {
            "name": each.name,
            "created_at": each.created_at.isoformat() if each.created_at else None,
            "entries": each.entries,
            "bytes": each.size_bytes,
        }
        for each in snapshots
    ]


def _text(file: str, found: Verified) -> str:
    facts = found.facts
    sums = "all fit" if facts.tool else "none: written by LXD or another program; the format's rules are kept"
    what = f"streams of {facts.driver}" if facts.is_optimized else "entries"
    from holdfast.cli.export_files import base_text

    lines = {
        "Holds": f"{facts.type} {facts.name} of project {facts.project or 'unknown'}",
        "From": f"pool {facts.pool} ({facts.driver}{', optimized' if facts.is_optimized else ''})",
        "Made": f"{format_time(facts.created_at)} by {facts.tool} {facts.version}" if facts.created_at else "unknown",
        "File": f"{format_bytes(facts.size_bytes)}, compression {facts.compression.value}",
        "Content": f"{facts.entries} {what}, {format_bytes(facts.content_bytes)}",
        "Check sums": sums + ("; SHA-256 beside the file fits" if found.has_sidecar else ""),
    }
    if facts.base is not None:
        lines["Builds on"] = f"{base_text(facts)}: import it onto an instance that has this snapshot"
    text = f"{file} is whole\n" + "".join(f"{key + ':':<12}{value}\n" for key, value in lines.items())
    text += _snapshot_table(facts.snapshots, what)
    for each in facts.volumes:
        what = f"streams of {each.driver}" if each.is_optimized else "entries"
        form = f"{each.content_type}, {each.driver}{', optimized' if each.is_optimized else ''}"
        text += (
            f"{'Volume:':<12}{each.pool}/{each.name} ({form})\n"
            f"{'Content:':<12}{each.entries} {what}, {format_bytes(each.content_bytes)}\n"
        ) + _snapshot_table(each.snapshots, what)
    return text


def _snapshot_table(snapshots: Sequence[SnapshotFacts], what: str) -> str:
    if not snapshots:
        return f"{'Snapshots:':<12}none\n"
    rows = [
        [
            each.name,
            format_time(each.created_at.astimezone(UTC).isoformat()) if each.created_at else "",
            str(each.entries),
            format_bytes(each.size_bytes),
        ]
        for each in snapshots
    ]
    return "Snapshots:\n" + render("compact", ["NAME", "TAKEN", what.split()[0].upper(), "SIZE"], rows, [])


@command(
    "list",
    "List the files in an export, as they are seen inside the instance or volume. The file is checked on the way.",
    examples=(
        "holdfast backup list web.tar.gz                       # the top directory",
        "holdfast backup list web.tar.gz etc/nginx",
        "holdfast backup list web.tar.gz etc --recursive --snapshot before-upgrade",
    ),
)
@click.argument("file", metavar="FILE")
@click.argument("path", default="", metavar="[PATH]")
@click.option("--snapshot", default=None, metavar="NAME", help="Look into this snapshot")
@click.option("--volume", default=None, metavar="[POOL/]NAME", help="Look into this attached volume")
@click.option("-r", "--recursive", "is_recursive", is_flag=True, help="List what is in folders, too")
@identity_option
@format_option
@pass_session
def list_files(
    session: Session,
    file: str,
    path: str,
    snapshot: str | None,
    volume: str | None,
    is_recursive: bool,
    identity: Path | None,
    format_name: str,
) -> None:
    from holdfast.cli import export_files

    source = export_files.Source(file, identity, session.transfer(f"Reading {file}"))
    found = export_files.entries(source, path, snapshot, volume, is_recursive=is_recursive)
    rows = [_row(entry) for entry in found]
    documents = [
        {
            "name": entry.name,
            "type": entry.kind,
            "mode": f"{entry.mode:04o}",
            "uid": entry.uid,
            "gid": entry.gid,
            "size": entry.size_bytes,
            "modified_at": _moment(entry.modified_s),
            "target": entry.target,
        }
        for entry in found
    ]
    click.echo(render(format_name, ["MODE", "OWNER", "SIZE", "MODIFIED", "NAME"], rows, documents), nl=False)


def _row(entry: Entry) -> list[str]:
    arrow = {"symlink": " -> ", "hard link": " = "}.get(entry.kind, "")
    return [
        stat.filemode(_KINDS[entry.kind] | entry.mode),
        f"{entry.uid}:{entry.gid}",
        format_bytes(entry.size_bytes),
        format_time(_moment(entry.modified_s)),
        f"{entry.name}{arrow}{entry.target}" if arrow else entry.name,
    ]


def _moment(seconds: int) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return ""


@command(
    "extract",
    "Take files and folders out of an export. Nothing is imported and no server is needed. They get their places below "
    "the directory when the whole file has proved good; existing files stay unless they may be overwritten. They "
    "belong to you: owners, setuid bits and device nodes of the instance are kept only if root asks for them.",
    examples=(
        "holdfast backup extract web.tar.gz etc/fstab --to found          # found/etc/fstab",
        "holdfast backup extract web.tar.gz etc var/www --to found --snapshot before-upgrade",
        "holdfast backup extract web.tar.gz --to whole --same-owner --devices",
    ),
)
@click.argument("file", metavar="FILE")
@click.argument("paths", nargs=-1, metavar="[PATH]...")
@click.option("--to", "target", type=click.Path(path_type=Path), required=True, metavar="DIRECTORY", help="Where to")
@click.option("--snapshot", default=None, metavar="NAME", help="As it was in this snapshot")
@click.option("--volume", default=None, metavar="[POOL/]NAME", help="Of this attached volume, not of the instance")
@click.option("--overwrite", is_flag=True, help="Replace files that exist")
@click.option("--same-owner", is_flag=True, help="Keep owners, setuid bits and system attributes (as root)")
@click.option("--devices", is_flag=True, help="Make pipes and device nodes, too (as root)")
@identity_option
@pass_session
def extract(
    session: Session,
    file: str,
    paths: tuple[str, ...],
    target: Path,
    snapshot: str | None,
    volume: str | None,
    overwrite: bool,
    same_owner: bool,
    devices: bool,
    identity: Path | None,
) -> None:
    import os

    from holdfast.cli import export_files

    if (same_owner or devices) and os.geteuid() != 0:
        raise click.ClickException("--same-owner and --devices take root")
    if not Path(file).is_file():
        raise click.ClickException(f"{file} is not a file")
    if target.exists() and not target.is_dir():
        raise click.ClickException(f"{target} is not a directory")
    is_new = not target.exists()
    target.mkdir(exist_ok=True)
    try:
        done = export_files.take_out(
            export_files.Source(file, identity, session.transfer(f"Reading {file}")),
            target,
            paths,
            snapshot=snapshot,
            volume=volume,
            same_owner=same_owner,
            special_files=devices,
            overwrite=overwrite,
        )
    except BaseException:
        if is_new:
            target.rmdir()
        raise
    skipped = f"; {done.skipped} pipes and device nodes left out" if done.skipped else ""
    session.say(f"Extracted {done.files} files to {target}{skipped}")
