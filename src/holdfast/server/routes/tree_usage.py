"""What instances, custom volumes and their snapshots take on disk, measured while somebody waits."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from holdfast.server.answers import sync
from holdfast.server.request import ApiRequest
from holdfast.server.route import Permission, Route
from holdfast.server.volume_bodies import require_custom
from holdfast.wire.usage import TreeUsage

_QUERY: Final = ("project", "snapshot")


async def get_instance_usage(request: ApiRequest) -> web.StreamResponse:
    service, snapshot = request.services.usage, request.query("snapshot")
    found = await request.run(service.of_instance, request.project, request.path("name"), snapshot)
    return sync(TreeUsage(bytes=found.size_bytes, entries=found.entries, complete=found.is_complete))


async def get_volume_usage(request: ApiRequest) -> web.StreamResponse:
    require_custom(request)
    service, snapshot = request.services.usage, request.query("snapshot")
    found = await request.run(
        service.of_volume, request.project, request.path("pool"), request.path("volume"), snapshot
    )
    return sync(TreeUsage(bytes=found.size_bytes, entries=found.entries, complete=found.is_complete))


ROUTES = (
    Route(
        method="GET",
        path="/1.0/instances/{name}/usage",
        handler=get_instance_usage,
        summary="Measure what an instance, or a snapshot of it, takes on disk",
        permission=Permission.PROJECT,
        gives=TreeUsage,
        query=_QUERY,
    ),
    Route(
        method="GET",
        path="/1.0/storage-pools/{pool}/volumes/{type}/{volume}/usage",
        handler=get_volume_usage,
        summary="Measure what a custom volume, or a snapshot of it, takes on disk",
        permission=Permission.PROJECT,
        gives=TreeUsage,
        query=_QUERY,
    ),
)
