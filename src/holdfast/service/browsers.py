"""Browsers: the one-time links that let them in, who is signed in, and until when.

A link is a secret of 32 random bytes that becomes another one, the browser's cookie. Of both only a hash is kept: of
links in memory, as tokens are, of cookies in the database.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from holdfast.db import browsers
from holdfast.db.database import Connection, Database
from holdfast.model.access import Access, Trust
from holdfast.model.browser import LINK_LASTS, SESSION_LASTS, Browser, browser_name, hash_of
from holdfast.model.clock import Clock
from holdfast.model.errors import BadRequestError, BrowserNotFoundError, NotAuthorizedError
from holdfast.model.guess_limit import GuessLimit
from holdfast.service.caller import INTERNAL, Caller
from holdfast.service.certificates import CertificateService
from holdfast.service.events import EventBus
from holdfast.service.resources import url

SEEN_EVERY: Final = timedelta(minutes=1)
"""How exact `last_seen_at` is: a page makes many requests, and each note of it is a transaction."""
MOST_LINKS: Final = 100
"""Links that can be open at once; the oldest gives way."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInLink:
    """What a new browser may do by a link, and until when it is good. The secret is told to nobody else."""

    secret: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn:
    """A browser that has just come in, with the cookie that it is known by from now on."""

    browser: Browser
    secret: str


@dataclass(frozen=True, slots=True)
class _Open:
    expires_at: datetime
    restricted: bool
    projects: tuple[str, ...]


class BrowserService:
    """Lets browsers in and out; thread-safe."""

    def __init__(self, *, database: Database, certificates: CertificateService, events: EventBus, clock: Clock) -> None:
        self._database, self._certificates, self._events, self._clock = database, certificates, events, clock
        self._lock = threading.Lock()
        self._links: dict[str, _Open] = {}
        self._guesses = GuessLimit(clock.monotonic)

    # --- links ----------------------------------------------------------------------------------------------------

    def make_link(self, caller: Caller, *, restricted: bool = False, projects: Sequence[str] = ()) -> SignInLink:
        """Make a link by which one browser comes in, once, within ten minutes."""
        if not caller.access.is_admin:
            raise NotAuthorizedError
        if projects and not restricted:
            raise BadRequestError("Projects go with `restricted`: who isn't restricted may enter all of them")
        self._certificates.check_projects(projects)
        secret, expires_at = secrets.token_urlsafe(32), self._clock.now() + LINK_LASTS
        with self._lock:
            self._forget_old_links()
            while len(self._links) >= MOST_LINKS:
                del self._links[next(iter(self._links))]
            self._links[hash_of(secret)] = _Open(expires_at, restricted, tuple(sorted(set(projects))))
        return SignInLink(secret=secret, expires_at=expires_at)

    def sign_in(self, caller: Caller, secret: str, *, agent: str, address: str) -> SignedIn:
        """Let a browser in by the secret of a link, which is used up then; `NotAuthorizedError` for any other."""
        with self._guesses.guess(address), self._lock:
            self._forget_old_links()
            found = self._links.pop(hash_of(secret), None)
            if found is None:
                raise NotAuthorizedError("This link has been used, or is too old")
        cookie, now = secrets.token_urlsafe(32), self._clock.now()
        browser = Browser(
            id=secrets.token_hex(8),
            name=browser_name(agent),
            secret_hash=hash_of(cookie),
            address=address,
            restricted=found.restricted,
            projects=found.projects,
            created_at=now,
            last_seen_at=now,
            expires_at=now + SESSION_LASTS,
        )
        with self._database.write() as connection:
            browsers.insert(connection, browser)
        self._events.lifecycle(caller, None, "browser-created", _url(browser.id))
        return SignedIn(browser=browser, secret=cookie)

    def _forget_old_links(self) -> None:
        now = self._clock.now()
        self._links = {key: link for key, link in self._links.items() if now < link.expires_at}

    # --- who may what ---------------------------------------------------------------------------------------------

    def access_by_cookie(self, secret: str, address: str) -> Access | None:
        """Return what the browser with this cookie may do and note that it came; None if it is nobody's."""
        with self._database.read() as connection:
            found = browsers.find_by_secret(connection, hash_of(secret))
        now = self._clock.now()
        if found is None or not found.is_valid(now):
            return None
        if now - found.last_seen_at >= SEEN_EVERY or found.address != address:
            with self._database.write() as connection:
                browsers.seen(connection, found.id, now, address)
        return _access(found)

    def access_of(self, browser_id: str) -> Access:
        """Return what a browser may do at the moment."""
        with self._database.read() as connection:
            found = browsers.find(connection, browser_id)
        valid = found is not None and found.is_valid(self._clock.now())
        return _access(found) if valid and found is not None else Access(Trust.NONE)

    # --- reading and ending ---------------------------------------------------------------------------------------

    def list(self, caller: Caller) -> list[Browser]:
        """Return those that the caller may see: who is restricted sees itself."""
        now = self._clock.now()
        with self._database.read() as connection:
            return [each for each in browsers.list_all(connection) if _may_see(caller, each) and each.is_valid(now)]

    def get(self, caller: Caller, browser_id: str) -> Browser:
        with self._database.read() as connection:
            return _get(connection, caller, browser_id)

    def sign_out(self, caller: Caller, browser_id: str) -> None:
        """End the session of a browser: its next request is a stranger's, and what it has open ends."""
        with self._database.write() as connection:
            found = _get(connection, caller, browser_id)
            browsers.delete(connection, found.id)
        self._events.lifecycle(caller, None, "browser-deleted", _url(found.id))

    def expire(self) -> None:
        """Sign out those whose time is over."""
        now = self._clock.now()
        with self._database.read() as connection:
            old = [each for each in browsers.list_all(connection) if not each.is_valid(now)]
        for each in old:
            with self._database.write() as connection:
                browsers.delete(connection, each.id)
            self._events.lifecycle(INTERNAL, None, "browser-deleted", _url(each.id))


def _access(browser: Browser) -> Access:
    if browser.restricted:
        return Access(Trust.RESTRICTED, frozenset(browser.projects), browser=browser.id)
    return Access(Trust.FULL, browser=browser.id)


def _may_see(caller: Caller, browser: Browser) -> bool:
    return caller.access.is_admin or browser.id == caller.access.browser


def _get(connection: Connection, caller: Caller, browser_id: str) -> Browser:
    found = browsers.find(connection, browser_id)
    if found is None or not _may_see(caller, found):
        raise BrowserNotFoundError(browser_id)
    return found


def _url(browser_id: str) -> str:
    return url("ui", "browsers", browser_id)
