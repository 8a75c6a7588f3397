"""Who asks, and may they? Every request passes here before its handler runs and before its body is read."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from holdfast.model.access import EVERYTHING, STRANGER, Access, Trust
from holdfast.model.errors import NotAuthorizedError
from holdfast.server.browser_cookie import cookie_of
from holdfast.server.origin import READING, check_origin
from holdfast.server.peer import fingerprint_of, is_local, peer_of
from holdfast.server.request import ApiRequest, Parts
from holdfast.server.route import Permission, Route

INSISTS_HEADER: Final = "X-LXD-authenticated"
"""Sent by clients that would rather be refused than be shown what strangers are shown."""
SECRET_HEADER: Final = "X-LXD-secret"
"""Sent by servers that bring an image which is expected here."""
_FEATURES: Final = (
    ("/1.0/profiles", "profiles"),
    ("/1.0/images", "images"),
    ("/1.0/storage-pools/{pool}/volumes", "storage.volumes"),
)


async def access_of(http: web.Request, parts: Parts) -> Access:
    """Return what who asks may do: by its cookie, as somebody has signed in by that; else by its certificate."""
    if is_local(http):
        return EVERYTHING
    peer, cookie = peer_of(http), cookie_of(http)
    if cookie:
        found = await parts.pool.run(parts.services.browsers.access_by_cookie, cookie, peer.address)
        if found is not None:
            return found
    if peer.certificate is None:
        return STRANGER
    return await parts.pool.run(parts.services.certificates.access_of, fingerprint_of(peer.certificate))


async def check(route: Route, request: ApiRequest) -> None:
    """Raise `NotAuthorizedError` unless the one who asks may call the route."""
    access = request.access
    check_origin(request.http, access)
    if access.is_admin or (route.permission is Permission.METRICS and access.trust is Trust.METRICS):
        return
    if route.permission is Permission.PROJECT_OR_SECRET:
        if SECRET_HEADER not in request.http.headers:
            await check_project(route.path, request)
        return
    if not access.is_trusted:
        insists = bool(request.http.headers.get(INSISTS_HEADER))
        if insists or route.permission not in (Permission.ANYONE, Permission.SECRET):
            raise NotAuthorizedError
        return
    if route.permission is Permission.ADMIN:
        raise NotAuthorizedError
    if route.permission in (Permission.PROJECT, Permission.METRICS):
        await check_project(route.path, request)


async def check_project(path: str, request: ApiRequest) -> None:
    """Raise unless the one who asks is trusted, and the request stays in the projects of a restricted client.

    What a project doesn't have of its own is the default project's: it can be used then, and not be changed.
    """
    if request.access.is_admin:
        return
    if request.flag("all-projects"):
        raise NotAuthorizedError
    request.enter(request.project)
    if request.http.method in READING:
        return
    for prefix, feature in _FEATURES:
        if path.startswith(prefix):
            request.enter(await request.run(request.services.projects.home, request.project, feature))
