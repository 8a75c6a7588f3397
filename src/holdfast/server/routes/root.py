"""The server itself: `/`, `/1.0`, its configuration, its resources, the description of this API."""

from __future__ import annotations

from aiohttp import web

from holdfast.server.answers import done, sync
from holdfast.server.etag import check_if_match, etag_of
from holdfast.server.render.configuration import configuration_shape
from holdfast.server.render.server import server_shape, stranger_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Permission, Route
from holdfast.wire import configuration
from holdfast.wire import server as wire


async def get_versions(request: ApiRequest) -> web.StreamResponse:
    return sync(["/1.0"])


async def get_server(request: ApiRequest) -> web.StreamResponse:
    if not request.access.is_trusted:
        return sync(stranger_shape())
    services, is_admin = request.services, request.access.is_admin
    config = await request.run(services.server_config.get_all)
    pools = await request.run(services.pools.list)
    addresses = await request.run(services.addresses.list)
    shape = server_shape(
        services.server_info,
        config if is_admin else None,
        (pool.driver for pool in pools),
        request.project,
        addresses,
    )
    return sync(shape, etag=etag_of(config) if is_admin else "")


async def get_configuration(request: ApiRequest) -> web.StreamResponse:
    """Answer with every configuration key: type, default, what it is for."""
    return sync(configuration_shape(driver.name for driver in request.services.server_info.storage_drivers))


async def put_server(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ServerPut)
    await _check_tag(request)
    await request.run(request.services.server_config.update, request.caller, _as_text(sent.config))
    return done()


async def patch_server(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.ServerPut)
    await _check_tag(request)
    await request.run(request.services.server_config.patch, request.caller, _as_text(sent.config))
    return done()


async def _check_tag(request: ApiRequest) -> None:
    config = await request.run(request.services.server_config.get_all)
    check_if_match(request.header("If-Match"), etag_of(config))


def _as_text(config: dict[str, str | bool | int]) -> dict[str, str]:
    """Return values as text; the server's configuration is the one place where clients send numbers and truths."""
    return {
        key: ("true" if value else "false") if isinstance(value, bool) else str(value) for key, value in config.items()
    }


ROUTES = (
    Route(
        method="GET",
        path="/",
        handler=get_versions,
        summary="List the versions of the API",
        gives=list[str],
        permission=Permission.ANYONE,
    ),
    Route(
        method="GET",
        path="/1.0",
        handler=get_server,
        summary="Show the server and what it can",
        gives=wire.Server,
        permission=Permission.ANYONE,
    ),
    Route(
        method="PUT",
        path="/1.0",
        handler=put_server,
        summary="Replace the configuration",
        permission=Permission.ADMIN,
        takes=wire.ServerPut,
    ),
    Route(
        method="PATCH",
        path="/1.0",
        handler=patch_server,
        summary="Change the configuration",
        permission=Permission.ADMIN,
        takes=wire.ServerPut,
    ),
    Route(
        method="GET",
        path="/1.0/metadata/configuration",
        handler=get_configuration,
        summary="Show the table of configuration keys",
        permission=Permission.TRUSTED,
        gives=configuration.ConfigMetadata,
    ),
)
