"""Which snapshots to ask of LXD as streams, so that the first one is a difference to what is here. Pure.

LXD sends what it is asked for in that order, each as the difference to the one before. The first it sends as the
difference to the snapshot before that in a list of all: 5.0.2 in the order of their names, which isn't that of their
times where `snap10` follows `snap9`. So only a first one is chosen for which either order leads to something known.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """`names`, oldest first: those wanted, behind one that is here already, if need be. `parents` of the first."""

    names: tuple[str, ...]
    parents: tuple[str, ...]


def asked_of_lxd(there: Sequence[str], wanted: Sequence[str], known: Collection[str]) -> Asked | None:
    """Return what to ask for; None where streams would be of no use.

    `there` are the source's snapshots, oldest first. `known` are those that a difference can be received to. Without a
    common one everything comes whole, once, so that the next ones can be differences; without a new one LXD would
    send the volume whole each time.
    """
    if not wanted:
        return None
    if len(wanted) == len(there):
        return Asked(tuple(wanted), ()) if there[0] == min(there) else None
    for first in (wanted[0], *reversed(there[: there.index(wanted[0])])):
        parents = {_before(there, first), _before(sorted(there), first)}
        found = tuple(name for name in there if name in parents and name in known)
        if len(found) == len(parents):
            return Asked(tuple(dict.fromkeys((first, *wanted))), found)
    return None


def _before(names: Sequence[str], name: str) -> str | None:
    at = names.index(name)
    return names[at - 1] if at else None
