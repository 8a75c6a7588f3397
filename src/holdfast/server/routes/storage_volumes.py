"""Volumes of a pool: all can be looked at; custom ones made, copied, changed, moved and deleted."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from holdfast.model.errors import BadRequestError, UnsupportedError, VolumeNotFoundError
from holdfast.model.kinds import VolumeType
from holdfast.model.operation import Operation
from holdfast.server.answers import accepted, created, done, sync
from holdfast.server.etag import check_if_match
from holdfast.server.import_body import import_body
from holdfast.server.listing import api_url, passing
from holdfast.server.migrations import receive_volume, send_volume
from holdfast.server.render.storage import volume_etag, volume_shape, volume_state_shape, volume_url
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.server.volume_bodies import (
    require_custom,
    volume_from_server,
    volume_move,
    volume_request,
    volume_source,
    volume_type,
)
from holdfast.service.pool_usage import VolumeView
from holdfast.service.volume_requests import VolumeSend
from holdfast.wire import volume as wire

_LIST = "/1.0/storage-pools/{pool}/volumes"
_TYPE = _LIST + "/{type}"
_ONE = _TYPE + "/{volume}"


async def list_volumes(request: ApiRequest) -> web.StreamResponse:
    """Answer with volumes and snapshots; of one type when the path names it."""
    views = await request.run(request.services.pools.volumes, request.path("pool"), request.projects)
    if "type" in request.http.match_info:
        wanted = volume_type(request)
        views = [view for view in views if view.volume.type is wanted]
    found = passing(request, views, partial(_shape, request))
    if request.recursion:
        return sync([shape for _, shape in found])
    return sync([volume_url(request.path("pool"), view) for view, _ in found])


async def create_volume(request: ApiRequest) -> web.StreamResponse:
    """Make an empty volume at once, or start to import one, or to copy one, also from another server."""
    if request.is_binary:
        return accepted(await _import(request))
    sent = await request.body(wire.VolumesPost)
    wanted_type = request.http.match_info.get("type", sent.type)
    if wanted_type != VolumeType.CUSTOM:
        raise BadRequestError(f'Currently not allowed to create storage volumes of type "{wanted_type}"')
    pool, volumes = request.path("pool"), request.services.volumes
    wanted, from_server = volume_request(sent), volume_from_server(sent)
    request.enter(sent.source.project or request.project)
    if from_server is not None:
        return accepted(await receive_volume(request, pool, wanted, from_server, sent.source))
    source = volume_source(sent, pool)
    if source is None:
        await request.run(volumes.volumes.create, request.caller, pool, wanted)
        return done()
    return accepted(await request.run(volumes.copies.copy, request.caller, pool, wanted, source))


async def _import(request: ApiRequest) -> Operation:
    """Start to make a volume of an export file."""
    wanted_type = request.http.match_info.get("type", VolumeType.CUSTOM)
    kind = request.header("X-LXD-type") or "backup"
    if wanted_type != VolumeType.CUSTOM or kind != "backup":
        what = wanted_type if wanted_type != VolumeType.CUSTOM else kind
        raise UnsupportedError(f'A volume of type "{what}" isn\'t made of a file: custom ones are, of export files')
    name, restore = request.header("X-LXD-name") or None, request.services.volumes.imports.restore_file
    async with import_body(request) as file:
        return await request.run(restore, request.caller, file, request.path("pool"), name)


async def get_volume(request: ApiRequest) -> web.StreamResponse:
    view = await _view(request)
    return sync(_shape(request, view), etag=volume_etag(view))


async def put_volume(request: ApiRequest) -> web.StreamResponse:
    """Replace what can be changed; with `restore` go back to that snapshot and look at nothing else."""
    require_custom(request)
    sent = await request.body(wire.VolumePut)
    await _check_tag(request)
    pool, name, services = request.path("pool"), request.path("volume"), request.services.volumes
    if sent.restore:
        await request.run(services.restorer.restore, request.caller, pool, name, sent.restore)
    else:
        config = sent.config or {}
        await request.run(services.volumes.update, request.caller, pool, name, sent.description, config)
    return done()


async def patch_volume(request: ApiRequest) -> web.StreamResponse:
    require_custom(request)
    sent = await request.body(wire.VolumePatch)
    if sent.restore:
        raise BadRequestError("Can't call PATCH in restore mode")
    await _check_tag(request)
    await request.run(
        request.services.volumes.volumes.patch,
        request.caller,
        request.path("pool"),
        request.path("volume"),
        description=sent.description,
        config=sent.config,
    )
    return done()


async def post_volume(request: ApiRequest) -> web.StreamResponse:
    """Rename at once, or start to move to another pool or project of this server, or to send to another server."""
    require_custom(request)
    sent = await request.body(wire.VolumePost)
    pool, name, services = request.path("pool"), request.path("volume"), request.services.volumes
    if sent.migration:
        going = VolumeSend(pool=pool, name=name, volume_only=sent.volume_only)
        return accepted(await send_volume(request, going, sent.target))
    wanted = volume_move(sent)
    request.enter(wanted.project or request.project)
    if wanted.pool in ("", pool) and wanted.project in ("", request.project):
        renamed = await request.run(services.renamer.rename, request.caller, pool, name, wanted.name)
        return created(api_url("storage-pools", pool, "volumes", "custom", renamed.name, project=request.project))
    return accepted(await request.run(services.mover.move, request.caller, pool, name, wanted))


async def delete_volume(request: ApiRequest) -> web.StreamResponse:
    require_custom(request)
    service = request.services.volumes.volumes
    await request.run(service.delete, request.caller, request.path("pool"), request.path("volume"))
    return done()


async def get_volume_state(request: ApiRequest) -> web.StreamResponse:
    require_custom(request)
    service = request.services.volumes.volumes
    usage = await request.run(service.usage, request.project, request.path("pool"), request.path("volume"))
    return sync(volume_state_shape(usage))


def _shape(request: ApiRequest, view: VolumeView) -> wire.Volume:
    shape = volume_shape(view)
    shape.used_by = request.visible(shape.used_by)
    return shape


async def _view(request: ApiRequest) -> VolumeView:
    """Return the volume that the path names; images are the same in every project."""
    wanted, pool, name = volume_type(request), request.path("pool"), request.path("volume")
    if wanted is VolumeType.CUSTOM:
        return await request.run(request.services.volumes.volumes.get, request.project, pool, name)
    views = await request.run(request.services.pools.volumes, pool, request.project)
    for view in views:
        if view.volume.type is wanted and view.volume.name == name and view.snapshot is None:
            return view
    raise VolumeNotFoundError(pool, name)


async def _check_tag(request: ApiRequest) -> None:
    check_if_match(request.header("If-Match"), volume_etag(await _view(request)))


_QUERY = ("project", "all-projects", "recursion", "filter")
_PROJECT = ("project", "target")

ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_volumes,
        summary="List the volumes of a pool",
        permission=Permission.PROJECT,
        gives=list[wire.Volume],
        query=_QUERY,
    ),
    Route(
        method="GET",
        path=_TYPE,
        handler=list_volumes,
        summary="List the volumes of a type",
        permission=Permission.PROJECT,
        gives=list[wire.Volume],
        query=_QUERY,
    ),
    Route(
        method="POST",
        path=_LIST,
        handler=create_volume,
        summary="Make or copy a custom volume, import one from a file, or receive one from another server",
        permission=Permission.PROJECT,
        takes=wire.VolumesPost,
        query=_PROJECT,
    ),
    Route(
        method="POST",
        path=_TYPE,
        handler=create_volume,
        summary="Make or copy a custom volume, import one from a file, or receive one from another server",
        permission=Permission.PROJECT,
        takes=wire.VolumesPost,
        query=_PROJECT,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_volume,
        summary="Show a volume",
        permission=Permission.PROJECT,
        gives=wire.Volume,
        query=("project",),
    ),
    Route(
        method="PUT",
        path=_ONE,
        handler=put_volume,
        summary="Replace a volume's configuration, or restore it",
        permission=Permission.PROJECT,
        takes=wire.VolumePut,
        query=("project",),
    ),
    Route(
        method="PATCH",
        path=_ONE,
        handler=patch_volume,
        summary="Change a volume's configuration",
        permission=Permission.PROJECT,
        takes=wire.VolumePatch,
        query=("project",),
    ),
    Route(
        method="POST",
        path=_ONE,
        handler=post_volume,
        summary="Rename a volume, move it to another pool or project, or send it to another server",
        permission=Permission.PROJECT,
        answer=Answer.CREATED,
        takes=wire.VolumePost,
        query=_PROJECT,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_volume,
        summary="Delete a volume that nothing uses",
        permission=Permission.PROJECT,
        query=_PROJECT,
    ),
    Route(
        method="GET",
        path=_ONE + "/state",
        handler=get_volume_state,
        summary="Show how much a volume uses",
        permission=Permission.PROJECT,
        gives=wire.VolumeState,
        query=("project",),
    ),
)
