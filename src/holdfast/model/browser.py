"""Browsers that are signed in, the links by which they get there, and the names that people see of them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

LINK_LASTS: Final = timedelta(minutes=10)
SESSION_LASTS: Final = timedelta(days=30)
"""From its sign-in, however much it is used."""
IDLE_LASTS: Final = timedelta(days=7)
"""From its last request."""
LONGEST_AGENT: Final = 1000

_PROGRAMS: Final = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Vivaldi", "Vivaldi"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chromium", "Chromium"),
    ("Chrome", "Chrome"),
    ("HeadlessChrome", "Chrome"),
    ("Safari", "Safari"),
)
"""What a browser says of itself, and its name; browsers name those that they resemble, too, so the order counts."""
_SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Browser:
    """One that is signed in. `secret_hash` is that of its cookie; who isn't restricted has no projects."""

    id: str
    name: str
    secret_hash: str
    address: str
    restricted: bool
    projects: tuple[str, ...]
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime

    def is_valid(self, now: datetime) -> bool:
        return now < self.ends_at

    @property
    def ends_at(self) -> datetime:
        """When it is signed out if nothing more comes from it."""
        return min(self.expires_at, self.last_seen_at + IDLE_LASTS)


def hash_of(secret: str) -> str:
    """Return what is kept of a secret of 32 random bytes: nothing slower is needed for what nobody can guess."""
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


def browser_name(agent: str) -> str:
    """Return a short name of who sends this `User-Agent`, such as "Firefox on Linux"."""
    agent = agent[:LONGEST_AGENT]
    program = next((name for mark, name in _PROGRAMS if re.search(rf"\b{mark}(iOS|A)?/", agent)), "Browser")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return f"{program} on {system}" if system else program
