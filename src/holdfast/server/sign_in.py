"""The page that a one-time link opens, and what comes of its button: a cookie.

The link alone does nothing, as programs look at links before people do; the form that it shows is what uses it up. No
script is needed, and none could run.
"""

from __future__ import annotations

import html
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from aiohttp import web

from holdfast.model.errors import HoldfastError, TooManyGuessesError
from holdfast.server.browser_cookie import cookie_of, set_cookie
from holdfast.server.origin import is_ours
from holdfast.server.peer import peer_of, requestor_of
from holdfast.server.request import Parts
from holdfast.service.caller import Caller

SIGN_IN_PATH: Final = "/ui/sign-in"
STYLE_PATH: Final = "/ui/sign-in.css"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{20,100}", re.ASCII)
_LONGEST_FORM_BYTES: Final = 1024
_AGAIN: Final = "Run <code>holdfast ui</code> on the server, and open the link that it prints."
_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 32rem; margin: 15vh auto 0; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; font-weight: 600; }
code { font-family: ui-monospace, monospace; padding: .1em .3em; background: rgba(128, 128, 128, .18); }
button { font: inherit; padding: .5rem 1.5rem; border: 0; border-radius: 4px; color: #fff; background: #0f5a2c; }
button:hover { background: #0a4020; }
button:focus-visible { outline: 3px solid #6aa9ff; outline-offset: 2px; }
"""


class SignInPages:
    """Handlers for aiohttp's table of routes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def routes(self) -> list[tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]]]:
        """Return method, path and handler of each page."""
        return [
            ("GET", SIGN_IN_PATH, self.show),
            ("POST", SIGN_IN_PATH, self.take),
            ("GET", STYLE_PATH, self.style),
        ]

    async def show(self, http: web.Request) -> web.StreamResponse:
        """Ask whether this browser is to be signed in. Whether the link is good is told by the button alone."""
        token = http.query.get("token", "")
        if not _TOKEN.fullmatch(token):
            return _page("Sign in", f"<p>This link isn't whole. {_AGAIN}</p>", 400)
        server = html.escape(self._parts.services.server_info.server_name)
        form = (
            f"<p>This lets the browser work with <strong>{server}</strong>. "
            "Go on only if you have asked for the link.</p>"
            f'<form method="post" action="{SIGN_IN_PATH}">'
            f'<input type="hidden" name="token" value="{html.escape(token)}">'
            '<button type="submit" autofocus>Sign in with this browser</button></form>'
        )
        return _page("Sign in to Holdfast", form)

    async def take(self, http: web.Request) -> web.StreamResponse:
        """Use the link up; the browser has a cookie then and goes to the first page."""
        if not is_ours(http):
            return _page("Not signed in", f"<p>Another site asked for this. {_AGAIN}</p>", 403)
        token = await _token_of(http)
        browsers, pool = self._parts.services.browsers, self._parts.pool
        caller, peer = Caller(requestor=requestor_of(http)), peer_of(http)
        try:
            signed_in = await pool.run(
                browsers.sign_in, caller, token, agent=http.headers.get("User-Agent", ""), address=peer.address
            )
        except HoldfastError as error:
            answer = _page("Not signed in", f"<p>{html.escape(str(error))}. {_AGAIN}</p>", error.status)
            if isinstance(error, TooManyGuessesError):
                answer.headers["Retry-After"] = str(max(1, round(error.wait_s)))
            return answer
        former = await pool.run(browsers.access_by_cookie, cookie_of(http), peer.address)
        if former is not None:
            await pool.run(browsers.sign_out, caller, former.browser)
        answer = web.Response(status=303, headers={"Location": "/ui/", "Cache-Control": "no-store"})
        set_cookie(answer, signed_in.secret, signed_in.browser.expires_at, datetime.now(UTC))
        return answer

    async def style(self, http: web.Request) -> web.StreamResponse:
        return web.Response(text=_STYLE, content_type="text/css", headers={"Cache-Control": "no-cache"})


async def _token_of(http: web.Request) -> str:
    """Return what the form holds, "" for anything that isn't one of ours."""
    body = b""
    async for chunk in http.content.iter_any():
        body += chunk
        if len(body) > _LONGEST_FORM_BYTES:
            return ""
    found = re.fullmatch(rb"token=([A-Za-z0-9_-]{20,100})", body)
    return found[1].decode() if found else ""


def _page(title: str, content: str, status: int = 200) -> web.Response:
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title} – Holdfast</title><link rel="icon" href="data:,">'
        f'<link rel="stylesheet" href="{STYLE_PATH}"></head>'
        f"<body><main><h1>{title}</h1>{content}</main></body></html>\n"
    )
    return web.Response(text=text, content_type="text/html", status=status, headers={"Cache-Control": "no-store"})
