"""Does a browser ask on behalf of a page of ours, or of another site?

Browsers say where a request comes from (`Origin`, `Sec-Fetch-Site`), and pages can't change that. Other clients say
nothing of it.
"""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from holdfast.model.access import Access
from holdfast.model.errors import NotAuthorizedError
from holdfast.server.peer import is_local

READING: Final = ("GET", "HEAD")
_OURS: Final = "same-origin"
_BY_HAND: Final = "none"
"""An address that somebody typed in, or a bookmark."""


def check_origin(http: web.Request, access: Access) -> None:
    """Raise `NotAuthorizedError` if a page of another site asks for what isn't for strangers.

    What only reads is refused where the browser tells that another site asks. What changes something, and websockets,
    must not come with an `Origin` of another host, and by cookie not without a word of where they come from.
    """
    site = http.headers.get("Sec-Fetch-Site", "")
    if access.is_trusted and site not in ("", _OURS, _BY_HAND):
        raise NotAuthorizedError
    if is_local(http):
        _check_local(http)
    elif http.method not in READING or "Upgrade" in http.headers:
        _check_change(http, access, site)


def is_ours(http: web.Request) -> bool:
    """Tell whether a form that was sent is one of this server's: the browser says so."""
    site = http.headers.get("Sec-Fetch-Site", "")
    return site == _OURS or (not site and _is_own(http.headers.get("Origin", ""), http))


def _check_change(http: web.Request, access: Access, site: str) -> None:
    origin = http.headers.get("Origin")
    if origin is None:
        if access.browser and site != _OURS:
            raise NotAuthorizedError
    elif not _is_own(origin, http):
        raise NotAuthorizedError


def _check_local(http: web.Request) -> None:
    """Raise if the socket is reached through a browser by a name of the internet.

    Somebody may have led a port to the socket (`ssh -L`). A page can then let a name of its own stand for that port,
    and is no other site any more for the browser. Names that others can give out have a dot; clients call the socket
    "localhost", "lxd", "unix.socket" or by its path.
    """
    named = [http.headers.get("Host", "")]
    if "Origin" in http.headers:
        named.append(urlsplit(http.headers["Origin"]).netloc or "null.origin")
    if any(_is_public_name(each) for each in named):
        raise NotAuthorizedError


def _is_own(origin: str, http: web.Request) -> bool:
    return bool(origin) and urlsplit(origin).netloc.lower() == http.headers.get("Host", "").lower()


def _is_public_name(place: str) -> bool:
    """Tell whether `HOST:PORT` has a name that a stranger could have given to an address."""
    host = urlsplit(f"//{place}").hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." in host and "%" not in host and not host.endswith((".socket", ".localhost"))
    return False
