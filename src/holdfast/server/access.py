"""Who asks, and may they? Every request passes here before its handler runs and before its body is read."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from holdfast.model.access import EVERYTHING, STRANGER, Access, Trust
from holdfast.model.errors import NotAuthorizedError
from holdfast.server.blocking import BlockingPool
from holdfast.server.peer import fingerprint_of, is_local, peer_of
from holdfast.server.request import ApiRequest
from holdfast.server.route import Permission, Route
from holdfast.service.certificates import CertificateService

INSISTS_HEADER: Final = "X-LXD-authenticated"
"""Sent by clients that would rather be refused than be shown what strangers are shown."""
SECRET_HEADER: Final = "X-LXD-secret"
"""Sent by servers that bring an image which is expected here."""
_READING: Final = ("GET", "HEAD")
_FEATURES: Final = (
    ("/1.0/profiles", "profiles"),
    ("/1.0/images", "images"),
    ("/1.0/storage-pools/{pool}/volumes", "storage.volumes"),
)


async def access_of(http: web.Request, certificates: CertificateService, pool: BlockingPool) -> Access:
    """Return what who asks may do."""
    if is_local(http):
        return EVERYTHING
    certificate = peer_of(http).certificate
    if certificate is None:
        return STRANGER
    return await pool.run(certificates.access_of, fingerprint_of(certificate))


async def check(route: Route, request: ApiRequest) -> None:
    """Raise `NotAuthorizedError` unless the one who asks may call the route."""
    access = request.access
    _check_origin(request.http)
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


def _check_origin(http: web.Request) -> None:
    """Raise if a page of another site asks: a browser that has a trusted certificate shows it to all of them.

    What only reads is let through: browsers keep the answer from the page. They don't for websockets.
    """
    origin = http.headers.get("Origin")
    if origin is None or (http.method in _READING and "Upgrade" not in http.headers):
        return
    if not is_local(http) and urlsplit(origin).netloc.lower() != http.headers.get("Host", "").lower():
        raise NotAuthorizedError


async def check_project(path: str, request: ApiRequest) -> None:
    """Raise unless the one who asks is trusted, and the request stays in the projects of a restricted client.

    What a project doesn't have of its own is the default project's: it can be used then, and not be changed.
    """
    if request.access.is_admin:
        return
    if request.flag("all-projects"):
        raise NotAuthorizedError
    request.enter(request.project)
    if request.http.method in _READING:
        return
    for prefix, feature in _FEATURES:
        if path.startswith(prefix):
            request.enter(await request.run(request.services.projects.home, request.project, feature))
