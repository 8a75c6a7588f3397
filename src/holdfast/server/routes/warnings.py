"""Warnings."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.errors import BadRequestError, NotAuthorizedError
from holdfast.model.warning import WarningStatus
from holdfast.server.answers import done, sync
from holdfast.server.listing import api_url, passing
from holdfast.server.render.warnings import warning_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Permission, Route
from holdfast.wire import warning as wire

_LIST = "/1.0/warnings"
_ONE = _LIST + "/{id}"


async def list_warnings(request: ApiRequest) -> web.StreamResponse:
    """Without a project, those of all projects and those that belong to none, as LXD does it."""
    warnings = await request.run(request.services.warnings.list, request.query("project") or None)
    found = passing(request, warnings, warning_shape)
    if not request.recursion:
        return sync([api_url("warnings", warning.id) for warning, _ in found])
    return sync([shape for _, shape in found])


async def get_warning(request: ApiRequest) -> web.StreamResponse:
    return sync(warning_shape(await request.run(request.services.warnings.get, request.path("id"))))


async def put_warning(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.WarningPut)
    service = request.services.warnings
    if sent.status == WarningStatus.RESOLVED:
        raise NotAuthorizedError('Status may only be set to "acknowledged" or "new": the server resolves by itself')
    if sent.status not in (WarningStatus.ACKNOWLEDGED, WarningStatus.NEW):
        raise BadRequestError(f'Invalid warning status "{sent.status}": Set "acknowledged" or "new"')
    change = service.acknowledge if sent.status == WarningStatus.ACKNOWLEDGED else service.reset
    await request.run(change, request.caller, request.path("id"))
    return done()


async def delete_warning(request: ApiRequest) -> web.StreamResponse:
    await request.run(request.services.warnings.delete, request.caller, request.path("id"))
    return done()


ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_warnings,
        summary="List warnings",
        permission=Permission.ADMIN,
        gives=list[wire.ServerWarning],
        query=("project", "all-projects", "recursion", "filter"),
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_warning,
        summary="Show a warning",
        permission=Permission.ADMIN,
        gives=wire.ServerWarning,
    ),
    Route(
        method="PUT",
        path=_ONE,
        handler=put_warning,
        summary="Acknowledge or reset a warning",
        permission=Permission.ADMIN,
        takes=wire.WarningPut,
    ),
    Route(
        method="PATCH",
        path=_ONE,
        handler=put_warning,
        summary="Acknowledge or reset a warning",
        permission=Permission.ADMIN,
        takes=wire.WarningPut,
    ),
    Route(method="DELETE", path=_ONE, handler=delete_warning, summary="Remove a warning", permission=Permission.ADMIN),
)
