"""Storage pools."""

from __future__ import annotations

from aiohttp import web

from holdfast.server.answers import created, done, sync
from holdfast.server.etag import check_if_match
from holdfast.server.listing import api_url
from holdfast.server.render.storage import pool_etag, pool_shape, resources_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.wire import pool as wire

_LIST = "/1.0/storage-pools"
_ONE = _LIST + "/{pool}"


async def list_pools(request: ApiRequest) -> web.StreamResponse:
    pools = await request.run(request.services.pools.list)
    if not request.recursion:
        return sync([api_url("storage-pools", each.name) for each in pools])
    return sync([await request.run(_shape, request, each.name) for each in pools])


async def create_pool(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.PoolsPost)
    service = request.services.pools
    await request.run(service.create, request.caller, sent.name, sent.driver, sent.description, sent.config)
    return created(api_url("storage-pools", sent.name))


async def get_pool(request: ApiRequest) -> web.StreamResponse:
    name = request.path("pool")
    pool = await request.run(request.services.pools.get, name)
    etag = pool_etag(pool) if request.access.is_admin else ""
    return sync(await request.run(_shape, request, name), etag=etag)


async def put_pool(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.PoolPut)
    await _check_tag(request)
    service = request.services.pools
    await request.run(service.update, request.caller, request.path("pool"), sent.description, sent.config)
    return done()


async def patch_pool(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.PoolPatch)
    await _check_tag(request)
    await request.run(
        request.services.pools.patch,
        request.caller,
        request.path("pool"),
        description=sent.description,
        config=sent.config,
    )
    return done()


async def delete_pool(request: ApiRequest) -> web.StreamResponse:
    services = request.services
    delete = services.lost_pools.delete if request.flag("force") else services.pools.delete
    await request.run(delete, request.caller, request.path("pool"))
    return done()


async def get_resources(request: ApiRequest) -> web.StreamResponse:
    return sync(resources_shape(await request.run(request.services.pools.resources, request.path("pool"))))


def _shape(request: ApiRequest, name: str) -> wire.Pool:
    """Return the pool as the one who asks may see it: its configuration tells of the host."""
    pools = request.services.pools
    shape = pool_shape(pools.get(name), pools.status(name), request.visible(pools.used_by(name)))
    if not request.access.is_admin:
        shape.config = None
    return shape


async def _check_tag(request: ApiRequest) -> None:
    pool = await request.run(request.services.pools.get, request.path("pool"))
    check_if_match(request.header("If-Match"), pool_etag(pool))


ROUTES = (
    Route(
        method="GET",
        path=_LIST,
        handler=list_pools,
        summary="List storage pools",
        permission=Permission.TRUSTED,
        gives=list[wire.Pool],
        query=("recursion",),
    ),
    Route(
        method="POST",
        path=_LIST,
        handler=create_pool,
        summary="Make a storage pool",
        permission=Permission.ADMIN,
        answer=Answer.CREATED,
        takes=wire.PoolsPost,
    ),
    Route(
        method="GET",
        path=_ONE,
        handler=get_pool,
        summary="Show a storage pool",
        permission=Permission.TRUSTED,
        gives=wire.Pool,
    ),
    Route(
        method="PUT",
        path=_ONE,
        handler=put_pool,
        summary="Replace a pool's configuration",
        permission=Permission.ADMIN,
        takes=wire.PoolPut,
    ),
    Route(
        method="PATCH",
        path=_ONE,
        handler=patch_pool,
        summary="Change a pool's configuration",
        permission=Permission.ADMIN,
        takes=wire.PoolPatch,
    ),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete_pool,
        summary="Delete a pool that nothing uses; one whose disk is lost with the records of what was in it (`force`)",
        permission=Permission.ADMIN,
        query=("force",),
    ),
    Route(
        method="GET",
        path=_ONE + "/resources",
        handler=get_resources,
        summary="Show how full a pool is",
        permission=Permission.TRUSTED,
        gives=wire.PoolResources,
    ),
)
