"""What the web page has of its own: who is signed in, by which browsers, and links for new ones."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from holdfast.model.browser import Browser
from holdfast.model.errors import BadRequestError
from holdfast.server.answers import done, sync
from holdfast.server.browser_cookie import clear_cookie
from holdfast.server.listing import api_url
from holdfast.server.peer import is_local
from holdfast.server.request import ApiRequest
from holdfast.server.route import Permission, Route
from holdfast.server.sign_in import SIGN_IN_PATH
from holdfast.wire import ui as wire
from holdfast.wire.timestamps import to_wire

_LINKS: Final = "/1.0/ui/links"
_SESSION: Final = "/1.0/ui/session"
_BROWSERS: Final = "/1.0/ui/browsers"
_ONE: Final = _BROWSERS + "/{id}"


async def make_link(request: ApiRequest) -> web.StreamResponse:
    """Make a link by which one browser is signed in."""
    sent = await request.body(wire.LinksPost)
    places = await _places(request)
    if not places:
        raise BadRequestError(
            "The web page needs HTTPS, and core.https_address is not set: "
            "`holdfast ui --address 127.0.0.1:8443` sets it, or `holdfast config set core.https_address=:8443`"
        )
    made = await request.run(
        request.services.browsers.make_link, request.caller, restricted=sent.restricted, projects=sent.projects
    )
    urls = [f"https://{place}{SIGN_IN_PATH}?token={made.secret}" for place in places]
    return sync(wire.SignInLink(url=urls[0], other_urls=urls[1:], expires_at=to_wire(made.expires_at)))


async def _places(request: ApiRequest) -> list[str]:
    """Return the addresses at which the page can be had, that by which the request came first."""
    places = await request.run(request.services.addresses.with_loopback)
    if is_local(request.http):
        return places
    host = request.header("Host")
    return [host, *(place for place in places if place != host)]


async def get_session(request: ApiRequest) -> web.StreamResponse:
    """Tell who is asking, and what they may do."""
    access = request.access
    by, name, expires_at = "socket", "", ""
    if access.browser:
        found = await request.run(request.services.browsers.get, request.caller, access.browser)
        by, name, expires_at = "browser", found.name, to_wire(found.ends_at)
    elif access.fingerprint:
        trusted = await request.run(request.services.certificates.get, request.caller, access.fingerprint)
        by, name, expires_at = "certificate", trusted.name, to_wire(trusted.valid_until)
    elif request.caller.requestor is not None:
        name = request.caller.requestor.username
    return sync(
        wire.UiSession(
            by=by,
            access=access.trust.value,
            projects=sorted(access.projects),
            name=name,
            browser=access.browser,
            expires_at=expires_at,
        )
    )


async def delete_session(request: ApiRequest) -> web.StreamResponse:
    """Sign out the browser that asks."""
    if not request.access.browser:
        raise BadRequestError("Only browsers can be signed out, and this is none that came by a link")
    await request.run(request.services.browsers.sign_out, request.caller, request.access.browser)
    answer = done()
    clear_cookie(answer)
    return answer


async def list_browsers(request: ApiRequest) -> web.StreamResponse:
    found = await request.run(request.services.browsers.list, request.caller)
    if request.recursion:
        return sync([_shape(request, each) for each in found])
    return sync([api_url("ui", "browsers", each.id) for each in found])


async def get_browser(request: ApiRequest) -> web.StreamResponse:
    found = await request.run(request.services.browsers.get, request.caller, request.path("id"))
    return sync(_shape(request, found))


async def delete_browser(request: ApiRequest) -> web.StreamResponse:
    await request.run(request.services.browsers.sign_out, request.caller, request.path("id"))
    return done()


def _shape(request: ApiRequest, browser: Browser) -> wire.Browser:
    return wire.Browser(
        id=browser.id,
        name=browser.name,
        address=browser.address,
        created_at=to_wire(browser.created_at),
        last_seen_at=to_wire(browser.last_seen_at),
        expires_at=to_wire(browser.ends_at),
        restricted=browser.restricted,
        projects=list(browser.projects),
        current=browser.id == request.access.browser,
    )


ROUTES = (
    Route(
        method="POST",
        path=_LINKS,
        handler=make_link,
        summary="Make a link that signs a browser in, once",
        permission=Permission.ADMIN,
        takes=wire.LinksPost,
        gives=wire.SignInLink,
    ),
    Route(
        method="GET",
        path=_SESSION,
        handler=get_session,
        summary="Show who is asking and what they may do",
        permission=Permission.TRUSTED,
        gives=wire.UiSession,
    ),
    Route(
        method="DELETE",
        path=_SESSION,
        handler=delete_session,
        summary="Sign out the browser that asks",
        permission=Permission.TRUSTED,
    ),
    Route(
        method="GET",
        path=_BROWSERS,
        handler=list_browsers,
        summary="List browsers that are signed in",
        permission=Permission.TRUSTED,
        gives=list[wire.Browser],
        query=("recursion",),
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_browser,
        summary="Show a browser that is signed in",
        permission=Permission.TRUSTED,
        gives=wire.Browser,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_browser,
        summary="Sign a browser out",
        permission=Permission.TRUSTED,
    ),
)
