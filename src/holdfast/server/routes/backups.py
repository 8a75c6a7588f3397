"""Export files of instances and custom volumes: make, list, rename, delete, download."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.backup import BackupOwner
from holdfast.model.metadata_version import DEFAULT_VERSION
from holdfast.server.answers import accepted, sync
from holdfast.server.downloads import send_file
from holdfast.server.lent import lent_descriptor
from holdfast.server.listing import api_url
from holdfast.server.moments import moment
from holdfast.server.peer import process_of
from holdfast.server.render.backups import backup_shape, volume_backup_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.server.streaming import require_chunks, send_stream, wants_stream
from holdfast.server.volume_bodies import require_custom
from holdfast.service.backup_owners import volume_owner
from holdfast.service.backups import BackupRequest
from holdfast.service.lent_files import lent_target
from holdfast.wire import backup as wire

_OF_INSTANCES = "/1.0/instances/{name}/backups"
_OF_VOLUMES = "/1.0/storage-pools/{pool}/volumes/{type}/{volume}/backups"


async def list_backups(request: ApiRequest) -> web.StreamResponse:
    owner = await _owner(request)
    backups = await request.run(request.services.backups.list, owner)
    if request.recursion:
        shape = volume_backup_shape if owner.is_volume else backup_shape
        sizes = await request.run(request.services.backups.sizes, backups)
        return sync([shape(each, size) for each, size in zip(backups, sizes, strict=True)])
    place = ("storage-pools", owner.pool, "volumes", "custom") if owner.is_volume else ("instances",)
    return sync([api_url(*place, owner.name, "backups", each.name, project=request.project) for each in backups])


async def create_backup(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.BackupsPost)
    return await _create(request, sent, is_alone=sent.instance_only, with_volumes=sent.with_volumes, since=sent.since)


async def create_volume_backup(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.VolumeBackupsPost)
    return await _create(request, sent, is_alone=sent.volume_only)


async def _create(
    request: ApiRequest,
    sent: wire.BackupsPost | wire.VolumeBackupsPost,
    *,
    is_alone: bool,
    with_volumes: bool = False,
    since: str = "",
) -> web.StreamResponse:
    owner = await _owner(request)
    wanted = BackupRequest(
        name=sent.name,
        expires_at=moment(sent.expires_at),
        is_alone=is_alone,
        optimized_storage=sent.optimized_storage,
        compression=sent.compression_algorithm,
        snapshot=sent.snapshot,
        exclude=tuple(sent.exclude),
        version=sent.version or DEFAULT_VERSION,
        with_volumes=with_volumes,
        since=since,
    )
    if descriptor := lent_descriptor(request):
        require_chunks(request)
        file = await request.run(lent_target, process_of(request.http), descriptor)
        start_into = request.services.export_streams.start_into
        work = await request.run(start_into, file, request.caller, owner, wanted.part, wanted.compression)
        return await send_stream(request, work, kind="text/plain")
    if wants_stream(request):
        start = request.services.export_streams.start
        return await send_stream(
            request, await request.run(start, request.caller, owner, wanted.part, wanted.compression)
        )
    return accepted(await request.run(request.services.backups.create, request.caller, owner, wanted))


async def get_backup(request: ApiRequest) -> web.StreamResponse:
    owner = await _owner(request)
    backup = await request.run(request.services.backups.get, owner, request.path("backup"))
    (size,) = await request.run(request.services.backups.sizes, [backup])
    return sync((volume_backup_shape if owner.is_volume else backup_shape)(backup, size))


async def verify_backup(request: ApiRequest) -> web.StreamResponse:
    """Read the file to its end; the operation fails with what is wrong, its metadata tells what is in a good one."""
    owner, service = await _owner(request), request.services.stored_backups
    return accepted(await request.run(service.verify, request.caller, owner, request.path("backup")))


async def rename_backup(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.BackupPost)
    owner, service = await _owner(request), request.services.backups
    return accepted(await request.run(service.rename, request.caller, owner, request.path("backup"), sent.name))


async def delete_backup(request: ApiRequest) -> web.StreamResponse:
    owner, service = await _owner(request), request.services.backups
    return accepted(await request.run(service.delete, request.caller, owner, request.path("backup")))


async def export_backup(request: ApiRequest) -> web.StreamResponse:
    owner = await _owner(request)
    told_to = None if request.http.method == "HEAD" else request.caller
    path = await request.run(request.services.backups.path, owner, request.path("backup"), told_to)
    return await send_file(request, path, "")


async def _owner(request: ApiRequest) -> BackupOwner:
    """Return what the path names."""
    if "pool" not in request.http.match_info:
        return BackupOwner(project=request.project, name=request.path("name"))
    require_custom(request)
    database = request.services.database
    return await request.run(volume_owner, database, request.project, request.path("pool"), request.path("volume"))


def _routes(path: str, *, of_volumes: bool) -> tuple[Route, ...]:
    one = path + "/{backup}"
    what = " of a custom volume" if of_volumes else ""
    shape: type[object] = wire.VolumeBackup if of_volumes else wire.Backup
    return (
        Route(
            method="GET",
            path=path,
            handler=list_backups,
            summary=f"List export files{what}",
            permission=Permission.PROJECT,
            gives=list[wire.VolumeBackup] if of_volumes else list[wire.Backup],
            query=("project", "recursion"),
        ),
        Route(
            method="POST",
            path=path,
            handler=create_volume_backup if of_volumes else create_backup,
            summary=f"Make an export file{what}, or with `Accept: application/octet-stream` send it at once",
            permission=Permission.PROJECT,
            answer=Answer.ASYNC,
            takes=wire.VolumeBackupsPost if of_volumes else wire.BackupsPost,
        ),
        Route(
            method="GET",
            path=one,
            handler=get_backup,
            summary=f"Show an export file{what}",
            permission=Permission.PROJECT,
            gives=shape,
        ),
        Route(
            method="POST",
            path=one,
            handler=rename_backup,
            summary=f"Rename an export file{what}",
            permission=Permission.PROJECT,
            answer=Answer.ASYNC,
            takes=wire.BackupPost,
        ),
        Route(
            method="DELETE",
            path=one,
            handler=delete_backup,
            summary=f"Delete an export file{what}",
            permission=Permission.PROJECT,
            answer=Answer.ASYNC,
        ),
        Route(
            method="POST",
            path=one + "/verify",
            handler=verify_backup,
            summary=f"Check that an export file{what} is whole",
            permission=Permission.PROJECT,
            answer=Answer.ASYNC,
        ),
        Route(
            method="GET",
            path=one + "/export",
            handler=export_backup,
            summary=f"Download an export file{what}",
            permission=Permission.PROJECT,
            answer=Answer.FILE,
        ),
        Route(
            method="HEAD",
            path=one + "/export",
            handler=export_backup,
            summary=f"Size and entity tag of an export file{what}",
            permission=Permission.PROJECT,
            answer=Answer.FILE,
        ),
    )


ROUTES = (*_routes(_OF_INSTANCES, of_volumes=False), *_routes(_OF_VOLUMES, of_volumes=True))
