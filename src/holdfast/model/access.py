"""What an asking side may do: everything, what belongs to some projects, or nothing but what strangers may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Trust(StrEnum):
    """How far somebody is trusted."""

    FULL = "full"
    RESTRICTED = "restricted"
    """To projects."""
    METRICS = "metrics"
    """To nothing but the metrics; a stranger everywhere else."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Access:
    """`fingerprint` is that of the certificate that was shown, "" for none; strangers may have one, too.

    `browser` is the id of a browser that is signed in; its certificate means nothing then.
    """

    trust: Trust
    projects: frozenset[str] = frozenset()
    fingerprint: str = ""
    browser: str = ""

    @property
    def is_trusted(self) -> bool:
        return self.trust in (Trust.FULL, Trust.RESTRICTED)

    @property
    def is_admin(self) -> bool:
        return self.trust is Trust.FULL

    def may_enter(self, project: str) -> bool:
        """Tell whether it may work in the project."""
        return self.is_admin or (self.trust is Trust.RESTRICTED and project in self.projects)

    def may_see(self, project: str | None) -> bool:
        """Tell whether it may learn of what happens in the project; None is what belongs to no project."""
        return self.is_admin if project is None else self.may_enter(project)


EVERYTHING: Final = Access(Trust.FULL)
"""Whoever can open the unix socket, and the server itself."""
STRANGER: Final = Access(Trust.NONE)
