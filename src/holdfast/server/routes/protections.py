"""Instances of other servers that this one keeps copies of."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime

from aiohttp import web

from holdfast.model.errors import BadRequestError
from holdfast.model.protection import Protection
from holdfast.server.answers import accepted, done, sync
from holdfast.server.listing import api_url
from holdfast.server.render.protections import protection_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.service.protections import ProtectionChange
from holdfast.wire import protection as wire

_LIST = "/1.0/protections"
_ONE = _LIST + "/{name}"


async def list_protections(request: ApiRequest) -> web.StreamResponse:
    views = await request.run(request.services.protections.list)
    if request.recursion:
        return sync([protection_shape(each) for each in views])
    return sync([api_url("protections", each.protection.name) for each in views])


async def create_protection(request: ApiRequest) -> web.StreamResponse:
    """Set one up. The other server must trust this one's certificate already; with `check_only` it isn't asked."""
    sent = await request.body(wire.ProtectionsPost)
    try:
        ssl.PEM_cert_to_DER_cert(sent.certificate.strip() + "\n")
    except ValueError as error:
        raise BadRequestError(f"The certificate of the other server is no PEM: {error}") from error
    wanted = Protection(
        name=sent.name,
        remote=sent.remote,
        address=sent.address,
        certificate=sent.certificate,
        project=sent.project,
        pattern=sent.pattern,
        target_project=sent.target_project,
        pool=sent.pool,
        schedule=sent.schedule,
        keep=sent.keep,
        window=sent.window,
        bytes_per_s=sent.limit or None,
        parallel=sent.parallel,
        created_at=datetime.now(UTC),
    )
    if sent.check_only:
        await request.run(request.services.protections.check, wanted)
        return done()
    made = await request.run(request.services.protections.create, request.caller, wanted)
    return sync(protection_shape(await request.run(request.services.protections.get, made.name)))


async def get_protection(request: ApiRequest) -> web.StreamResponse:
    return sync(protection_shape(await request.run(request.services.protections.get, request.path("name"))))


async def patch_protection(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ProtectionPatch)
    change = ProtectionChange(
        schedule=sent.schedule,
        keep=sent.keep,
        window=sent.window,
        bytes_per_s=sent.limit,
        parallel=sent.parallel,
        is_paused=sent.paused,
    )
    await request.run(request.services.protections.change, request.caller, request.path("name"), change)
    return done()


async def run_protection(request: ApiRequest) -> web.StreamResponse:
    """Pull at once, whatever the schedule says."""
    service = request.services.protections
    return accepted(await request.run(service.run_now, request.caller, request.path("name")))


async def delete_protection(request: ApiRequest) -> web.StreamResponse:
    """Forget it; the copies stay."""
    await request.run(request.services.protections.remove, request.caller, request.path("name"))
    return done()


ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_protections,
        summary="List what is protected: instances of other servers that copies are kept of",
        permission=Permission.ADMIN,
        gives=list[wire.Protection],
        query=("recursion",),
    ),
    Route(
        method="POST",
        path=_LIST,
        handler=create_protection,
        summary="Protect instances of another server",
        permission=Permission.ADMIN,
        takes=wire.ProtectionsPost,
        gives=wire.Protection,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_protection,
        summary="Show a protection, and how each copy stands",
        permission=Permission.ADMIN,
        gives=wire.Protection,
    ),
    Route(
        method="PATCH",
        path=_ONE,
        handler=patch_protection,
        summary="Change, pause or resume a protection",
        permission=Permission.ADMIN,
        takes=wire.ProtectionPatch,
    ),
    Route(
        method="POST",
        path=_ONE,
        handler=run_protection,
        summary="Pull now",
        permission=Permission.ADMIN,
        answer=Answer.ASYNC,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_protection,
        summary="End a protection; the copies stay",
        permission=Permission.ADMIN,
    ),
)
