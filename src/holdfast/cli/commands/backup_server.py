"""`holdfast backup-server`: copies of another server's instances, pulled by schedule and kept here."""

from __future__ import annotations

import socket
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

import click

from holdfast.cli.export_ways import RATE
from holdfast.cli.extensions import require_extension
from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.naming import about
from holdfast.cli.references import split_remote
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import format_bytes, format_time, natural_key
from holdfast.client.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.client.shapes import ProtectedCopy, Protection

EXTENSION: Final = "holdfast_protections"
_FORBIDDEN: Final = 403


@command(
    "protect",
    "Keep copies of a server's instances on this one: pulled by schedule, newest state and snapshots, and kept as long "
    "as --keep says even when the other server has removed them. Run this on the backup server; the other one may be "
    "Holdfast or LXD, and must be known as a remote. Its trust is asked for this server's certificate.",
    examples=(
        "holdfast remote add home 10.0.0.5",
        "holdfast backup-server protect home:web --every @hourly --keep hourly=24,daily=14",
        "holdfast backup-server protect 'home:shop/*' --every '30 2 * * *' --keep daily=30,monthly=12 --pool big",
        "holdfast backup-server protect 'home:*' --every @daily --keep daily=7 --bwlimit 20MiB --window 22:00-06:00",
    ),
)
@click.argument("source", metavar="REMOTE:[PROJECT/]INSTANCE|PATTERN")
@click.option("--every", required=True, metavar="SCHEDULE", help="@hourly, @daily, … or a cron line")
@click.option("--keep", default="", metavar="RULE", help="last=3,hourly=24,daily=7,…  [default: everything]")
@click.option("--pool", default="", metavar="NAME", help="Keep the copies here  [default: that of the default profile]")
@click.option("--name", default="", metavar="NAME", help="Call it so  [default: made of remote and pattern]")
@click.option("--target-project", default="default", metavar="NAME", help="The project of the copies")
@click.option("--bwlimit", type=RATE, default=None, metavar="RATE", help="Bytes per second at most: 500k, 5MiB, …")
@click.option("--window", default="", metavar="HH:MM-HH:MM", help="Begin only at these times of the day")
@click.option("--parallel", type=click.IntRange(1, 16), default=2, show_default=True, help="Instances at a time")
@click.option("--now", "at_once", is_flag=True, help="Pull for the first time at once, and wait for it")
@pass_session
def protect(
    session: Session,
    source: str,
    every: str,
    keep: str,
    pool: str,
    name: str,
    target_project: str,
    bwlimit: int | None,
    window: str,
    parallel: int,
    at_once: bool,
) -> None:
    remote, rest = split_remote(source)
    project, slash, pattern = rest.rpartition("/")
    if not remote or not pattern or (slash and not project):
        raise click.UsageError(f'"{source}" is not of the form REMOTE:[PROJECT/]INSTANCE')
    require_extension(session, EXTENSION, "copies of another server's instances")
    found = session.remotes.get(remote)
    if found.is_unix:
        raise click.ClickException(f"{remote} is a server of this machine: a backup server pulls over HTTPS")
    project = project or found.project or "default"
    wanted = {
        "name": name,
        "remote": remote,
        "address": found.address,
        "certificate": _certificate_of(session, remote),
        "project": project,
        "pattern": pattern,
        "target_project": target_project,
        "pool": pool,
        "schedule": every,
        "keep": keep,
        "window": window,
        "limit": bwlimit or 0,
        "parallel": parallel,
    }
    _check_here(session, wanted)
    _have_us_trusted(session, remote, project)
    made = session.client.protections.create(wanted)
    session.say(f"Protection {made['name']}: first run at {format_time(made['next_at'])}")
    if not _is_any_there(session, remote, project, pattern):
        session.say(
            f'{remote} has no instance "{pattern}" in project {project} yet: nothing is pulled until it has one'
        )
    if at_once:
        session.wait(session.client.protections.run(made["name"]), f"Pulling {source}")


def _check_here(session: Session, wanted: Mapping[str, object]) -> None:
    """Raise where copies can't be kept so, before the other server is changed."""
    project, pool = str(wanted["target_project"]), str(wanted["pool"])
    with about(f"--target-project {project}"):
        session.client.projects.get(project)
    if pool:
        with about(f"--pool {pool}"):
            session.client.storage.get(pool)
    session.client.protections.check(wanted)


def _is_any_there(session: Session, remote: str, project: str, pattern: str) -> bool:
    """Tell whether the pattern matches an instance there; what we may not see may be one."""
    try:
        names = session.other(remote, project).instances.names()
    except ApiError:
        return True
    return any(fnmatchcase(name, pattern) for name in names)


def _certificate_of(session: Session, remote: str) -> str:
    """Return what the remote must show: what is pinned, or else what it shows now, which an authority vouches for."""
    pinned = session.remotes.pin_path(remote)
    if pinned.exists():
        return pinned.read_text()
    from holdfast.client.endpoints import split_address
    from holdfast.client.tls import shown_certificate

    return shown_certificate(*split_address(session.remotes.get(remote).address))


def _have_us_trusted(session: Session, remote: str, project: str) -> None:
    """Let the remote trust the backup server's own certificate, for this project alone."""
    from holdfast.client.client import Client
    from holdfast.client.tls import fingerprint_of

    own = session.client.server_info()["environment"]["certificate"]
    if not own:
        raise click.ClickException("This server has no certificate of its own")
    there = Client(session.remotes.connection(remote, project))
    try:
        known = {each["fingerprint"]: each for each in there.certificates.list()}
    except ApiError as error:
        if error.status == _FORBIDDEN:
            return  # we may not look: creating the protection tells whether it is trusted
        raise
    trusted = known.get(fingerprint_of(own))
    if trusted is None:
        there.certificates.add(own, f"backup server {socket.gethostname()}", restricted=True, projects=[project])
        session.say(f"{remote} now trusts this server, for project {project}")
    elif trusted["restricted"] and project not in trusted["projects"]:
        document, etag = there.certificates.get_with_etag(trusted["fingerprint"])
        there.certificates.update(
            trusted["fingerprint"], {**document, "projects": [*trusted["projects"], project]}, etag
        )
        session.say(f"{remote} now trusts this server for project {project}, too")


@command(
    "list",
    "List what is protected: how old the oldest of the newest copies is, what runs next and what failed.",
    examples=("holdfast backup-server list", "holdfast backup-server list --format json"),
)
@format_option
@pass_session
def list_protections(session: Session, format_name: str) -> None:
    found = sorted(session.client.protections.list(), key=lambda each: natural_key(each["name"]))
    header = ["NAME", "SOURCE", "SCHEDULE", "KEEP", "POOL", "COPIES", "OLDEST", "NEXT", "STATE"]
    rows = [
        [
            each["name"],
            f"{each['remote']}:{each['project']}/{each['pattern']}",
            each["schedule"],
            each["keep"],
            each["pool"],
            str(sum(bool(copy["succeeded_at"]) for copy in each["copies"])),
            format_time(min((copy["succeeded_at"] for copy in each["copies"] if copy["succeeded_at"]), default="")),
            format_time(each["next_at"]),
            _state(each),
        ]
        for each in found
    ]
    click.echo(render(format_name, header, rows, found), nl=False)


def _state(each: Protection) -> str:
    """Return the worst that is to be told, as the web page does."""
    failing = _failing(each)
    if any(copy["late"] for copy in each["copies"]):
        return f"LATE: {failing}" if failing else "LATE"
    if failing:
        return f"FAILING ({each['failures']}): {failing}" if each["failures"] else f"FAILING: {failing}"
    if each["paused"]:
        return "PAUSED"
    return "OK" if any(copy["succeeded_at"] for copy in each["copies"]) else "WAITING"


def _failing(each: Protection) -> str:
    """Return what went wrong last, of the whole or of copies; "" if nothing did."""
    if each["error"]:
        return each["error"]
    found = [f"{copy['instance']}: {copy['error']}" for copy in each["copies"] if copy["error"]]
    if not found:
        return "failed" if each["failures"] else ""
    return found[0] if len(found) == 1 else f"{found[0]} (and {len(found) - 1} more)"


@command(
    "status",
    "Show how each copy stands: when the newest good one was pulled, how much came over and how long it took, and what "
    "went wrong last. The exit code is 1 when a copy is older than its schedule promises.",
    examples=("holdfast backup-server status", "holdfast backup-server status home-web"),
)
@click.argument("name", default="", metavar="[NAME]")
@format_option
@pass_session
def status(session: Session, name: str, format_name: str) -> None:
    client = session.client.protections
    found = [client.get(name)] if name else client.list()
    header = ["PROTECTION", "INSTANCE", "NEWEST GOOD COPY", "BYTES", "SECONDS", "STATE"]
    rows = []
    for each in found:
        rows += [
            [
                each["name"],
                copy["instance"],
                format_time(copy["succeeded_at"]) or "never",
                format_bytes(copy["bytes"]),
                f"{copy['seconds']:.1f}",
                _copy_state(copy),
            ]
            for copy in each["copies"]
        ]
        if text := _state_without_copy(each):
            rows.append([each["name"], "", "never" if not each["copies"] else "", "", "", text])
    click.echo(render(format_name, header, rows, found), nl=False)
    if any(copy["late"] for each in found for copy in each["copies"]):
        click.get_current_context().exit(1)


def _state_without_copy(each: Protection) -> str:
    """Return what no copy of a protection tells: that it has none, and why its last run failed."""
    if each["error"] and not any(copy["error"] for copy in each["copies"]):
        return f"FAILED: {each['error']}"
    return "" if each["copies"] else "WAITING: nothing was pulled so far"


def _copy_state(copy: ProtectedCopy) -> str:
    if copy["missing"]:
        return "GONE THERE"
    word = "LATE" if copy["late"] else "FAILED" if copy["error"] else "OK"
    return f"{word}: {copy['error']}" if copy["error"] else word


@command(
    "change",
    "Change a protection; what is not said stays as it is. `--keep ''` keeps all, `--window ''` allows any time.",
    examples=(
        "holdfast backup-server change home-web --every @daily --keep daily=14",
        "holdfast backup-server change home-web --bwlimit 5MiB --window 22:00-06:00",
        "holdfast backup-server change home-web --no-bwlimit",
    ),
)
@click.argument("name")
@click.option("--every", default=None, metavar="SCHEDULE", help="@hourly, @daily, … or a cron line")
@click.option("--keep", default=None, metavar="RULE", help="last=3,hourly=24,daily=7,…")
@click.option("--bwlimit", type=RATE, default=None, metavar="RATE", help="Bytes per second at most: 500k, 5MiB, …")
@click.option("--no-bwlimit", is_flag=True, help="As fast as it goes")
@click.option("--window", default=None, metavar="HH:MM-HH:MM", help="Begin only at these times of the day")
@click.option("--parallel", type=click.IntRange(1, 16), default=None, help="Instances at a time")
@pass_session
def change(
    session: Session,
    name: str,
    every: str | None,
    keep: str | None,
    bwlimit: int | None,
    no_bwlimit: bool,
    window: str | None,
    parallel: int | None,
) -> None:
    if no_bwlimit and bwlimit is not None:
        raise click.UsageError("--bwlimit and --no-bwlimit exclude each other")
    said = {
        "schedule": every,
        "keep": keep,
        "limit": 0 if no_bwlimit else bwlimit,
        "window": window,
        "parallel": parallel,
    }
    wanted = {key: value for key, value in said.items() if value is not None}
    if not wanted:
        raise click.UsageError("Say what is to change")
    session.client.protections.change(name, wanted)


@command("run-now", "Pull now, and wait for it.", examples=("holdfast backup-server run-now home-web",))
@click.argument("name")
@pass_session
def run_now(session: Session, name: str) -> None:
    session.wait(session.client.protections.run(name), f"Pulling {name}")


@command(
    "pause",
    "Let nothing be pulled by schedule until `resume`; `run-now` still pulls.",
    examples=("holdfast backup-server pause home-web",),
)
@click.argument("name")
@pass_session
def pause(session: Session, name: str) -> None:
    session.client.protections.change(name, {"paused": True})


@command(
    "resume",
    "Go on after `pause`; what was missed is pulled soon.",
    examples=("holdfast backup-server resume home-web",),
)
@click.argument("name")
@pass_session
def resume(session: Session, name: str) -> None:
    session.client.protections.change(name, {"paused": False})


@command(
    "remove",
    "End a protection. The copies stay, as instances of their own.",
    examples=("holdfast backup-server remove home-web",),
)
@click.argument("name")
@pass_session
def remove(session: Session, name: str) -> None:
    session.client.protections.remove(name)
    session.say(f"Protection {name} ended; its copies are still here")


backup_server = Group(
    "backup-server",
    "Keep copies of another server's instances on this one.",
    {
        "protect": Entry(__name__, "protect", "Pull instances of another server by schedule"),
        "list": Entry(__name__, "list_protections", "List what is protected"),
        "status": Entry(__name__, "status", "Show how each copy stands"),
        "run-now": Entry(__name__, "run_now", "Pull now"),
        "change": Entry(__name__, "change", "Change schedule, what is kept, limits"),
        "pause": Entry(__name__, "pause", "Let nothing be pulled for a while"),
        "resume": Entry(__name__, "resume", "Go on after a pause"),
        "remove": Entry(__name__, "remove", "End a protection; the copies stay"),
    },
    examples=(
        "holdfast remote add home 10.0.0.5",
        "holdfast backup-server protect 'home:*' --every @hourly --keep hourly=24,daily=14",
        "holdfast backup-server status",
        "",
        "# back home",
        "holdfast copy web home:web",
    ),
)
