"""`holdfast backup test`: see that an export would come up again."""

from __future__ import annotations

from pathlib import Path

import click

from holdfast.cli.extensions import require_extension
from holdfast.cli.groups import command
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import render
from holdfast.client.encryption import load_identities
from holdfast.client.errors import OperationFailedError
from holdfast.client.lending import IMPORT_EXTENSION

_EXTENSION = "holdfast_backup_test"


@command(
    "test",
    "Try an export file on the server: it is imported under a name of its own, without network, without disks of "
    "others and without schedules, started, watched for some seconds and removed, whatever comes. Volumes that are in "
    "the file are there. With a command, that is run by the shell inside until it succeeds. The exit code is 1 if the "
    "instance does not come up. The file of a custom volume is imported, looked through and removed.",
    examples=(
        "holdfast backup test web.tar.gz",
        "holdfast backup test web.tar.gz --command 'systemctl is-system-running --wait' --timeout 120",
        "holdfast backup test web.tar.gz -s fast --format json",
    ),
)
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@click.option("--command", "shell_command", default="", metavar="TEXT", help="Must succeed in the instance")
@click.option("--timeout", default=60.0, metavar="SECONDS", show_default=True, help="How long the command may take")
@click.option("-s", "--storage", default="", metavar="POOL", help="Try it in this pool")
@click.option(
    "--identity",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="The age identity, or SSH key, that opens an encrypted file",
)
@click.option("-f", "--format", "format_name", type=click.Choice(("text", "json", "yaml")), default="text")
@pass_session
def test_backup(
    session: Session,
    file: Path,
    shell_command: str,
    timeout: float,
    storage: str,
    identity: Path | None,
    format_name: str,
) -> None:
    if not file.is_file():
        raise click.ClickException(f"{file} is not a file")
    require_extension(session, _EXTENSION, "tests of backups")
    operation = session.client.backups.test_file(
        file,
        pool=storage,
        command=shell_command,
        timeout_s=timeout,
        may_lend=session.knows(IMPORT_EXTENSION),
        on_bytes=session.transfer(f"Sending {file.name}"),
        identities=load_identities(identity) if identity else (),
    )
    failure = None
    try:
        session.wait(operation, f"Testing {file.name}")
    except OperationFailedError as error:
        failure = error
    found = operation.results().get("backup_test")
    if isinstance(found, dict):
        if format_name == "text":
            click.echo(_text(file, found, is_good=failure is None), nl=False)
        else:
            click.echo(render(format_name, [], [], {**found, "error": str(failure) if failure else ""}), nl=False)
    if failure is not None:
        raise click.ClickException(f"{file}: {failure}") from failure


def _count(found: dict[str, object], key: str) -> int:
    listed = found.get(key)
    return len(listed) if isinstance(listed, list) else 0


def _text(file: Path, found: dict[str, object], *, is_good: bool) -> str:
    snapshots = _count(found, "snapshots")
    holds = f"{snapshots} {'snapshot' if snapshots == 1 else 'snapshots'}"
    if volumes := _count(found, "volumes"):
        holds += f" and {volumes} {'volume' if volumes == 1 else 'volumes'}"
    is_volume = found.get("type") == "custom"
    good, bad = ("can be imported", "can't be imported") if is_volume else ("comes up", "does not come up")
    lines = [f"{file}: {found['name']} with {holds} {good if is_good else bad}"]
    if (seconds := found.get("boot_seconds")) is not None:
        lines.append(f"Up after:  {seconds} s")
    if "exit_code" in found:
        lines.append(f"Exit code: {found['exit_code']}")
    for key, title in (("output", "Output:"), ("console", "Console:")):
        if text := found.get(key):
            lines += [title, *(f"  {line}" for line in str(text).splitlines())]
    return "\n".join("".join(letter if letter.isprintable() else "?" for letter in line) for line in lines) + "\n"
