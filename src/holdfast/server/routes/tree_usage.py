"""What instances, custom volumes and their snapshots take on disk: measured while somebody waits, and remembered."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from holdfast.model.measured import MeasuredSize, Subject
from holdfast.server.answers import sync
from holdfast.server.request import ApiRequest
from holdfast.server.route import Permission, Route
from holdfast.server.volume_bodies import require_custom
from holdfast.service.resources import instance_url, snapshot_url, volume_snapshot_url, volume_url
from holdfast.wire.timestamps import to_wire
from holdfast.wire.usage import RememberedUsage, TreeUsage

_QUERY: Final = ("project", "snapshot")


async def get_instance_usage(request: ApiRequest) -> web.StreamResponse:
    service, snapshot = request.services.usage, request.query("snapshot")
    found = await request.run(service.of_instance, request.project, request.path("name"), snapshot)
    return sync(_shape(found))


async def get_volume_usage(request: ApiRequest) -> web.StreamResponse:
    require_custom(request)
    service, snapshot = request.services.usage, request.query("snapshot")
    found = await request.run(
        service.of_volume, request.project, request.path("pool"), request.path("volume"), snapshot
    )
    return sync(_shape(found))


async def list_usage(request: ApiRequest) -> web.StreamResponse:
    """Answer with what was measured before, of instances and volumes as they are; nothing is measured for it."""
    found = await request.run(request.services.usage.remembered, request.projects)
    return sync([_remembered(each) for each in found])


async def list_instance_usage(request: ApiRequest) -> web.StreamResponse:
    service = request.services.usage
    found = await request.run(service.remembered_of_instance, request.project, request.path("name"))
    return sync([_remembered(each) for each in found])


async def list_volume_usage(request: ApiRequest) -> web.StreamResponse:
    require_custom(request)
    service = request.services.usage
    found = await request.run(
        service.remembered_of_volume, request.project, request.path("pool"), request.path("volume")
    )
    return sync([_remembered(each) for each in found])


def _shape(found: MeasuredSize) -> TreeUsage:
    return TreeUsage(
        bytes=found.size_bytes,
        entries=found.entries,
        complete=found.is_complete,
        measured_at=to_wire(found.measured_at),
    )


def _remembered(found: MeasuredSize) -> RememberedUsage:
    return RememberedUsage(subject=_url(found.subject), **msgspec.structs.asdict(_shape(found)))


def _url(of: Subject) -> str:
    if of.is_volume:
        known = (of.pool, of.project, of.name)
        return volume_snapshot_url(*known, of.snapshot) if of.snapshot else volume_url(*known)
    return snapshot_url(of.project, of.name, of.snapshot) if of.snapshot else instance_url(of.project, of.name)


ROUTES = (
    Route(
        method="GET",
        path="/1.0/usage",
        handler=list_usage,
        summary="Show what instances and custom volumes took on disk when they were measured last",
        permission=Permission.PROJECT,
        gives=list[RememberedUsage],
        query=("project", "all-projects"),
    ),
    Route(
        method="GET",
        path="/1.0/instances/{name}/usage/snapshots",
        handler=list_instance_usage,
        summary="Show what snapshots of an instance took on disk, as far as they were measured",
        permission=Permission.PROJECT,
        gives=list[RememberedUsage],
        query=("project",),
    ),
    Route(
        method="GET",
        path="/1.0/storage-pools/{pool}/volumes/{type}/{volume}/usage/snapshots",
        handler=list_volume_usage,
        summary="Show what snapshots of a custom volume took on disk, as far as they were measured",
        permission=Permission.PROJECT,
        gives=list[RememberedUsage],
        query=("project",),
    ),
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
