"""Instances: list, create, import, show, change, rename and move, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from aiohttp import web

from holdfast.model.disk_volumes import DiskVolumesMode, parse_mode
from holdfast.model.errors import BadRequestError
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.kinds import InstanceType
from holdfast.model.operation import Operation
from holdfast.server.answers import accepted, done, sync
from holdfast.server.etag import check_if_match
from holdfast.server.import_body import import_body
from holdfast.server.import_headers import import_headers
from holdfast.server.instance_bodies import change_from, instance_type, move_from, new_instance, send_from
from holdfast.server.listing import api_url, passing
from holdfast.server.migrations import receive_instance, send_instance
from holdfast.server.render.instances import full_shape, instance_etag, instance_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.service.instance_requests import FromMigration, FromRemoteImage
from holdfast.service.instance_views import InstanceFull, InstanceView
from holdfast.wire import instance as wire

_LIST = "/1.0/instances"
_ONE = _LIST + "/{name}"
_TYPE_OF_PREFIX: Final = {
    "instances": None,
    "containers": InstanceType.CONTAINER,
    "virtual-machines": InstanceType.VIRTUAL_MACHINE,
}
_FULL_RECURSION = 2
Item = TypeVar("Item", InstanceView, InstanceFull)


async def list_instances(request: ApiRequest) -> web.StreamResponse:
    """Answer with URLs, with objects, or with everything about each. Older paths list one type each."""
    return await request.run(_listed, request)


def _listed(request: ApiRequest) -> web.Response:
    """Look up, shape, filter and encode in a thread: for hundreds of instances that is too long for the loop."""
    service, project = request.services.instances, request.projects
    if request.recursion >= _FULL_RECURSION:
        everything = _of_type(request, service.list_full(project), lambda each: each.view)
        return sync([shape for _, shape in passing(request, everything, full_shape)])
    found = passing(request, _of_type(request, service.list(project), lambda each: each), instance_shape)
    if request.recursion:
        return sync([shape for _, shape in found])
    prefix = _prefix(request)
    return sync([api_url(prefix, shape.name, project=shape.project) for _, shape in found])


async def create_instance(request: ApiRequest) -> web.StreamResponse:
    """Create from the JSON body, or import the export file that is the body."""
    if request.is_binary:
        return accepted(await _import(request))
    sent = await request.body(wire.InstancesPost)
    wanted, source = new_instance(sent)
    if not isinstance(source, FromRemoteImage):  # there it is a project of the other server
        request.enter(sent.source.project or request.project)
    if isinstance(source, FromMigration):
        return accepted(await receive_instance(request, wanted, source, sent.source))
    return accepted(await request.run(request.services.instances.create, request.caller, wanted, source))


async def _import(request: ApiRequest) -> Operation:
    wanted = import_headers(request)
    async with import_body(request) as file:
        return await request.run(
            request.services.imports.restore_file,
            request.caller,
            file,
            name=wanted.name,
            pool=wanted.pool,
            devices=wanted.devices,
            config=wanted.config,
            profiles=wanted.profiles,
            is_replacing=wanted.is_replacing,
            without_volumes=wanted.without_volumes,
            onto=wanted.onto,
        )


async def get_instance(request: ApiRequest) -> web.StreamResponse:
    service, name = request.services.instances, request.path("name")
    if request.recursion:
        full = await request.run(service.full, request.project, name)
        return sync(full_shape(full), etag=instance_etag(full.view))
    view = await request.run(service.get, request.project, name)
    return sync(instance_shape(view), etag=instance_etag(view))


async def put_instance(request: ApiRequest) -> web.StreamResponse:
    """Replace what can be changed; with `restore` go back to that snapshot and look at nothing else."""
    sent = await request.body(wire.InstancePut)
    name = request.path("name")
    await _check_tag(request)
    if sent.restore:
        is_root_only = parse_mode(sent.restore_disk_volumes_mode) is DiskVolumesMode.ROOT
        services = request.services
        restore = services.restore.restore if is_root_only else services.volumes.set_restorer.restore
        return accepted(await request.run(restore, request.caller, name, sent.restore, stateful=sent.stateful))
    change = InstanceChange(
        architecture=sent.architecture or None,
        config=sent.config,
        devices=sent.devices,
        ephemeral=sent.ephemeral,
        profiles=tuple(sent.profiles),
        description=sent.description,
    )
    return accepted(await request.run(request.services.instances.update, request.caller, name, change))


async def patch_instance(request: ApiRequest) -> web.StreamResponse:
    """Change what is there at once: config per key, devices per name."""
    sent = await request.body(wire.InstancePatch)
    if sent.restore:
        raise BadRequestError("Can't call PATCH in restore mode")
    await _check_tag(request)
    await request.run(request.services.instances.patch, request.caller, request.path("name"), change_from(sent))
    return done()


async def post_instance(request: ApiRequest) -> web.StreamResponse:
    """Rename, move to another pool or project of this server, or send to another server."""
    sent = await request.body(wire.InstancePost)
    name = request.path("name")
    request.enter(sent.project or request.project)
    if not sent.migration:
        return accepted(await request.run(request.services.instances.rename, request.caller, name, sent.name))
    if not sent.pool and not sent.project:
        return accepted(await send_instance(request, send_from(name, sent), sent.target))
    return accepted(await request.run(request.services.copies.move, request.caller, name, move_from(sent)))


async def delete_instance(request: ApiRequest) -> web.StreamResponse:
    return accepted(await request.run(request.services.instances.delete, request.caller, request.path("name")))


async def _check_tag(request: ApiRequest) -> None:
    """The instance is looked up in any case: a missing one is told at once, not by the operation."""
    view = await request.run(request.services.instances.get, request.project, request.path("name"))
    check_if_match(request.header("If-Match"), instance_etag(view))


def _prefix(request: ApiRequest) -> str:
    return request.http.path.split("/")[2]


def _of_type(request: ApiRequest, items: Sequence[Item], view_of: Callable[[Item], InstanceView]) -> list[Item]:
    wanted = _TYPE_OF_PREFIX[_prefix(request)] or instance_type(request.query("instance-type"))
    return [item for item in items if wanted is None or view_of(item).instance.type is wanted]


ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_instances,
        summary="List instances",
        permission=Permission.PROJECT,
        gives=list[wire.Instance],
        query=("project", "all-projects", "recursion", "filter", "instance-type"),
    ),
    Route(
        method="POST",
        path=_LIST,
        handler=create_instance,
        summary="Create an instance, receive one from another server, or import an export file",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.InstancesPost,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_instance,
        summary="Show an instance",
        permission=Permission.PROJECT,
        gives=wire.Instance,
        query=("project", "recursion"),
    ),
    Route(
        method="PUT",
        path=_ONE,
        handler=put_instance,
        summary="Replace an instance's settings, or restore a snapshot",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.InstancePut,
    ),
    Route(
        method="PATCH",
        path=_ONE,
        handler=patch_instance,
        summary="Change settings",
        permission=Permission.PROJECT,
        takes=wire.InstancePatch,
    ),
    Route(
        method="POST",
        path=_ONE,
        handler=post_instance,
        summary="Rename an instance, move it within the server, or send it to another one",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.InstancePost,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_instance,
        summary="Delete an instance",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
    ),
)
