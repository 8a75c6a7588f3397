"""Snapshots of volumes: those of instances can be looked at, those of custom volumes also made and changed."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from holdfast.model.errors import VolumeNotFoundError, VolumeSnapshotNotFoundError
from holdfast.model.kinds import VolumeType
from holdfast.server.answers import accepted, done, sync
from holdfast.server.etag import check_if_match
from holdfast.server.migrations import send_volume
from holdfast.server.moments import moment
from holdfast.server.render.storage import volume_snapshot_etag, volume_snapshot_shape, volume_url
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.server.volume_bodies import require_custom, volume_type
from holdfast.service.instance_requests import NEVER, Expires
from holdfast.service.pool_usage import VolumeView
from holdfast.service.volume_requests import VolumeSend
from holdfast.wire import volume as wire
from holdfast.wire.timestamps import is_zero

_LIST = "/1.0/storage-pools/{pool}/volumes/{type}/{volume}/snapshots"
_ONE = _LIST + "/{snapshot}"


async def list_volume_snapshots(request: ApiRequest) -> web.StreamResponse:
    snapshots = await _views(request)
    if request.recursion:
        return sync([volume_snapshot_shape(view, is_listed=True) for view in snapshots])
    return sync([volume_url(request.path("pool"), view) for view in snapshots])


async def create_volume_snapshot(request: ApiRequest) -> web.StreamResponse:
    require_custom(request)
    sent = await request.body(wire.VolumeSnapshotsPost)
    return accepted(
        await request.run(
            request.services.volumes.snapshots.create,
            request.caller,
            request.path("pool"),
            request.path("volume"),
            sent.name,
            _expires(sent.expires_at),
            description=sent.description,
        )
    )


async def get_volume_snapshot(request: ApiRequest) -> web.StreamResponse:
    view = await _view(request)
    return sync(volume_snapshot_shape(view, is_listed=False), etag=volume_snapshot_etag(view))


async def put_volume_snapshot(request: ApiRequest) -> web.StreamResponse:
    """Replace description and expiry; no expiry means that it is kept. The hold changes only if it is sent."""
    sent = await request.body(wire.VolumeSnapshotPut)
    return await _change(request, sent.description, _expires(sent.expires_at) or NEVER, is_held=sent.held)


async def patch_volume_snapshot(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.VolumeSnapshotPatch)
    return await _change(request, sent.description, _expires(sent.expires_at), is_held=sent.held)


async def rename_volume_snapshot(request: ApiRequest) -> web.StreamResponse:
    require_custom(request)
    sent = await request.body(wire.VolumeSnapshotPost)
    if sent.migration:
        going = VolumeSend(pool=request.path("pool"), name=request.path("volume"), snapshot=request.path("snapshot"))
        return accepted(await send_volume(request, going, sent.target))
    service = request.services.volumes.snapshots
    pool, volume, name = request.path("pool"), request.path("volume"), request.path("snapshot")
    return accepted(await request.run(service.rename, request.caller, pool, volume, name, sent.name))


async def delete_volume_snapshot(request: ApiRequest) -> web.StreamResponse:
    require_custom(request)
    service = request.services.volumes.snapshots
    pool, volume, name = request.path("pool"), request.path("volume"), request.path("snapshot")
    return accepted(await request.run(service.delete, request.caller, pool, volume, name))


async def _change(
    request: ApiRequest, description: str | None, expires: Expires, *, is_held: bool | None
) -> web.StreamResponse:
    require_custom(request)
    check_if_match(request.header("If-Match"), volume_snapshot_etag(await _view(request)))
    await request.run(
        request.services.volumes.snapshots.update,
        request.caller,
        request.path("pool"),
        request.path("volume"),
        request.path("snapshot"),
        description=description,
        expires=expires,
        is_held=is_held,
    )
    return done()


async def _views(request: ApiRequest) -> Sequence[VolumeView]:
    """Return the snapshots of the volume that the path names."""
    wanted, pool, name = volume_type(request), request.path("pool"), request.path("volume")
    if wanted is VolumeType.CUSTOM:
        return await request.run(request.services.volumes.snapshots.list, request.project, pool, name)
    views = await request.run(request.services.pools.volumes, pool, request.project)
    found = [view for view in views if view.volume.type is wanted and view.volume.name == name]
    if not found:
        raise VolumeNotFoundError(pool, name)
    return [view for view in found if view.snapshot is not None]


async def _view(request: ApiRequest) -> VolumeView:
    wanted = request.path("snapshot")
    for view in await _views(request):
        if view.snapshot == wanted:
            return view
    raise VolumeSnapshotNotFoundError(request.path("pool"), request.path("volume"), wanted)


def _expires(text: str | None) -> Expires:
    """Year 1 is "never"; absent is "as the volume's rule says" (or, in a change, "as it is")."""
    return NEVER if is_zero(text) else moment(text)


_PROJECT = ("project", "target")

ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_volume_snapshots,
        summary="List the snapshots of a volume",
        permission=Permission.PROJECT,
        gives=list[wire.VolumeSnapshot],
        query=("project", "recursion"),
    ),
    Route(
        method="POST",
        path=_LIST,
        handler=create_volume_snapshot,
        summary="Take a snapshot of a custom volume",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.VolumeSnapshotsPost,
        query=_PROJECT,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_volume_snapshot,
        summary="Show a snapshot of a volume",
        permission=Permission.PROJECT,
        gives=wire.VolumeSnapshot,
        query=("project",),
    ),
    Route(
        method="PUT",
        path=_ONE,
        handler=put_volume_snapshot,
        summary="Replace description and expiry of a snapshot, hold or release it",
        permission=Permission.PROJECT,
        takes=wire.VolumeSnapshotPut,
        query=("project",),
    ),
    Route(
        method="PATCH",
        path=_ONE,
        handler=patch_volume_snapshot,
        summary="Change description, expiry or hold of a snapshot",
        permission=Permission.PROJECT,
        takes=wire.VolumeSnapshotPatch,
        query=("project",),
    ),
    Route(
        method="POST",
        path=_ONE,
        handler=rename_volume_snapshot,
        summary="Rename a snapshot of a custom volume, or send it to another server as a volume",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.VolumeSnapshotPost,
        query=("project", "target"),
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_volume_snapshot,
        summary="Delete a snapshot of a custom volume",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        query=_PROJECT,
    ),
)
