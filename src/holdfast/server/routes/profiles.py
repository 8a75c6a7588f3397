"""Profiles."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.instance import Devices
from holdfast.server.answers import created, done, sync
from holdfast.server.etag import check_if_match
from holdfast.server.listing import api_url
from holdfast.server.render.profiles import profile_etag, profile_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.wire import profile as wire

_LIST = "/1.0/profiles"
_ONE = _LIST + "/{name}"


async def list_profiles(request: ApiRequest) -> web.StreamResponse:
    service = request.services.profiles
    profiles = await request.run(service.list, request.projects)
    if not request.recursion:
        return sync([api_url("profiles", each.name, project=each.project) for each in profiles])
    return sync(
        [
            profile_shape(each, request.visible(await request.run(service.used_by, each.project, each.name)))
            for each in profiles
        ]
    )


async def create_profile(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ProfilesPost)
    service = request.services.profiles
    await request.run(service.create, request.caller, sent.name, sent.description, sent.config, sent.devices)
    return created(api_url("profiles", sent.name))


async def get_profile(request: ApiRequest) -> web.StreamResponse:
    service, name = request.services.profiles, request.path("name")
    profile = await request.run(service.get, request.project, name)
    used_by = await request.run(service.used_by, request.project, name)
    return sync(profile_shape(profile, request.visible(used_by)), etag=profile_etag(profile))


async def put_profile(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ProfilePut)
    return await _change(request, sent.description, sent.config, sent.devices)


async def patch_profile(request: ApiRequest) -> web.StreamResponse:
    """Merge config per key and devices per name."""
    sent = await request.body(wire.ProfilePatch)
    before = await request.run(request.services.profiles.get, request.project, request.path("name"))
    return await _change(
        request,
        before.description if sent.description is None else sent.description,
        {**before.config, **(sent.config or {})},
        {**before.devices, **(sent.devices or {})},
    )


async def rename_profile(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ProfilePost)
    await request.run(request.services.profiles.rename, request.caller, request.path("name"), sent.name)
    return created(api_url("profiles", sent.name))


async def delete_profile(request: ApiRequest) -> web.StreamResponse:
    await request.run(request.services.profiles.delete, request.caller, request.path("name"))
    return done()


async def _change(
    request: ApiRequest, description: str, config: dict[str, str], devices: Devices
) -> web.StreamResponse:
    service, name = request.services.profiles, request.path("name")
    before = await request.run(service.get, request.project, name)
    check_if_match(request.header("If-Match"), profile_etag(before))
    await request.run(service.update, request.caller, name, description, config, devices)
    return done()


ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_profiles,
        summary="List profiles",
        permission=Permission.PROJECT,
        gives=list[wire.Profile],
        query=("project", "all-projects", "recursion"),
    ),
    Route(
        method="POST",
        path=_LIST,
        handler=create_profile,
        summary="Make a profile",
        permission=Permission.PROJECT,
        answer=Answer.CREATED,
        takes=wire.ProfilesPost,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_profile,
        summary="Show a profile",
        permission=Permission.PROJECT,
        gives=wire.Profile,
    ),
    Route(
        method="PUT",
        path=_ONE,
        handler=put_profile,
        summary="Replace a profile",
        permission=Permission.PROJECT,
        takes=wire.ProfilePut,
    ),
    Route(
        method="PATCH",
        path=_ONE,
        handler=patch_profile,
        summary="Change a profile",
        permission=Permission.PROJECT,
        takes=wire.ProfilePatch,
    ),
    Route(
        method="POST",
        path=_ONE,
        handler=rename_profile,
        summary="Rename a profile",
        permission=Permission.PROJECT,
        answer=Answer.CREATED,
        takes=wire.ProfilePost,
    ),
    Route(
        method="DELETE", path=_ONE, handler=delete_profile, summary="Delete a profile", permission=Permission.PROJECT
    ),
)
