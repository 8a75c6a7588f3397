"""What answers say to browsers: below /ui/, that nothing runs, loads or frames but what this server itself serves;
elsewhere, that nothing runs at all. A file out of an instance would else be a page of ours, with the rights of who
looks at it.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
PAGE_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
DATA_HEADERS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def is_page(http: web.Request) -> bool:
    """Tell whether a request is about the web page, and not the API."""
    return http.path == "/ui" or http.path.startswith("/ui/")


async def add_headers(http: web.Request, answer: web.StreamResponse) -> None:
    """Add them to an answer, whoever has made it, before it is sent."""
    answer.headers.update(PAGE_HEADERS if is_page(http) else DATA_HEADERS)
