"""The cookie by which a browser is known. Its `__Host-` prefix has browsers refuse it from other hosts, without TLS and
for parts of the paths; scripts can't read it; it isn't sent with what a page of another site asks for."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from aiohttp import web

COOKIE: Final = "__Host-holdfast"
_LONGEST: Final = 200


def cookie_of(http: web.Request) -> str:
    """Return what the browser is known by, "" where no cookie came."""
    found = http.cookies.get(COOKIE, "")
    return found if len(found) <= _LONGEST else ""


def set_cookie(answer: web.StreamResponse, secret: str, expires_at: datetime, now: datetime) -> None:
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=max(0, int((expires_at - now).total_seconds())),
        path="/",
        secure=True,
        httponly=True,
        samesite="Strict",
    )


def clear_cookie(answer: web.StreamResponse) -> None:
    answer.set_cookie(COOKIE, "", max_age=0, path="/", secure=True, httponly=True, samesite="Strict")
