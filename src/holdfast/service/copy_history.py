"""What a backup server keeps of an instance's snapshots: which it asks for, and what it counts them as.

As everywhere, rules to keep count what schedules made, and what a person made goes by its expiry alone. LXD doesn't
tell the two apart: all of its snapshots count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from holdfast.model.instance import Snapshot
from holdfast.model.retention import Kept
from holdfast.model.schedules import DEFAULT_LABEL
from holdfast.service.retention import Retention
from holdfast.service.scheduled import KEEP_KEY, Subject


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyHistory:
    """The history of one copy; `keep` is the rule of its protection, "" for all, `subject` the copy once it is here."""

    keep: str
    retention: Retention
    subject: Callable[[], Subject]

    def recorded(self, snapshot: Snapshot, *, from_ours: bool) -> Snapshot:
        """Return the record of a snapshot that came, from a server of ours or from LXD."""
        if from_ours and not snapshot.schedule:
            return snapshot if self.keep else replace(snapshot, expires_at=None)
        return replace(snapshot, expires_at=None, schedule=DEFAULT_LABEL)

    def wanted(self, offered: Sequence[Snapshot], there: Sequence[Snapshot]) -> list[Snapshot]:
        """Return the offered records without those that would be removed as soon as they are here.

        `there` are those of the copy, with the times that the other server knows them by.
        """
        known = {(each.name, each.created_at) for each in there}
        new = [each for each in offered if (each.name, each.created_at) not in known]
        names = {each.name for each in new}
        snapshots = [*(each for each in there if each.name not in names), *new]
        subject = self.subject()
        config = {**subject.config, KEEP_KEY: self.keep} if self.keep else subject.config
        fates = self.retention.decide(replace(subject, config=config), [_kept(each) for each in snapshots], [])
        unwanted = names & {fate.kept.name for fate in fates if fate.verdict.is_removed}
        return [each for each in offered if each.name not in unwanted]


def _kept(snapshot: Snapshot) -> Kept:
    return Kept(
        name=snapshot.name,
        created_at=snapshot.created_at,
        expires_at=snapshot.expires_at,
        is_held=snapshot.is_held,
        schedule=snapshot.schedule,
    )
