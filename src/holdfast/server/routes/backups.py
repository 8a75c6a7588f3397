"""Export files of an instance: make, list, rename, delete, download."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.metadata_version import DEFAULT_VERSION
from holdfast.server.answers import accepted, sync
from holdfast.server.downloads import send_file
from holdfast.server.listing import api_url
from holdfast.server.moments import moment
from holdfast.server.render.instances import backup_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.server.streaming import send_stream, wants_stream
from holdfast.service.backups import BackupRequest
from holdfast.wire import backup as wire

_LIST = "/1.0/instances/{name}/backups"
_ONE = _LIST + "/{backup}"


async def list_backups(request: ApiRequest) -> web.StreamResponse:
    backups = await request.run(request.services.backups.list, request.project, request.path("name"))
    if request.recursion:
        return sync([backup_shape(each) for each in backups])
    return sync([api_url("instances", each.instance, "backups", each.name, project=each.project) for each in backups])


async def create_backup(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.BackupsPost)
    wanted = BackupRequest(
        name=sent.name,
        expires_at=moment(sent.expires_at),
        instance_only=sent.instance_only,
        optimized_storage=sent.optimized_storage,
        compression=sent.compression_algorithm,
        snapshot=sent.snapshot,
        exclude=tuple(sent.exclude),
        version=sent.version or DEFAULT_VERSION,
    )
    if wants_stream(request):
        work = await request.run(
            request.services.export_streams.start,
            request.caller,
            request.path("name"),
            wanted.part,
            wanted.compression,
        )
        return await send_stream(request, work)
    return accepted(await request.run(request.services.backups.create, request.caller, request.path("name"), wanted))


async def get_backup(request: ApiRequest) -> web.StreamResponse:
    service = request.services.backups
    backup = await request.run(service.get, request.project, request.path("name"), request.path("backup"))
    return sync(backup_shape(backup))


async def rename_backup(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.BackupPost)
    service = request.services.backups
    return accepted(
        await request.run(service.rename, request.caller, request.path("name"), request.path("backup"), sent.name)
    )


async def delete_backup(request: ApiRequest) -> web.StreamResponse:
    service = request.services.backups
    return accepted(await request.run(service.delete, request.caller, request.path("name"), request.path("backup")))


async def export_backup(request: ApiRequest) -> web.StreamResponse:
    service = request.services.backups
    told_to = None if request.http.method == "HEAD" else request.caller
    path = await request.run(service.path, request.project, request.path("name"), request.path("backup"), told_to)
    return await send_file(request, path, "")


ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_backups,
        summary="List export files",
        permission=Permission.PROJECT,
        gives=list[wire.Backup],
        query=("project", "recursion"),
    ),
    Route(
        method="POST",
        path=_LIST,
        handler=create_backup,
        summary="Make an export file, or with `Accept: application/octet-stream` send it at once",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.BackupsPost,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_backup,
        summary="Show an export file",
        permission=Permission.PROJECT,
        gives=wire.Backup,
    ),
    Route(
        method="POST",
        path=_ONE,
        handler=rename_backup,
        summary="Rename an export file",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.BackupPost,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_backup,
        summary="Delete an export file",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
    ),
    Route(
        method="GET",
        path=_ONE + "/export",
        handler=export_backup,
        summary="Download an export file",
        permission=Permission.PROJECT,
        answer=Answer.FILE,
    ),
    Route(
        method="HEAD",
        path=_ONE + "/export",
        handler=export_backup,
        summary="Size and entity tag of an export file",
        permission=Permission.PROJECT,
        answer=Answer.FILE,
    ),
)
