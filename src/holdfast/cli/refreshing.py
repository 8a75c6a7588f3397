"""`--refresh` of copies: snapshots that only the copy has stay, unless the user wants them pruned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

import click

from holdfast.client.errors import ApiError

if TYPE_CHECKING:
    from holdfast.client.client import Client

EXTENSION: Final = "holdfast_refresh_keep"
Function = TypeVar("Function", bound=Callable[..., object])
Snapshots = Sequence[Mapping[str, object]]
"""Their records, as a server lists them."""

_GONE: Final = 404
_SECONDS: Final = len("2026-01-31T12:00:00")
_NO_TIME: Final = "0001-"


def refresh_options(function: Function) -> Function:
    """Add --refresh, and --prune-snapshots or --keep-snapshots: `prune` is None where neither is given."""
    prune = click.option(
        "--prune-snapshots/--keep-snapshots",
        "prune",
        default=None,
        help="With --refresh: snapshots that the source doesn't have are removed from the copy, or stay (the default)",
    )
    return click.option("--refresh", is_flag=True, help="Bring an existing copy up to date")(prune(function))


def check_refresh(*, refresh: bool, prune: bool | None, without: str | None, snapshot: str | None) -> None:
    """Refuse a choice that means nothing; `without` is the option that leaves snapshots out, if it is given.

    `snapshot` is the one that is to be copied, None for the whole.
    """
    if refresh and snapshot:
        raise click.UsageError("A copy can't be refreshed from a snapshot: leave the snapshot or --refresh out")
    given = "--prune-snapshots" if prune else "--keep-snapshots"
    if prune is not None and not refresh:
        raise click.UsageError(f"{given} belongs to --refresh")
    if prune and without:
        raise click.UsageError(f"{given} goes by the source's snapshots, and {without} leaves snapshots as they are")


def check_kept(
    target: Client, *, there: Callable[[], Snapshots], source: Callable[[], Snapshots], without: str | None
) -> None:
    """End the command if the target's server would remove snapshots that are to stay; a new copy has none.

    LXD removes those that only the copy has, and all of them where a copy from another server leaves snapshots out
    (`without` names that option).
    """
    if EXTENSION in target.server_info()["api_extensions"]:
        return
    try:
        own = there()
    except ApiError as error:
        if error.status != _GONE:
            raise
        return
    offered = [] if without else source()
    lost = [_name(each) for each in own if not any(_is_same(each, one) for one in offered)]
    if lost:
        remedy = (
            f"leave {without} out" if without else "rather copy to another name, or let them go by --prune-snapshots"
        )
        raise click.ClickException(
            f"The target's server can't keep what only the copy has: it lacks the API extension "
            f'"{EXTENSION}", and would remove {", ".join(lost)}: {remedy}'
        )


def _is_same(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Tell whether two records are of one snapshot, as LXD does: times to the second, the name alone without one."""
    times = [str(each.get("created_at") or _NO_TIME) for each in (one, other)]
    is_known = not any(time.startswith(_NO_TIME) for time in times)
    return _name(one) == _name(other) and (not is_known or times[0][:_SECONDS] == times[1][:_SECONDS])


def _name(snapshot: Mapping[str, object]) -> str:
    return str(snapshot["name"]).rpartition("/")[2]
