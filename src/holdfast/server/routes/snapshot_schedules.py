"""Schedules of snapshots, and what becomes of the snapshots of an instance. LXD has neither."""

from __future__ import annotations

from aiohttp import web

from holdfast.server.answers import sync
from holdfast.server.render.schedules import planned_shape, schedule_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Permission, Route
from holdfast.wire import schedule as wire


async def list_schedules(request: ApiRequest) -> web.StreamResponse:
    """Answer with the schedules; without recursion with the URLs of what has some."""
    views = await request.run(request.services.schedule_reader.list, request.projects)
    if request.recursion:
        return sync([schedule_shape(view) for view in views])
    return sync(list(dict.fromkeys(view.subject.url for view in views)))


async def get_plan(request: ApiRequest) -> web.StreamResponse:
    """Answer with every snapshot of an instance and why it is kept or when it goes; nothing is changed."""
    services = request.services
    subject = await request.run(services.schedules.subject, request.project, request.path("name"))
    fates = await request.run(services.retention.fates, services.schedules, subject)
    return sync([planned_shape(fate) for fate in fates])


ROUTES = (
    Route(
        method="GET",
        path="/1.0/snapshot-schedules",
        handler=list_schedules,
        summary="List schedules of snapshots",
        permission=Permission.PROJECT,
        gives=list[wire.SnapshotSchedule],
        query=("project", "all-projects", "recursion"),
    ),
    Route(
        method="GET",
        path="/1.0/instances/{name}/snapshot-plan",
        handler=get_plan,
        summary="Show what becomes of the snapshots of an instance",
        permission=Permission.PROJECT,
        gives=list[wire.PlannedSnapshot],
    ),
)
