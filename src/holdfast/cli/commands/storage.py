"""`holdfast storage`: pools and the volumes in them."""

from __future__ import annotations

from collections.abc import Mapping

import click

from holdfast.cli.commands.key_commands import (
    Noun,
    edit_command,
    get_command,
    set_command,
    show_command,
    unset_command,
)
from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.references import NAME, parse_pairs, remote_argument
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import format_bytes, natural_key


def _read(session: Session, name: str) -> tuple[Mapping[str, object], str]:
    document, etag = session.client.storage.get_with_etag(name)
    return {**document}, etag


def _write(session: Session, name: str, document: Mapping[str, object], etag: str) -> None:
    session.client.storage.update(name, document, etag)


POOL = Noun(
    "POOL",
    "holdfast storage",
    "default",
    "user.note",
    "slow",
    _read,
    _write,
    ("config", "description"),
    is_silent_unset=True,
)
get = get_command(POOL)
set_keys = set_command(POOL)
unset = unset_command(POOL)
show = show_command(POOL)
edit = edit_command(POOL)


@command("list", "List storage pools.", examples=("holdfast storage list", "holdfast storage list --format json"))
@remote_argument
@format_option
@pass_session
def list_pools(session: Session, format_name: str) -> None:
    found = sorted(session.client.storage.list(), key=lambda pool: natural_key(pool["name"]))
    rows = [
        [
            pool["name"],
            pool["driver"],
            pool["config"].get("source", ""),
            pool["description"],
            str(len(pool["used_by"] or [])),
            pool["status"].upper(),
        ]
        for pool in found
    ]
    header = ["NAME", "DRIVER", "SOURCE", "DESCRIPTION", "USED BY", "STATE"]
    click.echo(render(format_name, header, rows, found), nl=False)


@command(
    "create",
    "Create a storage pool. `dir` keeps instances in directories of any file system; `btrfs` needs kernel support, and "
    "takes a size (a file is made for it), a block device or an existing path as source.",
    examples=(
        "holdfast storage create default dir",
        "holdfast storage create default dir source=/srv/holdfast",
        "holdfast storage create fast btrfs size=20GiB",
        "holdfast storage create fast btrfs source=/dev/sdb",
    ),
)
@click.argument("name", type=NAME, metavar="POOL")
@click.argument("driver")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE...]")
@pass_session
def create(session: Session, name: str, driver: str, settings: tuple[str, ...]) -> None:
    session.client.storage.create(name, driver, parse_pairs(settings))
    session.say(f"Storage pool {name} created")


@command(
    "delete",
    "Delete an empty storage pool. One that is unavailable, as its disk is lost for good, goes by --force: the records "
    "of all instances, volumes and snapshots that were in it go with it, and are named. If the disk comes back after "
    "all, what is on it is not known any more.",
    examples=("holdfast storage delete fast", "holdfast storage delete --force usb"),
)
@click.argument("name", type=NAME, metavar="POOL")
@click.option("-f", "--force", is_flag=True, help="Remove the records of what was in a pool whose disk is lost")
@pass_session
def delete(session: Session, name: str, force: bool) -> None:
    if not force:
        session.client.storage.delete(name)
        session.say(f"Storage pool {name} deleted")
        return
    users = _users(session.client.storage.get(name)["used_by"] or [])
    session.client.storage.delete(name, is_lost=True)
    session.say(f"Storage pool {name} deleted")
    for kind, names in users.items():
        session.say(f"Records removed of {'volumes' if kind == 'storage-pools' else kind}: {', '.join(names)}")


@command(
    "info",
    "Show how full a pool is and who uses it.",
    examples=("holdfast storage info default", "holdfast storage info default --bytes"),
)
@click.argument("name", type=NAME, metavar="POOL")
@click.option("--bytes", "in_bytes", is_flag=True, help="Write sizes in bytes")
@pass_session
def info(session: Session, name: str, in_bytes: bool) -> None:
    from holdfast.cli.yaml_text import to_yaml

    pool, space = session.client.storage.get(name), session.client.storage.resources(name)["space"]

    def size(size_bytes: int) -> str:
        return str(size_bytes) if in_bytes else format_bytes(size_bytes)

    facts = {
        "description": pool["description"],
        "driver": pool["driver"],
        "name": pool["name"],
        "space used": size(space["used"]),
        "total space": size(space["total"]),
    }
    click.echo(to_yaml({"info": facts, "used by": _users(pool["used_by"] or [])}), nl=False)


def _users(urls: list[str]) -> dict[str, list[str]]:
    """Sort the URLs of users by their kind: `/1.0/instances/web` is `web` of `instances`."""
    users: dict[str, list[str]] = {}
    for url in urls:
        _, _, kind, *rest = url.partition("?")[0].split("/")
        name = "/".join(part for part in rest if part not in ("snapshots", "volumes"))
        users.setdefault(kind, []).append(name)
    return users


storage = Group(
    "storage",
    "Manage storage pools and the volumes in them.",
    {
        "list": Entry(__name__, "list_pools", "List storage pools"),
        "create": Entry(__name__, "create", "Create a storage pool"),
        "show": Entry(__name__, "show", "Show a storage pool as YAML"),
        "info": Entry(__name__, "info", "Show how full a storage pool is"),
        "edit": Entry(__name__, "edit", "Edit a storage pool as YAML"),
        "get": Entry(__name__, "get", "Show the value of a key"),
        "set": Entry(__name__, "set_keys", "Set keys"),
        "unset": Entry(__name__, "unset", "Remove a key"),
        "delete": Entry(__name__, "delete", "Delete an empty storage pool"),
        "volume": Entry("holdfast.cli.commands.volume", "volume", "Manage the volumes in pools"),
    },
    examples=("holdfast storage create fast btrfs size=20GiB", "holdfast storage info fast"),
)
