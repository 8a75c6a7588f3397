"""Snapshots of an instance."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.disk_volumes import DiskVolumesMode, parse_mode
from holdfast.server.answers import accepted, sync
from holdfast.server.etag import check_if_match
from holdfast.server.listing import api_url
from holdfast.server.migrations import send_instance
from holdfast.server.moments import moment
from holdfast.server.render.instances import snapshot_etag, snapshot_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.service.instance_requests import NEVER, Expires, SendRequest, SnapshotChange
from holdfast.wire import snapshot as wire
from holdfast.wire.timestamps import is_zero

_LIST = "/1.0/instances/{name}/snapshots"
_ONE = _LIST + "/{snapshot}"


async def list_snapshots(request: ApiRequest) -> web.StreamResponse:
    name = request.path("name")
    views = await request.run(request.services.snapshots.list, request.project, name)
    if request.recursion:
        return sync([snapshot_shape(view) for view in views])
    return sync(
        [api_url("instances", name, "snapshots", view.snapshot.name, project=request.project) for view in views]
    )


async def create_snapshot(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.SnapshotsPost)
    services = request.services
    is_root_only = parse_mode(sent.disk_volumes_mode) is DiskVolumesMode.ROOT
    return accepted(
        await request.run(
            services.snapshots.create if is_root_only else services.volumes.sets.snapshot,
            request.caller,
            request.path("name"),
            sent.name,
            _expires(sent.expires_at),
            expiry=sent.expiry,
            description=sent.description,
            stateful=sent.stateful,
        )
    )


async def get_snapshot(request: ApiRequest) -> web.StreamResponse:
    view = await request.run(
        request.services.snapshots.get, request.project, request.path("name"), request.path("snapshot")
    )
    return sync(snapshot_shape(view), etag=snapshot_etag(view))


async def put_snapshot(request: ApiRequest) -> web.StreamResponse:
    """Change expiry, description and hold, each if it is sent; what else is sent is ignored, as LXD does."""
    sent = await request.body(wire.SnapshotPut)
    name, snapshot, service = request.path("name"), request.path("snapshot"), request.services.snapshots
    view = await request.run(service.get, request.project, name, snapshot)
    check_if_match(request.header("If-Match"), snapshot_etag(view))
    change = SnapshotChange(expires=_expires(sent.expires_at), description=sent.description, is_held=sent.held)
    holds = request.services.volumes.set_holds
    return accepted(await request.run(holds.update, request.caller, name, snapshot, change))


async def rename_snapshot(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.SnapshotPost)
    if sent.migration:
        wanted = SendRequest(name=request.path("name"), snapshot=request.path("snapshot"), live=bool(sent.live))
        return accepted(await send_instance(request, wanted, sent.target))
    service = request.services.snapshots
    return accepted(
        await request.run(service.rename, request.caller, request.path("name"), request.path("snapshot"), sent.name)
    )


async def delete_snapshot(request: ApiRequest) -> web.StreamResponse:
    service = request.services.snapshots
    return accepted(await request.run(service.delete, request.caller, request.path("name"), request.path("snapshot")))


def _expires(text: str | None) -> Expires:
    """Year 1 is "never", absent is "as the instance's rule says" (or, in a change, "as it is")."""
    return NEVER if is_zero(text) else moment(text)


ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_snapshots,
        summary="List snapshots",
        permission=Permission.PROJECT,
        gives=list[wire.Snapshot],
        query=("project", "recursion"),
    ),
    Route(
        method="POST",
        path=_LIST,
        handler=create_snapshot,
        summary="Take a snapshot",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.SnapshotsPost,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_snapshot,
        summary="Show a snapshot",
        permission=Permission.PROJECT,
        gives=wire.Snapshot,
    ),
    Route(
        method="PUT",
        path=_ONE,
        handler=put_snapshot,
        summary="Change expiry, description or hold of a snapshot",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.SnapshotPut,
    ),
    Route(
        method="PATCH",
        path=_ONE,
        handler=put_snapshot,
        summary="Change expiry, description or hold of a snapshot",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.SnapshotPut,
    ),
    Route(
        method="POST",
        path=_ONE,
        handler=rename_snapshot,
        summary="Rename a snapshot, or send it to another server as an instance",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.SnapshotPost,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_snapshot,
        summary="Delete a snapshot",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
    ),
)
