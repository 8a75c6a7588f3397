"""What every answer below /ui/ says to browsers: nothing runs, loads or frames but what this server itself serves."""

from __future__ import annotations

from typing import Final, TypeVar

from aiohttp import web

Page = TypeVar("Page", bound=web.StreamResponse)

CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_FRESH: Final = "no-cache"


def send_page(answer: Page, cache: str = _FRESH) -> Page:
    """Return the answer with the headers of a page."""
    answer.headers.update(HEADERS)
    answer.headers.setdefault("Cache-Control", cache)
    return answer
