"""Projects."""

from __future__ import annotations

from aiohttp import web

from holdfast.server.answers import accepted, created, done, sync
from holdfast.server.etag import check_if_match
from holdfast.server.listing import api_url
from holdfast.server.render.profiles import project_etag, project_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.service.operation_handle import OperationHandle
from holdfast.wire import project as wire

_LIST = "/1.0/projects"
_ONE = _LIST + "/{name}"


async def list_projects(request: ApiRequest) -> web.StreamResponse:
    service = request.services.projects
    projects = [each for each in await request.run(service.list) if request.access.may_enter(each.name)]
    if not request.recursion:
        return sync([api_url("projects", each.name) for each in projects])
    return sync([project_shape(each, await request.run(service.used_by, each.name)) for each in projects])


async def create_project(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ProjectsPost)
    await request.run(request.services.projects.create, request.caller, sent.name, sent.description, sent.config)
    return created(api_url("projects", sent.name))


async def get_project(request: ApiRequest) -> web.StreamResponse:
    service, name = request.services.projects, request.enter(request.path("name"))
    project = await request.run(service.get, name)
    return sync(project_shape(project, await request.run(service.used_by, name)), etag=project_etag(project))


async def put_project(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ProjectPut)
    await _check_tag(request)
    await request.run(
        request.services.projects.update, request.caller, request.path("name"), sent.description, sent.config
    )
    return done()


async def patch_project(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ProjectPatch)
    await _check_tag(request)
    await request.run(
        request.services.projects.patch,
        request.caller,
        request.path("name"),
        description=sent.description,
        config=sent.config,
    )
    return done()


async def rename_project(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ProjectPost)
    service, name = request.services.projects, request.path("name")
    await request.run(service.get, name)

    def work(_: OperationHandle) -> None:
        service.rename(request.caller, name, sent.name)

    return accepted(await request.run(request.services.operations.start, request.caller, "Renaming project", work))


async def delete_project(request: ApiRequest) -> web.StreamResponse:
    await request.run(request.services.projects.delete, request.caller, request.path("name"))
    return done()


async def _check_tag(request: ApiRequest) -> None:
    project = await request.run(request.services.projects.get, request.path("name"))
    check_if_match(request.header("If-Match"), project_etag(project))


ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_projects,
        summary="List projects",
        permission=Permission.TRUSTED,
        gives=list[wire.Project],
        query=("recursion",),
    ),
    Route(
        method="POST",
        path=_LIST,
        handler=create_project,
        summary="Make a project",
        permission=Permission.ADMIN,
        answer=Answer.CREATED,
        takes=wire.ProjectsPost,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_project,
        summary="Show a project",
        permission=Permission.TRUSTED,
        gives=wire.Project,
    ),
    Route(
        method="PUT",
        path=_ONE,
        handler=put_project,
        summary="Replace a project's settings",
        permission=Permission.ADMIN,
        takes=wire.ProjectPut,
    ),
    Route(
        method="PATCH",
        path=_ONE,
        handler=patch_project,
        summary="Change a project's settings",
        permission=Permission.ADMIN,
        takes=wire.ProjectPatch,
    ),
    Route(
        method="POST",
        path=_ONE,
        handler=rename_project,
        summary="Rename an empty project",
        permission=Permission.ADMIN,
        answer=Answer.ASYNC,
        takes=wire.ProjectPost,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_project,
        summary="Delete an empty project",
        permission=Permission.ADMIN,
    ),
)
