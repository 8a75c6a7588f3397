"""Volumes of a pool, read only: those of instances and images. Custom volumes aren't served yet."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.errors import BadRequestError, UnsupportedError, VolumeNotFoundError
from holdfast.model.kinds import VolumeType
from holdfast.server.answers import sync
from holdfast.server.listing import passing
from holdfast.server.render.storage import volume_etag, volume_shape, volume_snapshot_shape, volume_url
from holdfast.server.request import ApiRequest
from holdfast.server.route import Route
from holdfast.service.pool_usage import VolumeView
from holdfast.wire import volume as wire

_LIST = "/1.0/storage-pools/{pool}/volumes"
_TYPE = _LIST + "/{type}"
_ONE = _TYPE + "/{volume}"


async def list_volumes(request: ApiRequest) -> web.StreamResponse:
    """Answer with volumes and snapshots; of one type when the path names it."""
    views = await request.run(request.services.pools.volumes, request.path("pool"), request.projects)
    if "type" in request.http.match_info:
        wanted = _type(request)
        views = [view for view in views if view.volume.type is wanted]
    found = passing(request, views, volume_shape)
    if request.recursion:
        return sync([shape for _, shape in found])
    return sync([volume_url(request.path("pool"), view) for view, _ in found])


async def refuse_creation(request: ApiRequest) -> web.StreamResponse:
    if "type" in request.http.match_info and _type(request) is not VolumeType.CUSTOM:
        raise BadRequestError(f'Currently not allowed to create storage volumes of type "{request.path("type")}"')
    raise UnsupportedError("Custom storage volumes aren't served by this version of Holdfast")


async def get_volume(request: ApiRequest) -> web.StreamResponse:
    view = next((view for view in await _views(request) if view.snapshot is None), None)
    if view is None:
        raise VolumeNotFoundError(request.path("pool"), request.path("volume"))
    return sync(volume_shape(view), etag=volume_etag(view))


async def list_volume_snapshots(request: ApiRequest) -> web.StreamResponse:
    views = await _views(request)
    if not views:
        raise VolumeNotFoundError(request.path("pool"), request.path("volume"))
    snapshots = [view for view in views if view.snapshot is not None]
    if request.recursion:
        return sync([volume_snapshot_shape(view, is_listed=True) for view in snapshots])
    return sync([volume_url(request.path("pool"), view) for view in snapshots])


async def get_volume_snapshot(request: ApiRequest) -> web.StreamResponse:
    wanted = request.path("snapshot")
    view = next((view for view in await _views(request) if view.snapshot == wanted), None)
    if view is None:
        raise VolumeNotFoundError(request.path("pool"), f"{request.path('volume')}/{wanted}")
    return sync(volume_snapshot_shape(view, is_listed=False))


async def _views(request: ApiRequest) -> list[VolumeView]:
    """Return the volume that the path names with its snapshots; images are the same in every project."""
    wanted, name = _type(request), request.path("volume")
    views = await request.run(request.services.pools.volumes, request.path("pool"), request.project)
    return [view for view in views if view.volume.type is wanted and view.volume.name == name]


def _type(request: ApiRequest) -> VolumeType:
    try:
        return VolumeType(request.path("type"))
    except ValueError:
        raise BadRequestError("Invalid storage volume type name") from None


_QUERY = ("project", "all-projects", "recursion", "filter")

ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_volumes,
        summary="List the volumes of a pool",
        gives=list[wire.Volume],
        query=_QUERY,
    ),
    Route(
        method="GET",
        path=_TYPE,
        handler=list_volumes,
        summary="List the volumes of a type",
        gives=list[wire.Volume],
        query=_QUERY,
    ),
    Route(method="POST", path=_LIST, handler=refuse_creation, summary="Refuse: custom volumes aren't served"),
    Route(method="POST", path=_TYPE, handler=refuse_creation, summary="Refuse: custom volumes aren't served"),
    Route(method="GET", path=_ONE, handler=get_volume, summary="Show a volume", gives=wire.Volume),
    Route(
        method="GET",
        path=_ONE + "/snapshots",
        handler=list_volume_snapshots,
        summary="List the snapshots of a volume",
        gives=list[wire.VolumeSnapshot],
        query=("project", "recursion"),
    ),
    Route(
        method="GET",
        path=_ONE + "/snapshots/{snapshot}",
        handler=get_volume_snapshot,
        summary="Show a snapshot of a volume",
        gives=wire.VolumeSnapshot,
    ),
)
