"""`holdfast backup stored`: export files that the server keeps, of instances and custom volumes."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Unpack

import click

from holdfast.cli.export_ways import (
    Content,
    check_target,
    content_options,
    copy,
    standard_output,
    wishes_of,
    write_manifest,
)
from holdfast.cli.extensions import require_extension
from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.naming import about
from holdfast.cli.references import strip_remote
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import format_bytes, format_time, future_time, yes_or_no
from holdfast.client.errors import OperationFailedError
from holdfast.client.operations import RunningOperation
from holdfast.client.owners import Owner, VolumeName

_VERIFY = "holdfast_backup_verify"
_TEST = "holdfast_backup_test_stored"
_TEST_VOLUME = "holdfast_backup_test_volume"
_WHAT = "looks at export files that it keeps"
_SPAN = re.compile(r"(\d{1,5})([Hdw])", re.ASCII)
_UNITS: Final = {"H": "hours", "d": "days", "w": "weeks"}


class _OwnerType(click.ParamType[Owner]):
    """Takes `[REMOTE:]INSTANCE` or `[REMOTE:]POOL/VOLUME`: an instance's name has no slash."""

    name = "instance|pool/volume"

    def convert(self, value: Owner, param: click.Parameter | None, ctx: click.Context | None) -> Owner:
        if isinstance(value, VolumeName):
            return value
        pool, slash, volume = strip_remote(value).partition("/")
        if not pool or (slash and (not volume or "/" in volume)):
            self.fail(f'"{value}" is neither INSTANCE nor POOL/VOLUME', param, ctx)
        return VolumeName(pool, volume) if slash else pool


_OWNER = click.argument("owner", type=_OwnerType(), metavar="[POOL/]NAME")
_EXPORT = click.argument("name", metavar="EXPORT")


@command(
    "list",
    "List the export files that the server keeps of an instance or a custom volume.",
    examples=("holdfast backup stored list web", "holdfast backup stored list default/data --format json"),
)
@_OWNER
@format_option
@pass_session
def list_stored(session: Session, owner: Owner, format_name: str) -> None:
    found = sorted(session.client.backups.list(owner), key=lambda each: each["created_at"])
    rows = [
        [
            each["name"],
            format_time(each["created_at"]),
            format_time(each["expires_at"]),
            yes_or_no(not each.get("instance_only", each.get("volume_only", False))),
            yes_or_no(each["optimized_storage"]),
            "" if each.get("size", -1) < 0 else format_bytes(each["size"]),
        ]
        for each in found
    ]
    header = ["NAME", "TAKEN AT", "EXPIRES AT", "SNAPSHOTS", "OPTIMIZED STORAGE", "SIZE"]
    click.echo(render(format_name, header, rows, found), nl=False)


@command(
    "create",
    "Have the server write an export file and keep it. Without a name it is called backup0, backup1, …",
    examples=(
        "holdfast backup stored create web",
        "holdfast backup stored create web weekly --compression zstd --expires 4w",
        "holdfast backup stored create default/data weekly --without-snapshots",
    ),
)
@_OWNER
@click.argument("name", default="", metavar="[EXPORT]")
@click.option("--expires", metavar="TIME", help="When it goes: a time, or a span such as 12H, 7d, 4w  [default: never]")
@click.option("--without-snapshots", is_flag=True, help="Only the newest state")
@click.option("--with-volumes", is_flag=True, help="With the custom volumes that are attached to the instance")
@content_options
@pass_session
def create_stored(
    session: Session,
    /,
    owner: Owner,
    name: str,
    expires: str | None,
    without_snapshots: bool,
    with_volumes: bool,
    **content: Unpack[Content],
) -> None:
    if with_volumes and isinstance(owner, VolumeName):
        raise click.UsageError("--with-volumes is about instances")
    operation = session.client.backups.create(
        owner,
        name=name,
        expires_at=_time(expires) if expires is not None else None,
        **wishes_of(session, content, is_alone=without_snapshots, with_volumes=with_volumes),
    )
    session.wait(operation, f"Backing up {owner}")
    session.say(f"The server keeps the export {operation.names('backups')[0]} of {owner}")


@command(
    "verify",
    "Have the server check, to the last byte, that one of the export files that it keeps is whole, and show what is in "
    "it. The exit code is 1 for a file that is not good.",
    examples=("holdfast backup stored verify web backup0", "holdfast backup stored verify default/data weekly"),
)
@_OWNER
@_EXPORT
@pass_session
def verify_stored(session: Session, owner: Owner, name: str) -> None:
    require_extension(session, _VERIFY, _WHAT)
    _follow(session, session.client.backups.verify(owner, name), f"Checking {name}", "verification")


@command(
    "test",
    "Have the server try one of the export files that it keeps, as `holdfast backup test` tries a file that is here.",
    examples=(
        "holdfast backup stored test web backup0",
        "holdfast backup stored test web backup0 --command 'systemctl is-system-running --wait' --timeout 120",
        "holdfast backup stored test default/data weekly -s fast",
    ),
)
@_OWNER
@_EXPORT
@click.option("--command", "shell_command", default="", metavar="TEXT", help="Must succeed in the instance")
@click.option("--timeout", default=60.0, metavar="SECONDS", show_default=True, help="How long the command may take")
@click.option("-s", "--storage", default="", metavar="POOL", help="Try it in this pool")
@pass_session
def test_stored(session: Session, owner: Owner, name: str, shell_command: str, timeout: float, storage: str) -> None:
    require_extension(session, _TEST_VOLUME if isinstance(owner, VolumeName) else _TEST, _WHAT)
    operation = session.client.backups.test_stored(owner, name, pool=storage, command=shell_command, timeout_s=timeout)
    _follow(session, operation, f"Testing {name}", "backup_test")


@command(
    "rename",
    "Rename an export file that the server keeps.",
    examples=("holdfast backup stored rename web backup0 before-upgrade",),
)
@_OWNER
@_EXPORT
@click.argument("new_name", metavar="NEW-NAME")
@pass_session
def rename_stored(session: Session, owner: Owner, name: str, new_name: str) -> None:
    session.wait(session.client.backups.rename(owner, name, new_name), f"Renaming {name}")


@command(
    "delete",
    "Delete export files that the server keeps.",
    examples=("holdfast backup stored delete web backup0", "holdfast backup stored delete default/data weekly"),
)
@_OWNER
@click.argument("names", nargs=-1, required=True, metavar="EXPORT...")
@pass_session
def delete_stored(session: Session, owner: Owner, names: tuple[str, ...]) -> None:
    there = {each["name"] for each in session.client.backups.list(owner)}
    missing = [name for name in names if name not in there]
    if missing:  # first see that all of them are there: half a deletion helps nobody
        raise click.ClickException(f"The server keeps no export {', '.join(missing)} of {owner}")
    for name in dict.fromkeys(names):
        with about(name):
            session.wait(session.client.backups.delete(owner, name), f"Deleting {name}")


@command(
    "download",
    "Fetch an export file that the server keeps, or write it to standard output (-). The file appears whole or not at "
    "all; a transfer that breaks goes on where it was. A .manifest beside the file is written anew.",
    examples=("holdfast backup stored download web backup0 web.tar.gz",),
)
@_OWNER
@_EXPORT
@click.argument("target", metavar="FILE|-")
@click.option("--no-clobber", is_flag=True, help="Refuse where the file exists")
@pass_session
def download_stored(session: Session, owner: Owner, name: str, target: str, no_clobber: bool) -> None:
    path = None if target == "-" else Path(target)
    place = standard_output() if path is None else check_target(path, may_replace=not no_clobber)
    on_bytes = session.transfer(f"Downloading {name}")
    with place as file, closing(session.client.backups.download(owner, name, on_bytes)) as source:
        copy(source, file, ())
    if path is not None:
        write_manifest(session, path, is_wanted=False)


def _follow(session: Session, operation: RunningOperation, title: str, key: str) -> None:
    """Show what came out, also of what failed."""
    from holdfast.cli.yaml_text import to_yaml

    failure = None
    try:
        session.wait(operation, title)
    except OperationFailedError as error:
        failure = error
    found = operation.results().get(key)
    if isinstance(found, dict):
        click.echo(to_yaml(found), nl=False)
    if failure is not None:
        raise failure


def _time(text: str) -> str:
    """Return the API's time for a time or a span from now."""
    span = _SPAN.fullmatch(text)
    if span is None:
        return future_time(text, ", or a span from now such as 12H, 7d, 4w")
    if not int(span[1]):
        raise click.UsageError(f'"{text}" is no time at all: the file would go at once')
    return f"{datetime.now(UTC) + timedelta(**{_UNITS[span[2]]: int(span[1])}):%Y-%m-%dT%H:%M:%SZ}"


stored = Group(
    "stored",
    "Export files that the server keeps, of instances and custom volumes. An instance is called by its name alone, a "
    "volume with its pool: default/data.",
    {
        "list": Entry(__name__, "list_stored", "List the files"),
        "create": Entry(__name__, "create_stored", "Have the server write a file and keep it"),
        "verify": Entry(__name__, "verify_stored", "Check that a file is whole"),
        "test": Entry(__name__, "test_stored", "Import and start a file under another name, to see"),
        "rename": Entry(__name__, "rename_stored", "Rename a file"),
        "delete": Entry(__name__, "delete_stored", "Delete files"),
        "download": Entry(__name__, "download_stored", "Fetch a file"),
    },
    examples=(
        "holdfast backup stored create web weekly --expires 4w",
        "holdfast backup stored verify web weekly",
        "holdfast backup stored download web weekly web.tar.gz",
    ),
)
